"""Dead letters for a person: grouped, described, told."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable
from typing import Any

import msgspec
from rich.table import Table

from crossdock.cli.console import say
from crossdock.mesh.dead_letters import DeadLetter


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Dead letters of one component with one reason.

    Attributes:
        kind: Route, destination or source.
        where: Its name.
        reason: Why they could not go on.
        count: How many.
        first: Number of the oldest.
        last: Number of the newest.
        since: When the oldest came, RFC 3339.
    """

    kind: str
    where: str
    reason: str
    count: int
    first: int
    last: int
    since: str


async def group(letters: AsyncIterable[DeadLetter]) -> list[Group]:
    """Group dead letters, given oldest first; the largest group comes first."""
    groups: dict[tuple[str, str, str], Group] = {}
    async for each in letters:
        cause = each.cause
        key = (cause.kind, cause.where, cause.reason)
        before = groups.get(key)
        groups[key] = Group(
            kind=cause.kind,
            where=cause.where,
            reason=cause.reason,
            count=1 if before is None else before.count + 1,
            first=each.sequence if before is None else before.first,
            last=each.sequence,
            since=each.time if before is None else before.since,
        )
    return sorted(groups.values(), key=lambda each: -each.count)


def grouped_table(groups: Iterable[Group]) -> Table:
    """Return the groups as a table."""
    table = Table("where", "reason", "count", "numbers", "since, UTC")
    for each in groups:
        numbers = f"{each.first}" if each.count == 1 else f"{each.first} … {each.last}"
        table.add_row(
            f"{each.kind} {each.where}",
            each.reason,
            f"{each.count:,}",
            numbers,
            each.since[:19].replace("T", " "),  # to the second
        )
    return table


def described(letter: DeadLetter, *, data: bool) -> dict[str, Any]:
    """Return a dead letter as JSON-like values; its data only when asked for (I6)."""
    result: dict[str, Any] = {
        "number": letter.sequence,
        "time": letter.time,
        "id": letter.message_id,
        **msgspec.to_builtins(letter.cause),
        "subject": letter.subject,
        "headers": letter.headers,
        "bytes": len(letter.data),
    }
    if data:
        result["data"] = letter.data.decode("utf-8", "backslashreplace")
    return result


def tell(letter: DeadLetter, *, data: bool) -> None:
    """Print a dead letter for a person; its data only when asked for (I6)."""
    cause = letter.cause
    say(f"dead letter {letter.sequence}, {letter.time}")
    say(f"where     {cause.kind} {cause.where}, after {cause.attempts} attempts")
    say(f"why       {cause.reason}")
    for each in cause.problems:
        say(f"          {each}")
    if cause.place:
        say(f"from      {cause.place}")
    if cause.contract:
        say(f"meant for {cause.contract}")
    for name, value in sorted(letter.headers.items()):
        say(f"  {name}: {value}")
    say(f"data      {len(letter.data)} bytes{'' if data else ', shown with --data'}")
    if data:
        say(letter.data.decode("utf-8", "backslashreplace"))
