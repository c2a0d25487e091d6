"""Sending dead letters again: which, with what data, how fast."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

import msgspec

from crossdock.cli.dead_causes import cause_of, contract_of
from crossdock.cli.progress import Progress
from crossdock.contracts import Contract, ContractRef, Message, Registry, Reject
from crossdock.mesh import json_patch, records
from crossdock.mesh.bus import Bus
from crossdock.mesh.dead_letters import (
    DeadLetter,
    get,
    listing,
    replace,
    whole,
    without_check,
)
from crossdock.mesh.pacing import Pace
from crossdock.mesh.project.contract_files import load_contracts
from crossdock.mesh.redriving import Again, again, guard, readmitted, redrive

_TOGETHER: Final = 64 * 1024**2  # bytes of messages


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Which dead letters: these numbers, or all that fit what else is said.

    Attributes:
        numbers: These.
        where: Those of this component.
        cause: Those of this cause, as ``dead list`` names it.
        contract: Those of this contract, in any version.
        limit: At most so many, the oldest.
    """

    numbers: tuple[int, ...] = ()
    where: str | None = None
    cause: str | None = None
    contract: str | None = None
    limit: int | None = None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What became of them.

    Attributes:
        sent: How many were sent again.
        refused: By number, why one could not be sent; it is kept.
    """

    sent: int
    refused: dict[int, str]


class Act(msgspec.Struct, frozen=True, kw_only=True):
    """Who does something to messages, and why: for the audit record.

    Attributes:
        by: Who.
        reason: Why, in their words.
    """

    by: str
    reason: str


async def choose(bus: Bus, choice: Choice) -> tuple[int, ...]:
    """Return the numbers of the chosen ones that are there now.

    They are fixed before the first is sent: one that fails again comes back with a new number, and
    must not be sent for ever.
    """
    if choice.numbers:
        return choice.numbers
    found: list[int] = []
    async for each in listing(bus, choice.where):
        if choice.limit is not None and len(found) >= choice.limit:
            break
        if _fits(each, choice):
            found.append(each.sequence)
    return tuple(found)


class Repair:
    """How the data of dead letters is repaired, beside what was done by ``dead edit``."""

    def __init__(
        self, project: Path, data: bytes | None = None, patch: bytes | None = None
    ) -> None:
        """Remember how.

        Args:
            project: The project folder, for the contracts that the result has to keep.
            data: What takes the place of the original.
            patch: JSON Patch for each of them.
        """
        self._project = project
        self._data = data
        self._patch = patch

    @cached_property
    def registry(self) -> Registry:
        """The contracts of the project, read when the first repair is checked.

        Raises:
            Halt: They cannot be used.
        """
        return load_contracts(self._project)

    def applies(self, letter: DeadLetter) -> bool:
        """Tell whether the data of a dead letter is sent otherwise than it came."""
        return self._data is not None or self._patch is not None or bool(letter.patch)

    def of(self, letter: DeadLetter) -> bytes:
        """Return the data of a dead letter as it will be sent.

        Raises:
            Reject: It cannot be repaired so, or the result does not keep its contract.
        """
        if not self.applies(letter):
            return letter.data
        data = letter.data if self._data is None else self._data
        for patch in (letter.patch, self._patch) if self._data is None else ():
            if patch:
                data = json_patch.apply(data, patch)
        check(letter, data, self.registry)
        return data

    async def readable(self, bus: Bus, letter: DeadLetter) -> DeadLetter:
        """Return a dead letter with what a repair has to read of it (Claim Check).

        Raises:
            Disconnected: The broker does not answer.
            Reject: Its data is not there.
        """
        if not self.applies(letter):
            return letter  # what is sent refers to the same data
        return without_check(letter) if self._data is not None else await whole(bus, letter)


def contract_for(letter: DeadLetter, registry: Registry) -> Contract:
    """Return the contract that the data of a dead letter has to keep.

    Raises:
        Reject: The project does not have it.
    """
    try:
        if letter.cause.kind == "source":
            return registry.resolve(ContractRef.parse(letter.cause.contract))
        return registry.of_message(Message.from_headers(letter.headers, letter.data))
    except ValueError as error:
        raise Reject(f"what its data has to be is not known: {error}") from error


def check(letter: DeadLetter, data: bytes, registry: Registry) -> None:
    """Let through data that keeps the contract of a dead letter.

    Raises:
        Reject: It does not, or the project does not have the contract.
    """
    contract = contract_for(letter, registry)
    _, problems = contract.decode(data)
    if problems:
        raise Reject.of(f"the repaired data does not fit {contract.dataschema}", problems)


def read_repair(project: Path, data: Path | None, patch: Path | None = None) -> Repair:
    """Read how to repair."""
    return Repair(
        project,
        None if data is None else data.read_bytes(),
        None if patch is None else patch.read_bytes(),
    )


class Redrive(msgspec.Struct, frozen=True, kw_only=True):
    """Sends dead letters again.

    Attributes:
        numbers: Which.
        repair: How their data is repaired.
        act: Who does it, and why.
        rate: How many a second; None for as fast as it goes.
        guarded: Refuse what was sent again too often.
        from_start: Repeat also what was done before the step that failed.
        quiet: Show no progress.
    """

    numbers: tuple[int, ...]
    repair: Repair
    act: Act
    rate: float | None = None
    guarded: bool = True
    from_start: bool = False
    quiet: bool = False

    def __repr__(self) -> str:  # I6
        return f"Redrive({len(self.numbers)} dead letters)"

    async def run(self, bus: Bus) -> Result:
        """Send them, oldest first, group by group; each is removed when its message is safe.

        Raises:
            Disconnected: The broker does not answer; those not yet sent are kept.
            Retry: The stream is full; same.
        """
        sent, refused = 0, dict[int, str]()
        pace = Pace(self.rate)
        with Progress("sending", len(self.numbers), quiet=self.quiet) as progress:
            for start in range(0, len(self.numbers), pace.group):
                numbers = self.numbers[start : start + pace.group]
                await pace.wait(0 if not start else pace.group)
                async for made in self._made(bus, numbers, refused):
                    sent += await self._send(bus, made, refused)
                progress.advance(len(numbers))
        return Result(sent=sent, refused=refused)

    async def _made(
        self, bus: Bus, numbers: Sequence[int], refused: dict[int, str]
    ) -> AsyncIterator[list[Again]]:
        """Yield what to send together: what is repaired is in memory (I8)."""
        made: list[Again] = []
        size = 0
        letters = await asyncio.gather(*(get(bus, number) for number in numbers))
        for number, letter in zip(numbers, letters, strict=True):
            if letter is None:
                refused[number] = "there is no such dead letter"
                continue
            try:
                made.append(await self._again(bus, letter))
            except Reject as error:
                refused[number] = error.reason
                continue
            size += len(made[-1].message.data)
            if size > _TOGETHER:
                yield made
                made, size = [], 0
        yield made

    async def _again(self, bus: Bus, letter: DeadLetter) -> Again:
        if self.guarded:
            guard(letter)
        if self.from_start:
            letter = msgspec.structs.replace(letter, done="")
        letter = await self.repair.readable(bus, letter)
        data = self.repair.of(letter)
        if letter.cause.kind == "source" and self.repair.applies(letter):
            return readmitted(bus, letter, contract_for(letter, self.repair.registry), data)
        return again(bus, letter, data)

    async def _send(self, bus: Bus, made: Sequence[Again], refused: dict[int, str]) -> int:
        try:
            await redrive(bus, made, by=self.act.by, reason=self.act.reason)
        except Reject as error:
            if len(made) == 1:  # one that can never be stored is not the others' fault
                refused[made[0].letter.sequence] = error.reason
                return 0
            return sum([await self._send(bus, [each], refused) for each in made])
        return len(made)


async def edit(bus: Bus, letter: DeadLetter, patch: bytes, act: Act) -> int:
    """Put a repaired dead letter in the place of one; return its new number.

    The patch is kept beside the original bytes, so that it can be seen and undone.

    Args:
        bus: The bus.
        letter: The dead letter.
        patch: JSON Patch over the original data; empty to undo a repair.
        act: Who does it, and why.
    """
    published = await replace(bus, letter, patch.decode())
    await _audit(bus, "edit", "edited", [letter], act)
    return published.sequence


async def remove(bus: Bus, numbers: Sequence[int], act: Act) -> list[int]:
    """Remove dead letters; return the numbers that were not there."""
    letters = {number: await get(bus, number) for number in dict.fromkeys(numbers)}
    there = [each for each in letters.values() if each is not None]
    if there:
        await _audit(bus, "discard", "discarded", there, act)
    for each in there:
        await bus.delete("dead", each.sequence)
    return [number for number, each in letters.items() if each is None]


async def _audit(
    bus: Bus,
    command: records.Command,
    outcome: records.Outcome,
    letters: Sequence[DeadLetter],
    act: Act,
) -> None:
    entries = [
        records.Entry(each.message_id, 0, outcome, each.cause.where, letter=each.sequence)
        for each in letters
    ]
    await records.audit(bus, command, entries, by=act.by, reason=act.reason)


def _fits(letter: DeadLetter, choice: Choice) -> bool:
    if choice.cause is not None and cause_of(letter) != choice.cause:
        return False
    return choice.contract is None or contract_of(letter).partition(" ")[0] == choice.contract
