"""The smallest project that runs: orders come in by HTTP and go to a file."""

from __future__ import annotations

import json
from pathlib import Path

CONTRACT = "shop.order.placed"
_SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {"number": {"type": "integer"}},
    "required": ["number"],
}
_WORKER = """\
worker: {name}
adapter: file-out
group: {group}
settings:
  path: out/{name}.jsonl
  format: jsonl
"""


def make_project(folder: Path) -> Path:
    """Write the project and return its folder."""
    schema = folder / "contracts" / "shop" / "order.placed" / "1.0.0.schema.json"
    for each in (schema.parent, folder / "routes", folder / "workers", folder / "out"):
        each.mkdir(parents=True)
    schema.write_text(json.dumps(_SCHEMA))
    (folder / "mesh.yaml").write_text("mesh: tiny\ngateway:\n  anonymous: true\n")
    (folder / "routes" / "orders.yaml").write_text(
        f"route: orders\naccepts: {CONTRACT}@^1\nsend:\n  - to: book\n"
    )
    add_worker(folder, "book", "workers")
    return folder


def add_worker(folder: Path, name: str, group: str) -> Path:
    """Add a worker that writes to ``out/NAME.jsonl``, and return its file."""
    path = folder / "workers" / f"{name}.yaml"
    path.write_text(_WORKER.format(name=name, group=group))
    return path
