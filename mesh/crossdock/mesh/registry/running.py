"""Which revision each service runs: told by themselves, kept for a short time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Final

import msgspec

from crossdock.contracts import CrossdockError
from crossdock.mesh.bus import BucketLimits, Bus

log = logging.getLogger("crossdock.registry")

_BUCKET: Final = "running"
_BEAT: Final = 10.0
_KEPT: Final = 30.0
_LOOK: Final = 0.2
_MAX_BYTES: Final = 8 * 1024 * 1024
_MAX_REASON: Final = 500


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    """What one process says of itself.

    Attributes:
        service: ``gateway``, ``router`` or ``worker``.
        name: Its name, unlike that of any other process.
        revision: Number of the revision that it runs.
        newest: Number of the newest revision that it has looked at.
        problems: How many problems it has with that one; 0 when it runs it.
        reason: Why it does not run it.
    """

    service: str
    name: str
    revision: int
    newest: int
    problems: int = 0
    reason: str = ""


_decode = msgspec.json.Decoder(Instance).decode


async def keep_telling(bus: Bus, state: Callable[[], Instance], replicas: int = 1) -> None:
    """Tell the state at each change and now and then, until cancelled; then it is forgotten.

    Args:
        bus: Connection.
        state: Returns it.
        replicas: Copies of the bucket, should it have to be made.
    """
    bucket = bus.bucket(_BUCKET)
    limits = BucketLimits(replicas=replicas, max_bytes=_MAX_BYTES, max_age=_KEPT)
    key = _key(state().name)
    clock = asyncio.get_running_loop().time
    told: Instance | None = None
    due = 0.0
    try:
        while True:
            now = state()
            if now != told or clock() > due:
                try:
                    await bucket.ensure(limits)
                    short = msgspec.structs.replace(now, reason=now.reason[:_MAX_REASON])
                    await bucket.put(key, msgspec.json.encode(short))
                    told, due = now, clock() + _BEAT
                except CrossdockError as error:
                    log.debug("revision not told", extra={"why": error.reason})
                    await asyncio.sleep(_BEAT / 10)
            await asyncio.sleep(_LOOK)
    finally:
        with contextlib.suppress(CrossdockError):
            await bucket.forget(key)


async def who_runs(bus: Bus) -> list[Instance]:
    """Return what the processes of a mesh said of themselves within the last half minute.

    Raises:
        Disconnected: The broker does not answer.
    """
    found = []
    for each in await bus.bucket(_BUCKET).history(">"):
        with contextlib.suppress(msgspec.DecodeError, ValueError):
            found.append(_decode(each.data))
    return sorted(found, key=lambda each: (each.service, each.name))


def _key(instance: str) -> str:
    """Return an instance as a key: one token of a subject."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-_") else "-" for c in instance)[:200]
