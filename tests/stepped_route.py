"""Routes with steps over an open contract, for tests that need no file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from crossdock.contracts import Contract, Message, Registry
from crossdock.mesh.expression import Json
from crossdock.mesh.project.conversion import scalar
from crossdock.router.compiled import CompiledRoute, compile_route
from crossdock.router.deciding import Decision
from crossdock.router.route_file import RouteFile

ORDER = Contract("sales.order.placed", "1.0.0", {"type": "object"})
LINE = Contract(
    "sales.line.ordered",
    "1.0.0",
    {"type": "object", "required": ["sku"], "properties": {"sku": {"type": "string"}}},
)
CONTACT = Contract("crm.contact.changed", "1.0.0", {"type": "object"})
REGISTRY = Registry([ORDER, LINE, CONTACT])


def stepped(*steps: dict[str, Any], folder: Path = Path(), **fields: Json) -> CompiledRoute:
    """Return a route with these steps, which sends to ``book``."""
    given = {"route": "orders", "accepts": "sales.order.placed", "send": [{"to": "book"}]}
    file = msgspec.convert({**given, "steps": steps, **fields}, RouteFile, dec_hook=scalar)
    return compile_route(file, REGISTRY, folder, mesh="ops")


def message(data: Json, contract: Contract = ORDER, **attributes: Any) -> Message:  # noqa: ANN401 - any attribute
    """Return a message that has come in."""
    given: dict[str, Any] = {
        "id": "o-1",
        "source": "/shop",
        "type": contract.name,
        "dataschema": contract.dataschema,
        "data": data if isinstance(data, bytes) else msgspec.json.encode(data),
    }
    return Message(**{**given, **attributes})


def sent(decision: Decision, destination: str = "book") -> list[Json]:
    """Return the data that goes to a destination, in order."""
    return [
        msgspec.json.decode(each.message.data)
        for each in decision.children
        if each.destination == destination
    ]
