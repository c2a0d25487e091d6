"""Keeps one state a key in JetStream, for all replicas of one component.

A key's state is the one message on its subject, changed by compare and set: whoever lost reads
again and decides again. What follows from a change is written in the same atomic batch, so it
happens once, whatever ends when (ADR 7).
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Generic, Protocol, TypeVar

from crossdock.contracts import Disconnected, Retry
from crossdock.mesh.bus import Bus, Swap
from crossdock.mesh.groups.remembering import Memory
from crossdock.mesh.groups.room import STREAM, Room

_MAX_WRITES = 1000  # the server's bound for a batch
_AT_ONCE = 500  # arrivals; each may make another write
_MAX_BYTES = 8 * 1024 * 1024
_PATIENCE = 10.0  # seconds for which we try against others
HEADROOM: Final = 192 * 1024
"""Bytes of a message that its headers, and what a key remembers, may take."""

S = TypeVar("S")
F = TypeVar("F", bound="Changing")
A_contra = TypeVar("A_contra", contravariant=True)


class Changing(Protocol):
    """What arrivals made of the state of a key."""

    @property
    def changed(self) -> bool:
        """Whether there is anything to store."""

    @property
    def places(self) -> Sequence[Any]:
        """What became of each arrival."""


class Keeper(Protocol[S, A_contra, F]):
    """What is kept of a key and how it changes: pure.

    Attributes:
        looks_twice: Whether what changes nothing may be otherwise by now: a state that this process
            remembers may be old, and only a write would tell.
    """

    looks_twice: bool

    def subject(self, token: str) -> str:
        """Return where the state of a key is."""

    def read(self, data: bytes) -> S:
        """Read a stored state."""

    def fold(self, state: S | None, arrivals: Sequence[A_contra], now: int) -> F:
        """Return what arrivals make of a state; None is that of a key that has none."""

    def writes(self, token: str, folded: F, sequence: int) -> list[Swap]:
        """Return what is to be written together; the state comes first."""

    def stored(self, folded: F) -> S:
        """Return the new state."""

    def size(self, state: S) -> int:
        """Return about how many bytes a state takes in memory."""

    def count(self, folded: F) -> None:
        """Count what has happened, now that it is durable."""


class KeyedStore(Generic[S, A_contra, F]):
    """The states of one component's keys."""

    def __init__(self, bus: Bus, keeper: Keeper[S, A_contra, F], *, bound: int) -> None:
        """Prepare; nothing is read.

        Args:
            bus: Connection.
            keeper: What is kept.
            bound: Bytes that the stream may hold before nothing is added any more (I8).
        """
        self._bus = bus
        self._keeper = keeper
        self._room = Room(bus, bound)
        self._memory: Memory[S] = Memory()
        self._turn = asyncio.Lock()  # lanes of one process need not race

    async def join(self, arrivals: Sequence[tuple[str, A_contra]]) -> list[Any]:
        """Let arrivals change the states of their keys; what is returned is durable.

        Args:
            arrivals: Each with the token of its key.

        Returns:
            What became of each.

        Raises:
            Disconnected: The broker is away or has no room.
            Retry: Others were faster, again and again.
        """
        places: dict[int, Any] = {}
        async with self._turn:
            await self._room.look()
            for start in range(0, len(arrivals), _AT_ONCE):
                work: dict[str, list[int]] = {}
                for at, (token, _) in enumerate(arrivals[start : start + _AT_ONCE], start):
                    work.setdefault(token, []).append(at)
                await self._join(work, arrivals, places)
        return [places[at] for at in range(len(arrivals))]

    async def newest(self, token: str) -> tuple[int, S] | None:
        """Return sequence and state of a key, surely the newest; None when it has none.

        Raises:
            Disconnected: The broker does not answer.
        """
        stored = await self._bus.read_newest(STREAM, self._keeper.subject(token))
        return None if stored is None else (stored.sequence, self._keeper.read(stored.data))

    async def change(self, token: str, decide: Callable[[S, int], F | None]) -> F | None:
        """Change the newest state of a key, if it is to be changed.

        Args:
            token: Of the key.
            decide: Given the state and the time (Unix, milliseconds); None leaves it as it is.

        Returns:
            What was decided; None when nothing was, or there is no state.

        Raises:
            Disconnected: The broker is away.
            Retry: Others were faster, again and again.
        """
        until = time.monotonic() + _PATIENCE
        while True:
            found = await self.newest(token)
            folded = None if found is None else decide(found[1], _now())
            if found is None or folded is None:
                return None
            self._memory.forget([token])
            if await self.write(self._keeper.writes(token, folded, found[0])) is not None:
                self._keeper.count(folded)
                return folded
            await _wait(until)

    async def write(self, items: list[Swap]) -> int | None:
        """Write together, or nothing; see :meth:`Bus.swap`.

        Raises:
            Disconnected: The broker is away or has no room.
        """
        try:
            return await self._bus.swap(STREAM, items)
        except Retry as error:  # no room: no fault of these messages
            raise Disconnected(error.reason) from error

    async def _join(
        self,
        work: dict[str, list[int]],
        arrivals: Sequence[tuple[str, A_contra]],
        places: dict[int, Any],
    ) -> None:
        """Join one batch of keys; halves of it when it is too large, or others were faster."""
        until = time.monotonic() + _PATIENCE
        while not await self._try(work, arrivals, places):
            if len(work) > 1:
                tokens = list(work)
                middle = len(tokens) // 2
                for half in (tokens[:middle], tokens[middle:]):
                    await self._join({token: work[token] for token in half}, arrivals, places)
                return
            await _wait(until)

    async def _try(
        self,
        work: dict[str, list[int]],
        arrivals: Sequence[tuple[str, A_contra]],
        places: dict[int, Any],
    ) -> bool:
        states = await self._states(work)
        now = _now()
        items: list[Swap] = []
        changed: list[tuple[str, F, int]] = []
        unchanged: dict[str, int] = {}
        for token, members in work.items():
            sequence, state = states.get(token) or (0, None)
            folded = self._keeper.fold(state, [arrivals[at][1] for at in members], now)
            places.update(zip(members, folded.places, strict=True))
            if folded.changed:
                changed.append((token, folded, len(items)))
                items += self._keeper.writes(token, folded, sequence)
            else:
                unchanged[token] = sequence
        if len(work) > 1 and _is_large(items):
            return False
        if self._keeper.looks_twice and await self._outdated(unchanged):
            return False
        first = await self.write(items) if items else 0
        if first is None:
            self._memory.forget(work)
            return False
        for token, folded, at in changed:
            self._remember(token, first + at, self._keeper.stored(folded))
            self._keeper.count(folded)
        return True

    async def _outdated(self, seen: dict[str, int]) -> bool:
        """Tell whether one of the states that were looked at is old; remember the newest then."""
        newest = await asyncio.gather(*(self.newest(token) for token in seen))
        found = False
        for (token, sequence), now in zip(seen.items(), newest, strict=True):
            if now is not None and now[0] != sequence:
                self._remember(token, *now)
                found = True
            elif now is None and sequence:
                self._memory.forget([token])
                found = True
        return found

    def _remember(self, token: str, sequence: int, state: S) -> None:
        self._memory.keep(token, sequence, state, self._keeper.size(state))

    async def _states(self, tokens: Iterable[str]) -> dict[str, tuple[int, S]]:
        """Return the states that are there; what we remember may be old, the write tells."""
        states: dict[str, tuple[int, S]] = {}
        unknown = []
        for token in tokens:
            known = self._memory.get(token)
            if known is None:
                unknown.append(token)
            else:
                states[token] = known
        subjects = {self._keeper.subject(token): token for token in unknown}
        found = await self._bus.read_each(STREAM, list(subjects))
        for subject, stored in found.items():
            states[subjects[subject]] = (stored.sequence, self._keeper.read(stored.data))
        return states


def _now() -> int:
    return time.time_ns() // 1_000_000


def _is_large(items: list[Swap]) -> bool:
    return len(items) > _MAX_WRITES or sum(len(each.data) for each in items) > _MAX_BYTES


async def _wait(until: float) -> None:
    """Let the others go on for a moment.

    Raises:
        Retry: It has been long enough.
    """
    if time.monotonic() > until:
        raise Retry("other replicas changed its group at the same time, again and again")
    await asyncio.sleep(random.uniform(0.001, 0.02))  # noqa: S311 - jitter, no secret
