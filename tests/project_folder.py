"""Writes small project folders for tests."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

ORDER: dict[str, object] = {
    "type": "object",
    "required": ["order", "country", "total"],
    "properties": {
        "order": {"type": "string"},
        "country": {"type": "string"},
        "total": {"type": "number"},
    },
    "additionalProperties": False,
}
INVOICE: dict[str, object] = {
    "type": "object",
    "required": ["order", "amount"],
    "properties": {"order": {"type": "string"}, "amount": {"type": "number", "minimum": 1}},
}
ROUTE = """
    route: by-country
    accepts: sales.order.placed@^1
    where: total > 0
    send:
      - when: country = "DE"
        to: eu
        as: billing.invoice.requested@1
        map: "{'order': order, 'amount': total}"
      - {else: true, to: world}
"""


def write(folder: Path, path: str, text: str) -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(dedent(text))


def write_contract(
    folder: Path, name: str, schema: dict[str, object], version: str = "1.0.0"
) -> None:
    domain, _, rest = name.partition(".")
    write(folder, f"contracts/{domain}/{rest}/{version}.schema.json", json.dumps(schema))


def write_project(folder: Path, *, mesh: str = "t", route: str = ROUTE) -> Path:
    """A mesh with one route from orders to invoices."""
    write(folder, "mesh.yaml", f"mesh: {mesh}\n")
    write_contract(folder, "sales.order.placed", ORDER)
    write_contract(folder, "billing.invoice.requested", INVOICE)
    write(folder, "routes/by-country.yaml", route)
    return folder
