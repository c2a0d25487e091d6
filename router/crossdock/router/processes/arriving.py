"""From a message that comes in to one that comes to an instance."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from crossdock.contracts import Message, Reject
from crossdock.contracts.expiry import EXPIRY, is_expired
from crossdock.mesh.groups.state import mark_of
from crossdock.mesh.message_view import attributes_of
from crossdock.router.aggregating import key_of
from crossdock.router.deciding import EXPIRED, NOT_ACCEPTED
from crossdock.router.processes.compiled import CompiledProcess
from crossdock.router.processes.events import Arrival, Place


def arrival_of(
    versions: list[CompiledProcess], message: Message, *, waited: bool = False
) -> Arrival | Place:
    """Return a message as it comes to its instance; or what becomes of one that does not.

    Args:
        versions: The process as it is, then as it was for instances that began before.
        message: The message.
        waited: Whether it has waited already.

    Raises:
        Reject: It is unknown, breaks its contract, or has no key (I5).
    """
    accepting = next((each for each in versions if _accepts(each, message)), None)
    if accepting is None:
        versions[0].registry.of_message(message)
        return Place(detail=NOT_ACCEPTED)
    contract = accepting.accepted[message.dataschema]
    value, problems = contract.decode(message.data)
    if problems:
        raise Reject.of(f"data breaks {contract.dataschema}", problems)
    if EXPIRY in message.extensions and not waited and is_expired(message, datetime.now(UTC)):
        return Place(detail=EXPIRED)
    found = accepting.keys[message.dataschema].evaluate(value, {"message": attributes_of(message)})
    return Arrival(
        key=key_of(found, "key"), message=message, value=value, mark=mark_of(message), waited=waited
    )


def traced(message: Message, traceparent: str) -> Message:
    """Return a message with the trace context of the hop that takes it."""
    if traceparent == message.extensions.get("traceparent", ""):
        return message
    own = message.extensions | {"traceparent": traceparent}
    return msgspec.structs.replace(message, extensions=own)


def _accepts(process: CompiledProcess, message: Message) -> bool:
    found = process.accepted.get(message.dataschema)
    return found is not None and found.name == message.type
