"""Moving a message to the dead letters: stored there first, whoever waits for a reply is told."""

from __future__ import annotations

from crossdock.contracts import CrossdockError
from crossdock.mesh import dead_letters, records, replies
from crossdock.mesh.bus import Bus, Incoming
from crossdock.mesh.component import Component
from crossdock.mesh.fail_points import reach


async def bury(
    bus: Bus,
    component: Component,
    durable: str,
    incoming: Incoming,
    error: CrossdockError,
    attempts: int,
) -> None:
    """Store the dead letter of a message and its record; the caller settles the message (I2).

    Args:
        bus: The bus.
        component: Which gave up.
        durable: Name of its consumer: the same message becomes the same dead letter.
        incoming: The message, kept as it came (I3).
        error: Why.
        attempts: How often it was tried.

    Raises:
        Disconnected: The broker is away.
        Retry: The stream of the dead letters is full.
    """
    cause = dead_letters.Cause(
        kind=component.kind,
        where=component.name,
        reason=error.reason,
        problems=error.problems,
        attempts=attempts,
        instruction=type(error).__name__,
        revision=component.revision,
    )
    letter = await dead_letters.put(
        bus,
        cause,
        key=f"{durable} {incoming.sequence}",
        subject=incoming.subject,
        headers=dead_letters.with_done(bus, incoming, component.done(incoming)),
        data=incoming.data,
    )
    await replies.tell_failure(bus, incoming, component.name, error.reason)
    reach("dead-letter-stored")
    entry = records.Entry(
        _id_of(incoming),
        incoming.sequence,
        "dead",
        error.reason,
        attempts=attempts,
        letter=letter.sequence,
    )
    await records.write(
        bus,
        component.kind,
        component.name,
        [entry],
        revision=component.revision,
        detours=error.detours,
    )


def _id_of(incoming: Incoming) -> str:
    try:
        return incoming.message().id
    except ValueError:
        return ""
