"""Tries a version of a contract on the messages that a mesh still holds."""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

import msgspec

from crossdock.contracts import Contract, Problem, Reject
from crossdock.mesh.bus import Bus, Stored

_INDEX: Final = re.compile(r"/\d+(?=/|$)")
_SHOWN: Final = 10


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """Why messages would be refused.

    Attributes:
        pointer: JSON Pointer into the data; ``*`` stands for any item of a list.
        keyword: The keyword of the schema that is broken there.
        messages: How many messages break it.
        sequence: One of them, as its number in the stream.
    """

    pointer: str
    keyword: str
    messages: int
    sequence: int


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """What came of trying a version on messages.

    Attributes:
        messages: How many were tried.
        failed: How many of them it refuses.
        reasons: Why, the most frequent first; no value of any of them (I6).
    """

    messages: int
    failed: int
    reasons: tuple[Reason, ...]


async def replay(bus: Bus, contract: Contract, count: int) -> Replay:
    """Try a version of a contract on its last messages that the mesh still holds.

    Args:
        bus: The mesh.
        contract: The version; its name says which messages.
        count: How many at most.

    Raises:
        Disconnected: The broker does not answer.
    """
    tried = failed = 0
    counts: Counter[tuple[str, str]] = Counter()
    first: dict[tuple[str, str], int] = {}
    subject = bus.subjects.incoming(contract.name)
    start = await _start(bus, subject, count)
    async for stored in bus.read("in", subject=subject, sequence=start):
        problems = await _problems(bus, contract, stored)
        tried += 1
        failed += bool(problems)
        for reason in {(_INDEX.sub("/*", each.pointer), each.keyword) for each in problems}:
            counts[reason] += 1
            first.setdefault(reason, stored.sequence)
    reasons = [
        Reason(pointer=pointer, keyword=keyword, messages=times, sequence=first[pointer, keyword])
        for (pointer, keyword), times in counts.most_common(_SHOWN)
    ]
    return Replay(messages=tried, failed=failed, reasons=tuple(reasons))


async def _problems(bus: Bus, contract: Contract, stored: Stored) -> list[Problem]:
    try:
        message = await bus.claim_checks.message(stored)
    except Reject as error:
        return [Problem(message=error.reason, keyword="dataref")]
    return contract.decode(message.data)[1]


async def _start(bus: Bus, subject: str, count: int) -> int:
    """Return the sequence from which on a stream holds at most that many messages of a subject.

    The stream counts them quickly from any sequence on, so it is searched by halves.
    """
    low, high = 0, 1
    while await bus.count("in", subject, high) > count:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if await bus.count("in", subject, middle) > count:
            low = middle
        else:
            high = middle
    return high
