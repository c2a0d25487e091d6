"""Where acts are kept: a key-value bucket of the mesh, whose older values are the audit.

Nothing is ever removed from it while its component is there: ending a pause is an act, too. So a
key that is gone is a loss and no decision, and whoever follows goes on with what it knew.
"""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import AbstractAsyncContextManager
from typing import Final

import msgspec

from crossdock.contracts import Retry
from crossdock.mesh.bus import BucketLimits, Bus
from crossdock.mesh.control.acts import Act, Name, all_keys
from crossdock.mesh.kept import copies

KEPT: Final = 64
"""Acts on one control that are kept."""
_BUCKET: Final = "control"
_MAX_BYTES: Final = 64 * 1024 * 1024
_TRIES: Final = 5
_AT_ONCE: Final = 64

_decode = msgspec.json.Decoder(Act).decode


class Kept(msgspec.Struct, frozen=True):
    """One act as it is kept.

    Attributes:
        key: What it is about: ``route.orders.flow``.
        act: The act.
    """

    key: str
    act: Act


class ControlStore:
    """The acts of one mesh."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._bucket = bus.bucket(_BUCKET)
        self._notice = f"{bus.subjects.mesh}.notice.control.>"

    def changes(self) -> AbstractAsyncContextManager[asyncio.Event]:
        """Give an event that is set whenever somebody acts; it may miss one.

        Raises:
            Disconnected: The broker is away.
        """
        return self._bucket.notices(self._notice)

    async def prepare(self) -> None:
        """Make the bucket, if it is not there.

        Raises:
            Disconnected: The broker does not answer.
            Halt: It refuses.
        """
        limits = BucketLimits(
            replicas=await copies(self._bus),
            max_bytes=_MAX_BYTES,
            history=KEPT,
            notice=(">", self._notice),
        )
        await self._bucket.ensure(limits)

    async def version(self) -> int | None:
        """Return what changes with every act; None when the bucket is not there.

        Raises:
            Disconnected: The broker does not answer.
        """
        return await self._bucket.last_sequence()

    async def read(self) -> dict[str, Act | None]:
        """Return the last act on each control as its leader has it; None for what is no act.

        Raises:
            Disconnected: The broker does not answer.
        """
        keys = sorted(await self._bucket.keys(">"))
        found: dict[str, Act | None] = {}
        for first in range(0, len(keys), _AT_ONCE):
            part = keys[first : first + _AT_ONCE]
            values = await asyncio.gather(*(self._bucket.last(each) for each in part))
            for key, stored in zip(part, values, strict=True):
                if stored is not None:
                    found[key] = _read(stored.data)
        return found

    async def put(self, key: str, act: Act) -> None:
        """Keep an act; it is on disk when this returns.

        Raises:
            Disconnected: The broker does not answer: it may be kept or not.
            Retry: Others act on the same at the same time, again and again.
            CrossdockError: The broker refuses.
        """
        await self.prepare()
        for _ in range(_TRIES):
            last = await self._bucket.last(key)
            sequence = 0 if last is None else last.sequence
            if await self._bucket.swap(key, msgspec.json.encode(act), sequence):
                return
        raise Retry("others act on it at the same time: try again")

    async def put_back(self, key: str, act: Act) -> None:
        """Keep an act that was lost, unless somebody has acted since then.

        Raises:
            CrossdockError: As in :meth:`put`.
        """
        await self._bucket.swap(key, msgspec.json.encode(act), 0)

    async def history(self, pattern: str) -> list[Kept]:
        """Return the acts that are kept on the controls of a pattern, oldest first.

        Raises:
            Disconnected: The broker does not answer.
        """
        found = []
        for each in await self._bucket.history(pattern):
            act = _read(each.data)
            if act is not None:
                found.append(Kept(each.subject.split(".", 2)[2], act))
        return found

    async def forget(self, name: Name) -> None:
        """Remove every act on a component that is gone.

        Raises:
            Disconnected: The broker does not answer.
        """
        await self._bucket.forget(all_keys(name))


def _read(data: bytes) -> Act | None:
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
        found: Act = _decode(data)
        return found
    return None
