"""Keys that belong to the first who claims them, for a while: durable, over all replicas.

A claim is a message on a subject of its own, stored only where there is none yet, and dropped by
the broker when its time is over (``Nats-TTL``, ADR-43 of the server). It holds who claimed it, so
that the same one may claim it again: a redelivered message has its key already. Claims that are
made at the same time are written together, with one fsync.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from typing import Final, NamedTuple

from crossdock.contracts import CrossdockError, Disconnected, keyed_id
from crossdock.mesh.bus import Bus, Swap

STREAM: Final = "once"
LEAST: Final = 1.0
"""Seconds for which a key can be claimed at least: the broker counts whole ones."""
_TOGETHER: Final = 500
_TRIES: Final = 10


class _Wish(NamedTuple):
    """One claim that waits to be decided."""

    subject: str
    mark: bytes
    window: float
    won: asyncio.Future[bool]


class Claims:
    """The keys of one component."""

    def __init__(self, bus: Bus, component: str) -> None:
        self._bus = bus
        self._component = component
        self._waiting: list[_Wish] = []
        self._task: asyncio.Task[None] | None = None

    async def claim(self, key: str, holder: str, window: float) -> bool:
        """Tell whether a key is the holder's: claimed now, or by the same holder before.

        Args:
            key: The key; only a digest of it is stored (I6).
            holder: Who wants it.
            window: Seconds for which it is the holder's.

        Raises:
            Disconnected: The broker does not answer, or has no room.
        """
        subject = self._bus.subjects.claim(self._component, keyed_id(self._component, key))
        won: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Wish(subject, keyed_id(holder).encode(), window, won))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name=f"claims {self._component}")
        return await won

    async def close(self) -> None:
        """Give up what nobody waits for any more. Safe twice."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        await asyncio.sleep(0)  # let everything that is ready in this turn come along
        while self._waiting:
            wishes, self._waiting = self._waiting[:_TOGETHER], self._waiting[_TOGETHER:]
            try:
                await self._decide(wishes)
            except CrossdockError as error:
                _fail(wishes, f"keys: {error.reason}")
            finally:  # whatever happened, nobody waits for ever
                _fail(wishes, "keys: whose they are was not told")

    async def _decide(self, wishes: Sequence[_Wish]) -> None:
        """Decide on all wishes; of those for one key, the earliest is the first.

        Raises:
            CrossdockError: It cannot be told now.
        """
        for _ in range(_TRIES):
            firsts: dict[str, _Wish] = {}
            for each in wishes:
                firsts.setdefault(each.subject, each)
            holders = await self._write(firsts)
            for each in wishes:
                if each.subject in holders and not each.won.done():
                    each.won.set_result(holders[each.subject] == each.mark)
            wishes = [each for each in wishes if not each.won.done()]
            if not wishes:
                return
        raise Disconnected("they change hands too fast to tell whose they are")

    async def _write(self, firsts: dict[str, _Wish]) -> dict[str, bytes]:
        """Claim keys together; where one of them is taken, return whose the taken ones are."""
        items = [
            Swap(
                subject=each.subject,
                data=each.mark,
                headers={"Nats-TTL": f"{math.ceil(max(each.window, LEAST))}s"},
                expected=0,
            )
            for each in firsts.values()
        ]
        if await self._bus.swap(STREAM, items) is not None:
            return {each.subject: each.mark for each in firsts.values()}
        there = await self._bus.read_each(STREAM, list(firsts))
        return {subject: stored.data for subject, stored in there.items()}


def _fail(wishes: Sequence[_Wish], reason: str) -> None:
    for each in wishes:
        if not each.won.done():
            each.won.set_exception(Disconnected(reason))
