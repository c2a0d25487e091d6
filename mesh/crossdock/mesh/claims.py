"""Keys that belong to the first who claims them, for a while: durable, over all replicas.

A claim is a message on a subject of its own, stored only where there is none yet, and dropped by
the broker when its time is over (``Nats-TTL``, ADR-43 of the server). It holds who claimed it, so
that the same one may claim it again: a redelivered message has its key already.
"""

from __future__ import annotations

import math
from typing import Final

import msgspec
from nats.errors import Error as NatsError

from crossdock.contracts import Disconnected, keyed_id
from crossdock.mesh.bus import Bus

STREAM: Final = "once"
LEAST: Final = 1.0
"""Seconds for which a key can be claimed at least: the broker counts whole ones."""
_TIMEOUT: Final = 5.0
_TAKEN: Final = frozenset({10071, 10164})  # wrong last sequence: there is a claim
_TRIES: Final = 3


class _Error(msgspec.Struct):
    err_code: int = 0


class _Ack(msgspec.Struct):
    seq: int = 0
    error: _Error | None = None


class _Stored(msgspec.Struct):
    data: bytes = b""


class _Found(msgspec.Struct):
    message: _Stored | None = None


class Claims:
    """The keys of one component."""

    def __init__(self, bus: Bus, component: str) -> None:
        self._bus = bus
        self._component = component

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
        mark = keyed_id(holder).encode()
        for _ in range(_TRIES):
            if await self._store(subject, mark, window):
                return True
            there = await self._there(subject)
            if there is not None:
                return there == mark
        raise Disconnected("a key changes hands too fast to tell whose it is")

    async def _store(self, subject: str, mark: bytes, window: float) -> bool:
        headers = {
            "Nats-Expected-Last-Subject-Sequence": "0",
            "Nats-TTL": f"{math.ceil(max(window, LEAST))}s",
        }
        ack = msgspec.json.decode(await self._ask(subject, mark, headers), type=_Ack)
        if ack.error is None:
            return True
        if ack.error.err_code in _TAKEN:
            return False
        raise Disconnected(f"the broker did not store a key ({ack.error.err_code})")

    async def _there(self, subject: str) -> bytes | None:
        """Return who claimed a key, as the leader of the stream has it; None when nobody did."""
        stream = self._bus.subjects.stream(STREAM)
        request = msgspec.json.encode({"last_by_subj": subject})
        answer = await self._ask(f"$JS.API.STREAM.MSG.GET.{stream}", request)
        found = msgspec.json.decode(answer, type=_Found).message
        return None if found is None else found.data

    async def _ask(self, subject: str, data: bytes, headers: dict[str, str] | None = None) -> bytes:
        try:
            answer = await self._bus.client.request(
                subject, data, timeout=_TIMEOUT, headers=headers
            )
        except NatsError as error:
            raise Disconnected(f"keys cannot be claimed: {type(error).__name__}") from error
        return bytes(answer.data)
