"""Sending dead letters again."""

from __future__ import annotations

import sys

import msgspec
from rich.console import Console
from rich.progress import track

from crossdock.contracts import Reject
from crossdock.mesh.bus import Bus
from crossdock.mesh.dead_letters import get, listing, redrive


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


class Redrive(msgspec.Struct, frozen=True, kw_only=True):
    """Sends dead letters again.

    Attributes:
        numbers: Which.
        data: Repaired data, instead of the original.
        quiet: Show no progress.
    """

    numbers: tuple[int, ...]
    data: bytes | None
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
                await redrive(bus, letter, self.data)
            except Reject as error:
                refused[number] = error.reason
            else:
                sent += 1
        return Result(sent=sent, refused=refused)
