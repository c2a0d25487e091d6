"""Sending dead letters again."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import track

from crossdock.contracts import Contract, ContractRef, Message, Registry, Reject
from crossdock.mesh.bus import Bus
from crossdock.mesh.dead_letters import DeadLetter, get, listing, readmit, redrive
from crossdock.mesh.project.contract_files import load_contracts


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Which dead letters.

    Attributes:
        numbers: These; when empty, those of ``where``.
        where: Those of this component; of all components when None.
    """

    numbers: tuple[int, ...]
    where: str | None


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What became of them.

    Attributes:
        sent: How many were sent again.
        refused: By number, why one could not be sent; it is kept.
    """

    sent: int
    refused: dict[int, str]


async def choose(bus: Bus, choice: Choice) -> tuple[int, ...]:
    """Return the numbers of the chosen ones that are there now.

    They are fixed before the first is sent: one that fails again comes back with a new number, and
    must not be sent for ever.
    """
    if choice.numbers:
        return choice.numbers
    return tuple([each.sequence async for each in listing(bus, choice.where)])


class Repair(msgspec.Struct, frozen=True, kw_only=True):
    """Data that takes the place of the original.

    Attributes:
        data: As the contract wants it.
        registry: Contracts of the project.
    """

    data: bytes
    registry: Registry

    def __repr__(self) -> str:  # I6
        return f"Repair({len(self.data)} bytes)"

    def contract(self, letter: DeadLetter) -> Contract:
        """Return the contract that the data keeps.

        Raises:
            Reject: It does not keep it, or the project does not have it.
        """
        try:
            if letter.cause.kind == "source":
                contract = self.registry.resolve(ContractRef.parse(letter.cause.contract))
            else:
                message = Message.from_headers(letter.headers, letter.data)
                contract = self.registry.of_message(message)
        except ValueError as error:
            raise Reject(f"what its data has to be is not known: {error}") from error
        _, problems = contract.decode(self.data)
        if problems:
            raise Reject.of(f"the repaired data does not fit {contract.dataschema}", problems)
        return contract


def read_repair(project: Path, data: Path) -> Repair:
    """Read repaired data and the contracts that it may have to keep.

    Raises:
        Halt: The contracts cannot be used.
    """
    return Repair(data=data.read_bytes(), registry=load_contracts(project))


class Redrive(msgspec.Struct, frozen=True, kw_only=True):
    """Sends dead letters again.

    Attributes:
        numbers: Which.
        repair: Repaired data, instead of the original.
        quiet: Show no progress.
    """

    numbers: tuple[int, ...]
    repair: Repair | None
    quiet: bool

    def __repr__(self) -> str:  # I6
        return f"Redrive({len(self.numbers)} dead letters)"

    async def run(self, bus: Bus) -> Result:
        """Send them, oldest first, each after the one before is safe.

        Raises:
            Disconnected: The broker does not answer; those not yet sent are kept.
            Retry: The stream is full; same.
        """
        sent, refused = 0, {}
        hidden = self.quiet or not sys.stderr.isatty()
        console = Console(stderr=True)
        for number in track(self.numbers, "sending", console=console, disable=hidden):
            letter = await get(bus, number)
            if letter is None:
                refused[number] = "there is no such dead letter"
                continue
            try:
                await self._send(bus, letter)
            except Reject as error:
                refused[number] = error.reason
            else:
                sent += 1
        return Result(sent=sent, refused=refused)

    async def _send(self, bus: Bus, letter: DeadLetter) -> None:
        if self.repair is None:
            await redrive(bus, letter)
            return
        contract = self.repair.contract(letter)
        if letter.cause.kind == "source":
            await readmit(bus, letter, contract, self.repair.data)
        else:
            await redrive(bus, letter, self.repair.data)


async def remove(bus: Bus, numbers: Sequence[int]) -> list[int]:
    """Remove dead letters; return the numbers that were not there."""
    missing = [number for number in numbers if await get(bus, number) is None]
    for number in set(numbers) - set(missing):
        await bus.delete("dead", number)
    return missing
