"""The kinds of files of a project, and the JSON Schema of each."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from crossdock.contracts import About
from crossdock.gateway.api_file import ApiFile
from crossdock.gateway.client_file import ClientsFile
from crossdock.mesh.project.editor_schema import editor_schema
from crossdock.mesh.project.settings import MeshFile
from crossdock.router.calls.call_file import CallFile
from crossdock.router.processes.process_file import ProcessFile
from crossdock.router.processes.testing import Example as ProcessExample
from crossdock.router.route_file import RouteFile
from crossdock.router.step_file import PATTERNS
from crossdock.router.testing import Example
from crossdock.workers.adapter import Adapter
from crossdock.workers.registry import adapters
from crossdock.workers.worker_file import WorkerFile


class Kind(msgspec.Struct, frozen=True):
    """One kind of file.

    Attributes:
        settings: Its type.
        files: Which files it is, as a pattern from the project folder.
    """

    settings: type
    files: str


KINDS: Final = {
    "mesh": Kind(MeshFile, "mesh.yaml"),
    "route": Kind(RouteFile, "routes/*.yaml"),
    "process": Kind(ProcessFile, "processes/*.yaml"),
    "worker": Kind(WorkerFile, "workers/*.yaml"),
    "contract": Kind(About, "contracts/*/*/contract.yaml"),
    "api": Kind(ApiFile, "apis/*.yaml"),
    "call": Kind(CallFile, "calls/*.yaml"),
    "clients": Kind(ClientsFile, "clients.yaml"),
}


def file_schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema of a kind of file.

    Args:
        kind: One of :data:`KINDS`.
    """
    schema = editor_schema(KINDS[kind].settings, f"Crossdock {kind}")
    if kind == "route":
        _complete_route(schema)
    if kind == "process":
        _complete_process(schema)
    if kind == "worker":
        _complete_worker(schema)
    return schema


def _complete_route(schema: dict[str, Any]) -> None:
    """Say of a route what its type leaves to checks: its examples, and one pattern a step."""
    example = editor_schema(Example, "example")
    schema["properties"]["examples"]["items"] = {
        key: each for key, each in example.items() if key not in ("$schema", "$defs", "title")
    }
    schema["oneOf"] = [{"required": ["send"]}, {"required": ["send_all"]}]
    schema["$defs"]["Step"]["oneOf"] = [{"required": [each]} for each in PATTERNS]


def _complete_process(schema: dict[str, Any]) -> None:
    """Say of a process what its type leaves to checks: its examples."""
    example = editor_schema(ProcessExample, "example", "example.")
    schema["$defs"] |= example.pop("$defs")
    schema["properties"]["examples"]["items"] = {
        key: each for key, each in example.items() if key not in ("$schema", "title")
    }


def _complete_worker(schema: dict[str, Any]) -> None:
    """Say of a worker which settings each installed adapter has."""
    there = [each.adapter for each in adapters() if each.adapter is not None]
    known = schema["properties"]["adapter"]
    known["enum"] = [each.name for each in there]
    known["enumDescriptions"] = [each.summary for each in there]
    schema["allOf"] = [_of_adapter(each, schema["$defs"]) for each in there]


def _of_adapter(adapter: Adapter, definitions: dict[str, Any]) -> dict[str, Any]:
    settings = editor_schema(adapter.settings, adapter.summary, f"{adapter.name}.")
    definitions |= settings.pop("$defs")
    settings.pop("$schema")
    sink = adapter.direction == "sink"
    excluded = ["publishes", "id"] if sink else ["consumes"]
    excluded += [] if adapter.answers else ["reply"]
    required = [] if sink else ["publishes"]
    required += ["settings"] if settings["required"] else []
    return {
        "if": {"properties": {"adapter": {"const": adapter.name}}, "required": ["adapter"]},
        "then": {
            "properties": {"settings": settings, **dict.fromkeys(excluded, False)},
            "required": required,
        },
    }
