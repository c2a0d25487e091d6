"""Watching what comes into a mesh."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import msgspec

from crossdock.cli.console import say, say_json
from crossdock.contracts import Halt, Message, Reject
from crossdock.contracts.claim_check import HEADER
from crossdock.mesh.bus import Bus, Stored

_EVERY = 0.3


class Tail(msgspec.Struct, frozen=True, kw_only=True):
    """What to show; see ``crossdock message tail --help``."""

    pattern: str
    dead: bool
    data: bool
    json: bool

    async def run(self, bus: Bus) -> None:
        """Show what comes from now on, until cancelled.

        Raises:
            Halt: The pattern is none.
            Disconnected: The broker does not answer.
        """
        try:
            wanted = bus.subjects.incoming_like(self.pattern)
        except ValueError as error:
            raise Halt(str(error)) from error
        kind = "dead" if self.dead else "in"
        subject = f"{bus.subjects.mesh}.dead.>" if self.dead else wanted
        since: datetime | None = datetime.now(UTC)
        following = 1
        while True:
            async for stored in bus.read(kind, subject=subject, sequence=following, since=since):
                following, since = stored.sequence + 1, None
                self._show(stored, await self._data(bus, stored))
            await asyncio.sleep(_EVERY)

    async def _data(self, bus: Bus, stored: Stored) -> str:
        """Return the data of a message when a person asks for it (I6)."""
        check = stored.headers.get(HEADER)
        if not self.data or check is None:
            return stored.data.decode("utf-8", "backslashreplace") if self.data else ""
        try:
            async with bus.claim_checks.redeemed(check) as data:
                return data.decode("utf-8", "backslashreplace")
        except Reject as error:
            return f"({error.reason})"

    def _show(self, stored: Stored, data: str) -> None:
        line: dict[str, Any] = {"time": stored.time, "number": stored.sequence}
        try:
            message = Message.from_headers(stored.headers, stored.data)
            line |= {"type": message.type, "id": message.id, "source": message.source}
        except ValueError:  # what a source refused never became a message
            line |= {"type": "", "id": "", "source": ""}
        if self.dead:
            line["where"] = stored.headers.get("crossdock-where", "")
        if self.data:
            line["data"] = data
        if self.json:
            say_json(line)
        else:
            say("  ".join(str(each) for each in line.values()))
