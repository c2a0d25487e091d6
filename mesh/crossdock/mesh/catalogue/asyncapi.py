"""The AsyncAPI 3.0 document of a whole mesh. Pure.

Every subject of the mesh is a channel, every worker, route and the gateway have their operations.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from crossdock.contracts import Subjects
from crossdock.contracts.contract import DEFAULT_DRAFT
from crossdock.contracts.message import JSON, SPEC_VERSION
from crossdock.contracts.replying import REPLY
from crossdock.mesh.catalogue.description import (
    DescribedContract,
    DescribedRoute,
    DescribedVersion,
    DescribedWorker,
    MeshDescription,
    revision_of,
)
from crossdock.mesh.catalogue.embedding import embedded
from crossdock.mesh.catalogue.relations import Relations

Json = dict[str, Any]
_Found = Iterable[tuple[DescribedContract, DescribedVersion]]
_MESSAGES: Final = "#/components/messages/"
_HEADERS: Final = "#/components/schemas/CloudEventHeaders"
_FORMATS: Final = {
    DEFAULT_DRAFT: "application/schema+json;version=draft-2020-12",
    "http://json-schema.org/draft-07/schema": "application/schema+json;version=draft-07",
}


def asyncapi(description: MeshDescription) -> Json:
    """Return the document of a mesh."""
    document: Json = {
        "asyncapi": "3.0.0",
        "info": {
            "title": description.mesh,
            "version": "",  # keeps its place in the document
            "description": description.description or "What is connected, and what flows.",
        },
        "defaultContentType": JSON,
        "servers": {"broker": _BROKER},
        "channels": _channels(description),
        "operations": _operations(description),
        "components": {
            "messages": {
                version.key: _message(contract, version)
                for contract in description.contracts
                for version in contract.versions
            },
            "schemas": {"CloudEventHeaders": _ATTRIBUTES},
        },
    }
    document["info"]["version"] = revision_of(document)
    return document


def _channels(description: MeshDescription) -> Json:
    subjects, relations = Subjects(description.mesh), Relations(description)
    channels: Json = {}
    for each in description.contracts:
        found = [(each, version) for version in each.versions]
        channels[f"in.{each.name}"] = {
            "address": subjects.incoming(each.name),
            "title": each.title or each.name,
            "messages": _refer(found),
        }
    for destination in _destinations(description):
        if destination == REPLY:
            channels[_channel(REPLY)] = _replies(subjects, relations)
            continue
        channels[_channel(destination)] = {
            "address": subjects.outgoing(destination),
            "title": f"For {destination}",
            "messages": _refer(relations.reaching(destination)),
        }
    for component in _components(description):
        channels[f"dead.{component}"] = {
            "address": subjects.dead(component),
            "title": f"What {component} could not handle",
            "description": "The original bytes and headers, with the reason in `crossdock-` "
            "headers; see `crossdock dead`.",
        }
    return channels


def _replies(subjects: Subjects, relations: Relations) -> Json:
    """Return the channel of replies: an address for each request."""
    return {
        "address": f"{subjects.mesh}.reply.{{address}}",
        "title": "For whoever asked",
        "parameters": {
            "address": {"description": "The return address: ce-replyto of the request."}
        },
        "messages": _refer(relations.reaching(REPLY)),
    }


def _channel(destination: str) -> str:
    return REPLY if destination == REPLY else f"out.{destination}"


def _destinations(description: MeshDescription) -> list[str]:
    sent = {each.destination for route in description.routes for each in route.sends}
    consumed = {each.destination for each in description.workers if each.destination}
    return sorted(sent | consumed)


def _components(description: MeshDescription) -> list[str]:
    routes, workers = description.routes, description.workers
    return sorted({each.name for each in routes} | {each.name for each in workers})


def _operations(description: MeshDescription) -> Json:
    relations = Relations(description)
    operations: Json = {}
    for contract in description.contracts:
        found = [(contract, version) for version in contract.versions]
        operations[f"gateway.send.{contract.name}"] = _operation(
            "send", f"in.{contract.name}", f"Callers send {contract.name} by HTTP", found
        )
    for worker in description.workers:
        operations.update(_of_worker(relations, worker))
    for route in description.routes:
        operations.update(_of_route(relations, route))
    for component in _components(description):
        operations[f"{component}.dead"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/dead.{component}"},
            "summary": f"{component} sets aside what it cannot handle",
        }
    return operations


def _of_worker(relations: Relations, worker: DescribedWorker) -> Iterator[tuple[str, Json]]:
    what = worker.description or worker.adapter
    if worker.publishes is None:
        found = relations.reaching(worker.destination)
        channel = _channel(worker.destination)
        yield f"worker.{worker.name}.receive", _operation("receive", channel, what, found)
        if worker.replies is not None:
            answered = f"Answers of {worker.name} come in"
            for contract, version in relations.published(worker.replies):
                found, channel = [(contract, version)], f"in.{contract.name}"
                yield f"worker.{worker.name}.reply", _operation("send", channel, answered, found)
        return
    for contract, version in relations.published(worker.publishes):
        found = [(contract, version)]
        channel = f"in.{contract.name}"
        yield f"worker.{worker.name}.send", _operation("send", channel, what, found)


def _of_route(relations: Relations, route: DescribedRoute) -> Iterator[tuple[str, Json]]:
    summary = route.description or f"Route {route.name}"
    accepted = relations.accepted(route)
    for name in dict.fromkeys(contract.name for contract, _ in accepted):
        found = [each for each in accepted if each[0].name == name]
        operation = _operation("receive", f"in.{name}", summary, found)
        yield f"route.{route.name}.receive.{name}", operation
    for destination in dict.fromkeys(each.destination for each in route.sends):
        found = [
            each
            for sent in route.sends
            if sent.destination == destination
            for each in relations.sent(route, sent)
        ]
        operation = _operation("send", _channel(destination), summary, found)
        yield f"route.{route.name}.send.{destination}", operation


def _operation(action: str, channel: str, summary: str, found: _Found) -> Json:
    inside = f"#/channels/{channel}/messages/"
    keys = dict.fromkeys(version.key for _, version in found)
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "messages": [{"$ref": inside + key} for key in keys],
    }


def _refer(found: _Found) -> Json:
    keys = (version.key for _, version in found)
    return {key: {"$ref": _MESSAGES + key} for key in keys}


def _message(contract: DescribedContract, version: DescribedVersion) -> Json:
    schema, uri = version.contract.schema, version.contract.dataschema
    draft = str(schema.get("$schema", DEFAULT_DRAFT)).removesuffix("#")
    place = f"{_MESSAGES}{version.key}/payload/schema"
    own = {"properties": {"ce-type": {"const": contract.name}, "ce-dataschema": {"const": uri}}}
    message: Json = {
        "name": contract.name,
        "title": f"{contract.title or contract.name} {version.version}",
        "contentType": JSON,
        "headers": {"allOf": [{"$ref": _HEADERS}, own]},
        "payload": {"schemaFormat": _FORMATS[draft], "schema": embedded(schema, place, uri)},
    }
    if contract.description:
        message["description"] = contract.description
    if version.accepted:
        message["examples"] = [
            {"name": each.name, "payload": each.value} for each in version.accepted
        ]
    return message


_BROKER: Final[Json] = {
    "host": "{host}",
    "protocol": "nats",
    "title": "NATS JetStream",
    "description": "Only workers, routes and the gateway connect here; others use the gateway.",
    "variables": {"host": {"default": "127.0.0.1:4222", "description": "Where the broker is."}},
}
_TEXT: Final[Json] = {"type": "string"}
_ATTRIBUTES: Final[Json] = {
    "description": "CloudEvents 1.0 attributes, NATS binary mode. Others are `ce-` headers too.",
    "type": "object",
    "required": ["ce-specversion", "ce-id", "ce-source", "ce-type", "ce-dataschema"],
    "properties": {
        "ce-specversion": {"const": SPEC_VERSION},
        "ce-id": _TEXT,
        "ce-source": {**_TEXT, "format": "uri-reference"},
        "ce-type": {**_TEXT, "description": "Name of the contract."},
        "ce-dataschema": {**_TEXT, "description": "Contract and version: crossdock:NAME/VERSION."},
        "ce-time": {**_TEXT, "format": "date-time"},
        "ce-subject": _TEXT,
        "ce-correlationid": {**_TEXT, "description": "Id of what began the conversation."},
        "ce-causationid": {**_TEXT, "description": "Id of what this was made from."},
        "ce-replyto": {**_TEXT, "description": "Return address of whoever waits for a reply."},
        "ce-traceparent": {**_TEXT, "description": "W3C Trace Context."},
        "content-type": _TEXT,
    },
}
