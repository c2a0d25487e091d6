"""Runs the examples of a process: they are its tests, in virtual time, without a broker.

An example is what happens to one instance, in order: a message comes, time passes, or a person
cancels. After each, what was sent is compared, and the state if it is given::

    - name: the bank refuses
      steps:
        - {message: sales.order.placed, give: small, sends: {stock: reserve.json}, state: reserving}
        - {message: stock.goods.reserved, data: {order: O-1}, sends: [bank], state: paying}
        - {message: bank.payment.refused, data: {order: O-1}, sends: [stock], state: failed}
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from crossdock.contracts import Contract, ContractRef, CrossdockError, Message, Problem, Registry
from crossdock.mesh.expression import Json
from crossdock.mesh.project.document import read_bytes
from crossdock.mesh.project.problems import ProjectError
from crossdock.mesh.project.scalars import Duration
from crossdock.router.coverage import Coverage
from crossdock.router.json_differences import json_differences
from crossdock.router.processes.arriving import arrival_of
from crossdock.router.processes.compiled import CompiledProcess
from crossdock.router.processes.events import Event, Order, Place
from crossdock.router.processes.folding import Folded, fold, time_up
from crossdock.router.processes.instance import Command, Instance
from crossdock.router.processes.process_file import FOLDER
from crossdock.router.testing import Tested

_MAX_BYTES: Final = 1024 * 1024
_NOW: Final = 1_767_225_600_000  # 2026-01-01T00:00:00Z
_MOST_TIMES: Final = 1000
_TIME: Final = "2026-01-01T00:00:00Z"


class ExampleStep(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that happens to an instance.

    Attributes:
        message: Contract of a message that comes, ``name@range``.
        give: Its data: name of an example of the contract, or a ``.json`` file beside the process.
        data: Its data, written out; or what differs from that of ``give``.
        wait: Time that passes.
        do: What a person does: ``cancel`` or ``resume``.
        sends: What is sent then: destinations in their order, or each with the contract or the
            ``.json`` file of what it gets; nothing when not given.
        state: State of the instance afterwards.
        status: Status afterwards: ``running``, ``compensating``, ``stuck``, ``ended``, ``waiting``.
        outcome: What becomes of the message: ``waits``, ``ignored`` or ``dead``; it is taken when
            not given.
    """

    message: str | None = None
    give: str | None = None
    data: dict[str, Any] | None = None
    wait: Duration | None = None
    do: Literal["cancel", "resume"] | None = None
    sends: tuple[str, ...] | dict[str, str | tuple[str, ...]] = ()
    state: str | None = None
    status: str | None = None
    outcome: Literal["waits", "ignored", "dead"] | None = None


class Example(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One example of a process file.

    Attributes:
        name: What it shows.
        steps: What happens, in order.
    """

    name: str
    steps: tuple[ExampleStep, ...]


def run_process_examples(
    process: CompiledProcess, examples: tuple[dict[str, Any], ...], registry: Registry, folder: Path
) -> tuple[list[Tested], Coverage]:
    """Run every example of a process; return what came of each, and what they covered.

    Args:
        process: The process.
        examples: As its file has them.
        registry: The contracts of the project.
        folder: The project folder.
    """
    results: list[Tested] = []
    seen: set[str] = set()
    for at, written in enumerate(examples):
        rehearsal = _Rehearsal(process, registry, folder)
        try:
            problems = tuple(rehearsal.run(msgspec.convert(written, Example, dec_hook=_scalar)))
        except msgspec.ValidationError as error:
            problems = (Problem(message=f"not an example: {error}"),)
        except (ValueError, CrossdockError) as error:
            problems = (Problem(message=str(error)),)
        seen |= rehearsal.ways
        name = str(written.get("name", ""))[:100]
        results.append(Tested(route=process.name, example=at, given=name, problems=problems))
    wanted = list(process.ways())
    return results, Coverage(
        route=process.name,
        shown=tuple(each for each in wanted if each in seen),
        missed=tuple(each for each in wanted if each not in seen),
    )


def _scalar(_: type, value: object) -> Duration:
    return Duration.parse(value if isinstance(value, str) else "")


class _Rehearsal:
    """One instance, its time, and what was sent."""

    def __init__(self, process: CompiledProcess, registry: Registry, folder: Path) -> None:
        self._process = process
        self._registry = registry
        self._folder = folder
        self._instance: Instance | None = None
        self._now = _NOW
        self._sent: list[Command] = []
        self.ways: set[str] = set()

    def run(self, example: Example) -> Iterator[Problem]:
        for at, step in enumerate(example.steps):
            self._sent = []
            place = self._happen(step, at)
            found = [*_outcome(step, place), *self._compared(step)]
            for each in found:
                yield msgspec.structs.replace(each, message=f"step {at + 1}: {each.message}")
            if found:
                return  # what comes after follows from it

    def _happen(self, step: ExampleStep, at: int) -> Place | None:
        """Let happen what a step says.

        Raises:
            ValueError: It says nothing, or more than one thing.
        """
        if sum(each is not None for each in (step.message, step.wait, step.do)) != 1:
            raise ValueError(f"step {at + 1}: give it `message`, `wait` or `do`: one of them")
        if step.wait is not None:
            self._pass(step.wait)
            return None
        if step.do is not None:
            return self._let(Order(id=f"order-{at}", name=step.do, token="", by="example"))
        arrival = arrival_of([self._process], self._message(step, at))
        if isinstance(arrival, Place):
            return arrival
        if self._instance is None:
            self._instance = Instance(key=arrival.key)
        if self._instance.key != arrival.key:
            raise ValueError(f"step {at + 1}: its key is another one: an example is one instance")
        return self._let(arrival)

    def _let(self, event: Event) -> Place:
        if self._instance is None:
            raise ValueError("there is no instance yet: begin with a message")
        folded = fold(lambda _: self._process, self._instance, [event], self._now)
        self._take(folded)
        return folded.places[0]

    def _pass(self, seconds: float) -> None:
        """Let time pass, and whatever it brings."""
        end = self._now + round(seconds * 1000)
        for _ in range(_MOST_TIMES):
            due = self._instance.deadline if self._instance is not None else 0
            if self._instance is None or not due or due > end or self._instance.stuck:
                break
            self._now = max(self._now, due)
            folded = time_up(lambda _: self._process, self._instance, self._now)
            if folded is None:
                break
            self._take(folded)
        self._now = end

    def _take(self, folded: Folded) -> None:
        self._sent += [c for each in folded.instance.outbox for c in each.commands]
        self._instance = msgspec.structs.replace(folded.instance, outbox=())
        self.ways.update(folded.ways)

    def _message(self, step: ExampleStep, at: int) -> Message:
        contract = self._registry.resolve(ContractRef.parse(step.message or ""))
        value: Json = {}
        if step.give is not None:
            value = msgspec.json.decode(self._read(_file(step.give, contract)))
        if step.data is not None:
            value = {**value, **step.data} if isinstance(value, dict) else step.data
        return Message(
            id=f"message-{at}",
            source="/example",
            type=contract.name,
            dataschema=contract.dataschema,
            data=msgspec.json.encode(value),
            time=_TIME,
        )

    def _read(self, file: str) -> bytes:
        try:
            return read_bytes(self._folder, file, _MAX_BYTES)
        except ProjectError as error:
            raise ValueError(str(error.problems[0])) from error

    def _compared(self, step: ExampleStep) -> Iterator[Problem]:
        instance = self._instance
        state = "" if instance is None else instance.state
        status = "" if instance is None else instance.status
        if step.state is not None and state != step.state:
            why = f" ({instance.stuck})" if instance is not None and instance.stuck else ""
            yield Problem(message=f"expected state {step.state}, but it is {state or 'none'}{why}")
        if step.status is not None and status != step.status:
            yield Problem(message=f"expected status {step.status}, but it is {status or 'none'}")
        names = [each.destination for each in self._sent]
        wanted = _destinations(step)
        if sorted(names) != sorted(wanted) or (isinstance(step.sends, tuple) and names != wanted):
            yield Problem(
                message=f"expected to send to {_listed(wanted)}, but it is {_listed(names)}"
            )
        elif isinstance(step.sends, dict):
            for destination, files in step.sends.items():
                got = [each for each in self._sent if each.destination == destination]
                many = (files,) if isinstance(files, str) else files
                for file, command in zip(many, got, strict=True):
                    yield from self._same(file, command)

    def _same(self, wanted: str, command: Command) -> Iterator[Problem]:
        """Compare one command with the contract or the file that is expected."""
        if not wanted.endswith(".json"):
            contract = command.headers["ce-type"]
            if contract != wanted.partition("@")[0]:
                yield Problem(message=f"{command.destination} gets {contract}, not {wanted}")
            return
        file = f"{FOLDER}/{wanted}"
        expected = msgspec.json.decode(self._read(file))
        found = msgspec.json.decode(bytes(command.data))
        for pointer, text in json_differences(expected, found):
            yield Problem(message=f"{command.destination}: {text}", pointer=pointer, place=file)


def _destinations(step: ExampleStep) -> list[str]:
    if isinstance(step.sends, tuple):
        return list(step.sends)
    return [
        name
        for name, files in step.sends.items()
        for _ in ((files,) if isinstance(files, str) else files)
    ]


def _outcome(step: ExampleStep, place: Place | None) -> Iterator[Problem]:
    if place is None:
        return
    if place.error is not None:
        if step.outcome != "dead":
            yield Problem(message=f"cannot be taken: {place.error.reason}")
            yield from place.error.problems
    elif step.outcome == "dead":
        yield Problem(message="expected to be a dead letter, but it was taken")
    else:
        waits = place.outcome == "grouped" and "waits until" in place.detail
        is_as = {"waits": waits, "ignored": place.outcome == "filtered", None: not waits}
        if not is_as[step.outcome] or (step.outcome is None and place.outcome == "filtered"):
            wanted = step.outcome or "taken"
            yield Problem(message=f"expected to be {wanted}: {place.detail}")


def _file(give: str, contract: Contract) -> str:
    if give.endswith(".json"):
        return f"{FOLDER}/{give}"
    domain, _, event = contract.name.partition(".")
    return f"contracts/{domain}/{event}/examples/{give}.json"


def _listed(names: list[str]) -> str:
    return ", ".join(names) or "nobody"
