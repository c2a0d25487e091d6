"""Dead letters by what they have in common: cause, component, contract."""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, Iterable
from enum import StrEnum
from typing import Final

import msgspec
from rich.markup import escape
from rich.table import Table

from crossdock.contracts import keyed_id
from crossdock.contracts.message import decode
from crossdock.mesh.dead_letters import DeadLetter

_DIGITS: Final = 6
_INDEX = re.compile(r"/\d+(?=/|\Z)")
_NUMBER = re.compile(r"\d+")


class By(StrEnum):
    """What dead letters of a group have in common."""

    CAUSE = "cause"
    COMPONENT = "component"
    CONTRACT = "contract"


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Dead letters that have something in common.

    Attributes:
        cause: Short name of the cause, for ``--cause``; ``""`` when they are grouped otherwise.
        kind: Route, destination or source; ``""`` when there are several.
        where: Its name.
        contract: Name and version of their contract.
        instruction: Kind of the error.
        reason: Why the oldest could not go on.
        keyword: What of its contract the oldest breaks.
        pointer: Where.
        count: How many.
        first: Number of the oldest.
        last: Number of the newest.
        since: When the oldest came, RFC 3339.
        until: When the newest came.
    """

    cause: str = ""
    kind: str = ""
    where: str = ""
    contract: str = ""
    instruction: str = ""
    reason: str = ""
    keyword: str = ""
    pointer: str = ""
    count: int
    first: int
    last: int
    since: str
    until: str


def contract_of(letter: DeadLetter) -> str:
    """Return name and version of a dead letter's contract, ``""`` when it names none."""
    schema = decode(letter.headers.get("ce-dataschema", ""))
    name, _, version = schema.removeprefix("crossdock:").partition("/")
    if name:
        return f"{name} {version}"
    return letter.cause.contract.replace("@", " ")


def cause_of(letter: DeadLetter) -> str:
    """Return the short name of a dead letter's cause: letters of one cause have the same.

    What tells one message from another is left out: numbers in the reason, positions in lists.
    """
    cause = letter.cause
    problems = sorted(
        {f"{each.keyword} {_INDEX.sub('/*', each.pointer)}" for each in cause.problems}
    )
    stem = "" if problems else _NUMBER.sub("#", cause.reason)
    parts = (cause.kind, cause.where, contract_of(letter), cause.instruction, stem, *problems)
    return keyed_id(*parts)[:_DIGITS]


async def grouped(letters: AsyncIterable[DeadLetter], by: By) -> list[Group]:
    """Group dead letters, given oldest first; the largest group comes first."""
    groups: dict[tuple[str, ...], Group] = {}
    async for each in letters:
        key = _key(each, by)
        before = groups.get(key)
        groups[key] = (
            _first(each, by)
            if before is None
            else msgspec.structs.replace(
                before, count=before.count + 1, last=each.sequence, until=each.time
            )
        )
    return sorted(groups.values(), key=lambda each: -each.count)


def table(groups: Iterable[Group], by: By) -> Table:
    """Return the groups as a table."""
    titles = {
        By.CAUSE: ("cause", "where", "contract", "why"),
        By.COMPONENT: ("where",),
        By.CONTRACT: ("contract",),
    }[by]
    found = Table(*titles, "count", "numbers", "since, UTC", "until, UTC")
    for each in groups:
        cells = {
            "cause": f"[bold]{each.cause}[/]",
            "where": f"{each.kind} {each.where}".strip(),
            "contract": each.contract or "(none)",
            "why": escape(each.reason),
        }
        numbers = f"{each.first}" if each.count == 1 else f"{each.first} … {each.last}"
        found.add_row(
            *(cells[title] for title in titles),
            f"{each.count:,}",
            numbers,
            _moment(each.since),
            _moment(each.until),
        )
    return found


def _key(letter: DeadLetter, by: By) -> tuple[str, ...]:
    match by:
        case By.CAUSE:
            return (cause_of(letter),)
        case By.COMPONENT:
            return (letter.cause.kind, letter.cause.where)
        case By.CONTRACT:
            return (contract_of(letter),)


def _first(letter: DeadLetter, by: By) -> Group:
    cause = letter.cause
    problem = cause.problems[0] if cause.problems else None
    alone = by is By.CAUSE
    return Group(
        cause=cause_of(letter) if alone else "",
        kind="" if by is By.CONTRACT else cause.kind,
        where="" if by is By.CONTRACT else cause.where,
        contract="" if by is By.COMPONENT else contract_of(letter),
        instruction=cause.instruction if alone else "",
        reason=cause.reason if alone else "",
        keyword=problem.keyword if alone and problem else "",
        pointer=problem.pointer if alone and problem else "",
        count=1,
        first=letter.sequence,
        last=letter.sequence,
        since=letter.time,
        until=letter.time,
    )


def _moment(time: str) -> str:
    return time[:19].replace("T", " ")  # to the second
