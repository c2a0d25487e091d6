"""A mesh whose one route brings the lines of orders together, for tests."""

from __future__ import annotations

from pathlib import Path

import msgspec

from crossdock.contracts import Message
from crossdock.contracts.reference import dataschema
from project_folder import write, write_contract

LINE: dict[str, object] = {
    "type": "object",
    "required": ["order", "line", "of"],
    "properties": {
        "order": {"type": "string"},
        "line": {"type": "integer"},
        "of": {"type": "integer"},
    },
}
WHOLE: dict[str, object] = {
    "type": "object",
    "required": ["order", "lines"],
    "properties": {"order": {"type": "string"}, "lines": {"type": "array"}},
}
ROUTE = """
    route: orders
    accepts: sales.line.ordered
    where: line > 0
    aggregate:
      by: order
      complete: {size: of, timeout: 30s}
      order: line
      map: "{'order': key, 'lines': [parts.line], 'why': reason}"
      as: sales.order.whole
    send:
      - {when: $group.reason = "timeout", to: late}
      - {else: true, to: book}
"""


def write_aggregating(folder: Path, *, route: str = ROUTE) -> Path:
    """Lines of an order become the order."""
    write(folder, "mesh.yaml", "mesh: t\n")
    write_contract(folder, "sales.line.ordered", LINE)
    write_contract(folder, "sales.order.whole", WHOLE)
    write(folder, "routes/orders.yaml", route)
    return folder


def line(order: str, number: int, of: int) -> Message:
    """One line of an order."""
    return Message(
        id=f"{order}-{number}",
        source="/test",
        type="sales.line.ordered",
        dataschema=dataschema("sales.line.ordered", "1.0.0"),
        data=msgspec.json.encode({"order": order, "line": number, "of": of}),
    )


DELAYING = """
    route: orders
    accepts: sales.line.ordered
    delay: {for: 5s}
    send:
      - to: book
"""

RESEQUENCING = """
    route: orders
    accepts: sales.line.ordered
    resequence: {by: order, number: line, gap: 1s}
    send:
      - to: book
"""
