"""Judges a CloudEvent from outside: makes the canonical message of it, or tells what is wrong."""

from __future__ import annotations

from typing import Final

import msgspec

from crossdock.contracts import Message, Problem
from crossdock.contracts.message import JSON
from crossdock.contracts.reference import NAME, version_of
from crossdock.contracts.replying import REPLY_TO
from crossdock.contracts.slips import SLIP
from crossdock.gateway.clients import Client
from crossdock.gateway.cloudevents import Event
from crossdock.gateway.doors import Door, Doors
from crossdock.gateway.event_attributes import CORE
from crossdock.gateway.ingress import now
from crossdock.gateway.marks import wrong_mark
from crossdock.gateway.problems import Refused
from crossdock.mesh.telemetry.trace_context import clean_tracestate, valid_traceparent

# Who sent it is what we know and not what the sender says; traces are checked on their own; and
# whose the replies are, and where it goes, is never the sender's choice.
_OURS: Final = frozenset({"authid", "authtype", "traceparent", "tracestate", REPLY_TO, SLIP})


class Judged(msgspec.Struct, frozen=True):
    """What became of an event.

    Attributes:
        door: Its contract's, when there is one that the client may use.
        message: The canonical message; None when there are problems.
        problems: Everything that is wrong, with pointers into the request.
        kind: Kind of the refusal when the event came alone.
    """

    door: Door | None = None
    message: Message | None = None
    problems: tuple[Problem, ...] = ()
    kind: str = "invalid-data"


def judge(event: Event, client: Client, doors: Doors, trace: tuple[str, str]) -> Judged:
    """Judge one event.

    Args:
        event: As it was read, with its own problems.
        client: Who sent it.
        doors: Contracts and clients of now.
        trace: ``traceparent`` and ``tracestate`` of the request, for an event that has none.
    """
    at, attributes = event.pointer, event.attributes
    try:
        found = _door(attributes, client, doors)
    except Refused as refused:
        pointer = f"{at}/{'dataschema' if refused.kind == 'invalid-data' else 'type'}"
        wrong = Problem(message=refused.detail, pointer=pointer, keyword=refused.kind)
        return Judged(problems=(*event.problems, wrong), kind=refused.kind)
    problems = list(event.problems)
    kind = "invalid-data"
    if not _may_use_source(attributes.get("source", ""), client, doors):
        text = f"the client {client.name} may not send under this source"
        problems.append(Problem(message=text, pointer=f"{at}/source", keyword="forbidden"))
        kind = "forbidden"
    mark = wrong_mark(attributes, client, at)
    if mark is not None:
        problems.append(mark)
        kind = "forbidden" if mark.keyword == "forbidden" else kind
    if found is not None and event.data is not None:
        problems += [
            msgspec.structs.replace(each, pointer=f"{at}/data{each.pointer}")
            for each in found.contract.decode(event.data)[1]
        ]
    if problems or found is None or event.data is None:
        return Judged(door=found, problems=tuple(problems), kind=kind)
    return Judged(door=found, message=_message(event, event.data, client, found, trace))


def _door(attributes: dict[str, str], client: Client, doors: Doors) -> Door | None:
    """Return the contract's door, or None when no contract is named at all.

    Raises:
        Refused: When the client may not use it, or there is no such contract.
    """
    name = attributes.get("type")
    if name is None:
        return None
    if not NAME.match(name):
        raise Refused("unknown-contract", "type must be the name of a contract")
    schema = attributes.get("dataschema")
    if schema is None:
        return doors.open(name, client)
    version = version_of(schema)
    if version is None:
        raise Refused("invalid-data", "dataschema must be one of this mesh: crossdock:…")
    door = doors.open(f"{name}@{version}", client)
    if door.contract.dataschema != schema:
        raise Refused("invalid-data", "dataschema names another contract than type")
    return door


def _may_use_source(source: str, client: Client, doors: Doors) -> bool:
    """Tell whether a client may send under a source.

    Source and id are a message's identity: who could send under another's source could make the
    other's messages count as repeats, and so disappear.
    """
    mesh = f"/{doors.subjects.mesh}/"
    if source.startswith(mesh):
        return source == f"{mesh}gateway/{client.name}"
    return not doors.clients.claimed_by_another(client, source)


def _message(
    event: Event, data: bytes, client: Client, door: Door, trace: tuple[str, str]
) -> Message:
    attributes = event.attributes
    extensions = {
        name: value for name, value in attributes.items() if name not in CORE and name not in _OURS
    }
    extensions.setdefault("correlationid", attributes["id"])
    extensions["authid"] = client.name
    traceparent, tracestate = _trace(attributes, trace)
    extensions["traceparent"] = traceparent
    if tracestate:
        extensions["tracestate"] = tracestate
    return Message(
        id=attributes["id"],
        source=attributes["source"],
        type=door.contract.name,
        data=data,
        dataschema=door.contract.dataschema,
        datacontenttype=JSON,
        time=attributes.get("time") or now(),
        subject=attributes.get("subject", ""),
        extensions=extensions,
    )


def _trace(attributes: dict[str, str], trace: tuple[str, str]) -> tuple[str, str]:
    own = attributes.get("traceparent", "")
    if valid_traceparent(own):
        return own, clean_tracestate(attributes.get("tracestate", ""))
    return trace
