"""Plain replay: messages that came are sent again, for real, to one route or one destination.

Each is a new message with a new id, so it has its effects again; its cause is the message that it
repeats. The id hangs on the replay and on that message's place in the stream: a replay that was
interrupted goes on where it was, and what it repeats by that has its effect once (I4).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final, Literal

import msgspec

from crossdock.contracts import Message, Reject, near_id
from crossdock.mesh import records
from crossdock.mesh.bus import Bus, Stored
from crossdock.mesh.kept import Kept
from crossdock.mesh.pacing import Pace

_MAX_BYTES: Final = 16 * 1024**2
_COMMAND: Final[records.Command] = "replay"


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """What is sent again, and how far it is.

    Attributes:
        id: Name of this replay.
        kind: Stream that is read: ``in`` for a route, ``out`` for a destination.
        where: Name of the route or destination.
        subjects: Subjects of the messages to take.
        target: Subject that they are sent to.
        last: Last sequence to look at: fixed when it begins.
        rate: How many a second; None for as fast as it goes.
        total: How many there are to send.
        next: First sequence that was not looked at yet.
        sent: How many were sent.
    """

    id: str
    kind: Literal["in", "out"]
    where: str
    subjects: tuple[str, ...]
    target: str
    last: int
    rate: float | None
    total: int
    next: int
    sent: int = 0

    @property
    def done(self) -> bool:
        """Whether all of it was sent."""
        return self.next > self.last or self.sent >= self.total


class Replays:
    """The replays of a mesh."""

    def __init__(self, bus: Bus) -> None:
        """Remember where they are kept."""
        self._kept = Kept(bus, "replays", max_bytes=_MAX_BYTES)

    async def find(self, replay_id: str) -> Replay | None:
        """Return a replay as far as it came, None when there is none of that name.

        Raises:
            Disconnected: The broker does not answer.
        """
        found = await self._kept.get(replay_id)
        return None if found is None else msgspec.json.decode(found, type=Replay)

    async def keep(self, replay: Replay) -> None:
        """Remember how far a replay came.

        Raises:
            CrossdockError: It cannot be kept.
        """
        await self._kept.put(replay.id, msgspec.json.encode(replay))


async def run(
    bus: Bus, replay: Replay, *, by: str, reason: str, advance: Callable[[int], None]
) -> Replay:
    """Send what is left of a replay; return it as it is then.

    Args:
        bus: The bus.
        replay: What to send, from where it is.
        by: Who does it.
        reason: Why, in their words.
        advance: Told how many more were sent.

    Raises:
        CrossdockError: It could not go on; what was sent is remembered.
    """
    kept, pace = Replays(bus), Pace(replay.rate)
    await kept.keep(replay)
    async for group in _groups(bus, replay, pace.group):
        made = [(replay.target, _again(replay, each)) for each in group]
        await records.audit(bus, _COMMAND, _entries(replay, group, made), by=by, reason=reason)
        await bus.publish_many(made)
        replay = msgspec.structs.replace(
            replay, next=group[-1].sequence + 1, sent=replay.sent + len(group)
        )
        await kept.keep(replay)
        advance(len(group))
        if not replay.done:
            await pace.wait(len(group))
    replay = msgspec.structs.replace(replay, next=replay.last + 1)
    await kept.keep(replay)
    return replay


async def _groups(bus: Bus, replay: Replay, size: int) -> AsyncIterator[list[Stored]]:
    wanted, group, left = set(replay.subjects), list[Stored](), replay.total - replay.sent
    async for stored in bus.read(replay.kind, sequence=replay.next):
        if stored.sequence > replay.last or left <= 0:
            break
        if stored.subject in wanted:
            left -= 1
            group.append(stored)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def _again(replay: Replay, stored: Stored) -> Message:
    try:
        message = Message.from_headers(stored.headers, stored.data)
    except ValueError as error:
        raise Reject(f"number {stored.sequence} is no message: {error}") from error
    links = {"causationid": message.id, "correlationid": message.correlation}
    return msgspec.structs.replace(
        message,
        id=near_id(message.id, "replay", replay.id, str(stored.sequence)),
        extensions=message.extensions | links,
        origin="",
    )


def _entries(
    replay: Replay, group: Sequence[Stored], made: Sequence[tuple[str, Message]]
) -> list[records.Entry]:
    return [
        records.Entry(
            again.extensions["causationid"],
            stored.sequence,
            "replayed",
            replay.id,
            ((replay.where, again.id),),
        )
        for stored, (_, again) in zip(group, made, strict=True)
    ]
