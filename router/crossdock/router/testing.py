"""Runs the examples of a route: they are its tests.

What is given is an example of the contract, or a ``.json`` file beside the route. What is expected
is one of: destinations with the ``.json`` files that hold what each gets, in their order where it
gets several; destinations alone; ``nothing``; ``rejected``::

    - {given: german-order, expect: {billing-eu: german-invoice.json}}
    - {given: german-order, expect: {warehouse: [first-line.json, second-line.json]}}
    - {given: german-order, expect: [billing-eu]}
    - {given: empty-order, expect: nothing}
    - {given: broken-order.json, expect: rejected}

Python steps run for real. No example calls another system: what it would answer is declared, for
all questions or for each in their order, as ``.json`` files, ``nothing``, or ``fails``::

    - {given: german-order, calls: {price-list: prices.json}, expect: [billing-eu]}
    - {given: german-order, calls: {price-list: fails}, expect: rejected}

Where a route has detours, an example says which are on::

    - {given: german-order, detours: [inspection], expect: [inspectors, billing-eu]}

A route that keeps messages until others come may be given several, and that their time is up::

    - {given: [tea, cup], expect: {partner: whole-order.json}}
    - {given: tea, then: timeout, expect: {partner: part-of-an-order.json}}

What a route delays is expected as when its time has come; ``waits`` says when that is::

    - {given: german-order, waits: 15m, expect: [warehouse]}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from crossdock.contracts import Contract, ContractRef, CrossdockError, Message, Problem, Registry
from crossdock.contracts.message import is_extension
from crossdock.contracts.replying import REPLY_TO
from crossdock.contracts.slips import name_of
from crossdock.mesh.expression import Json
from crossdock.mesh.project.document import read_bytes
from crossdock.mesh.project.problems import ProjectError
from crossdock.router.calls.declared import DeclaredAnswers
from crossdock.router.calls.loading import LoadedCall
from crossdock.router.compiled import CompiledRoute
from crossdock.router.conditions import Condition
from crossdock.router.deciding import Decision, deciding, expired
from crossdock.router.driving import drive
from crossdock.router.json_differences import json_differences
from crossdock.router.python_steps.launching import BlockingSteps
from crossdock.router.rehearsing import rehearse
from crossdock.router.rehearsing_delays import rehearse_delay
from crossdock.router.steps.detour import Switched

CONTRACTS: Final = "contracts"
ROUTES: Final = "routes"
_MAX_BYTES: Final = 1024 * 1024
_MAX_DIFFERENCES: Final = 20
_CORE: Final = ("subject", "time")
_TIME: Final = "2026-01-01T00:00:00Z"
_RETURN_ADDRESS: Final = {REPLY_TO: "example"}  # somebody waits, if nothing else is said
_OUTCOMES: Final = {"nothing": "filtered", "rejected": "rejected"}


class Example(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One example of a route file.

    Attributes:
        given: Name of an example of the contract, or of a ``.json`` file beside the route; several
            where the route aggregates or resequences.
        then: ``timeout``: the time of every group is up after that.
        expect: ``nothing``, ``rejected``, destinations, or destinations with the ``.json`` files
            beside the route that hold what each gets, in order where it is several.
        calls: What each call answers: a ``.json`` file beside the route, ``nothing`` or ``fails``;
            several are for one question each, in their order.
        contract: ``name@range`` of what is given; the first that the route accepts, if not said.
        waits: For how long it waits, or until when (``delay``); not looked at when not given.
        seen: Another message with the same key was there before (``once``).
        detours: The detours that are on; as the route file says, if not said.
        attributes: Of what is given, such as ``subject``, ``time`` and extensions.
    """

    given: str | tuple[str, ...]
    then: Literal["timeout"] | None = None
    expect: Literal["nothing", "rejected"] | tuple[str, ...] | dict[str, str | tuple[str, ...]]
    calls: dict[str, str | tuple[str, ...]] = {}
    contract: str | None = None
    waits: str | None = None
    seen: bool = False
    detours: tuple[str, ...] | None = None
    attributes: dict[str, str] = {}


class Tested(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one example.

    Attributes:
        route: Name of the route.
        example: Its position among the examples of the route, from 0.
        given: What was given.
        problems: How it differs from what was expected; empty when it passed.
        branches: The branches that were taken: ``send/0``.
        conditions: Those that were evaluated, with what came of them.
    """

    route: str
    example: int
    given: str
    problems: tuple[Problem, ...] = ()
    branches: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()


def run_examples(
    route: CompiledRoute,
    examples: tuple[dict[str, Any], ...],
    registry: Registry,
    folder: Path,
    calls: Mapping[str, LoadedCall],
    functions: BlockingSteps | None = None,
) -> list[Tested]:
    """Run every example of a route.

    Args:
        route: The route.
        examples: As the route file has them.
        registry: The contracts of the project.
        folder: The project folder.
        calls: The calls of the project.
        functions: Its Python steps.
    """
    results = []
    for at, written in enumerate(examples):
        decision = Decision(outcome="rejected")
        try:
            example = msgspec.convert(written, Example)
            answers = DeclaredAnswers(
                example.calls, calls, folder, seen=example.seen, functions=functions
            )
            messages = _messages(route, example, registry, folder)
            decision = _decision(route, messages, example, answers)
            problems = tuple(_differences(decision, example, folder))
        except msgspec.ValidationError as error:
            problems = (Problem(message=f"not an example: {error}"),)
        except (ValueError, CrossdockError) as error:
            problems = (Problem(message=str(error)),)
        results.append(
            Tested(
                route=route.name,
                example=at,
                given=str(written.get("given", ""))[:100],
                problems=problems,
                branches=decision.branches,
                conditions=decision.conditions,
            )
        )
    return results


def _switched(route: CompiledRoute, example: Example) -> dict[str, bool]:
    """Return which detours are on in an example.

    Raises:
        ValueError: It names one that the route does not have.
    """
    if example.detours is None:
        return route.detours
    for each in set(example.detours) - route.detours.keys():
        raise ValueError(f"the route has no detour {each[:80]!r}")
    return {name: name in example.detours for name in route.detours}


def _decided(
    route: CompiledRoute, message: Message, answers: DeclaredAnswers, detours: Switched
) -> Decision:
    """Decide with declared answers; a call that fails is what rejects the message."""
    try:
        known = expired(route, message, datetime.now(UTC))
        return known or drive(deciding(route, message, detours), answers)
    except CrossdockError as error:
        return Decision(outcome="rejected", reason=error.reason, problems=error.problems)


def _shown_given(given: Json) -> str:
    return (", ".join(map(str, given)) if isinstance(given, list) else str(given))[:100]


def _decision(
    route: CompiledRoute, messages: list[Message], example: Example, answers: DeclaredAnswers
) -> Decision:
    """Return what the route makes of what is given.

    Raises:
        ValueError: It is given what only a route that keeps messages can be; or it names a detour
            that is not there.
    """
    detours = _switched(route, example)
    if route.grouping is not None:
        return rehearse(
            route,
            messages,
            lambda message: _decided(route, message, answers, detours),
            time_is_up=example.then == "timeout",
        )
    if len(messages) != 1 or example.then is not None:
        raise ValueError("several messages, and `then`, are for `aggregate` and `resequence`")
    return rehearse_delay(
        route,
        messages[0],
        lambda message: _decided(route, message, answers, detours),
        example.waits,
    )


def _messages(
    route: CompiledRoute, example: Example, registry: Registry, folder: Path
) -> list[Message]:
    ref = route.accepts[0] if example.contract is None else ContractRef.parse(example.contract)
    contract = registry.resolve(ref)
    wrong = [each for each in example.attributes if not _may_be_given(each)]
    if wrong:
        raise ValueError(f"{wrong[0][:80]!r} is no attribute that an example may give")
    names = (example.given,) if isinstance(example.given, str) else example.given
    return [
        Message(
            id=f"{name}-{at}" if at else name,
            source="/example",
            type=contract.name,
            dataschema=contract.dataschema,
            data=_given(name, contract, folder),
            subject=example.attributes.get("subject", ""),
            time=example.attributes.get("time", _TIME),
            extensions=_RETURN_ADDRESS
            | {k: v for k, v in example.attributes.items() if k not in _CORE},
        )
        for at, name in enumerate(names)
    ]


def _may_be_given(name: str) -> bool:
    return name in _CORE or is_extension(name)


def _given(name: str, contract: Contract, folder: Path) -> bytes:
    if name.endswith(".json"):
        return _read(folder, f"{ROUTES}/{name}")
    domain, _, event = contract.name.partition(".")
    return _read(folder, f"{CONTRACTS}/{domain}/{event}/examples/{name}.json")


def _read(folder: Path, file: str) -> bytes:
    try:
        return read_bytes(folder, file, _MAX_BYTES)
    except ProjectError as error:
        raise ValueError(str(error.problems[0])) from error


def _differences(decision: Decision, example: Example, folder: Path) -> Iterator[Problem]:
    expect = example.expect
    wanted = _OUTCOMES[expect] if isinstance(expect, str) else "routed"
    there: dict[str, list[bytes]] = {}
    for child in decision.children:
        there.setdefault(name_of(child.destination), []).append(child.message.data)
    # What a tap copies is sent, too, also of a message that is filtered then.
    outcome = "routed" if there else decision.outcome
    if outcome != wanted:
        why = f": {decision.reason}" if decision.reason else ""
        yield Problem(message=f"expected to be {wanted}, but it was {outcome}{why}")
        yield from decision.problems
        return
    if isinstance(expect, str):
        return
    for destination in sorted(set(expect) - set(there)):
        yield Problem(message=f"nothing was sent to {destination}")
    for destination in sorted(set(there) - set(expect)):
        yield Problem(message=f"{destination} was not expected, but something was sent there")
    if isinstance(expect, dict):
        for destination in sorted(set(expect) & set(there)):
            yield from _all_compared(expect[destination], there[destination], destination, folder)


def _all_compared(
    files: str | tuple[str, ...], found: list[bytes], destination: str, folder: Path
) -> Iterator[Problem]:
    """Compare all that one destination gets with the files that hold what is expected."""
    names = (files,) if isinstance(files, str) else files
    if len(names) != len(found):
        yield Problem(message=f"{destination}: expected {len(names)} messages, got {len(found)}")
    for name, data in zip(names, found, strict=False):
        file = f"{ROUTES}/{name}"
        yield from _compared(_read(folder, file), data, destination, file)


def _compared(expected: bytes, found: bytes, destination: str, file: str) -> Iterator[Problem]:
    try:
        want = msgspec.json.decode(expected)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{file}: not JSON") from error
    differences = json_differences(want, msgspec.json.decode(found))
    for _, (pointer, text) in zip(range(_MAX_DIFFERENCES), differences, strict=False):
        yield Problem(message=f"{destination}: {text}", pointer=pointer, place=file)
