"""A project folder with the contracts of the tables of routes, and one route in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import yaml

DATA = Path(__file__).parent / "data"
HEAD = "route: r\naccepts: {accepts}\n"
WORKER = "worker: {name}\nadapter: file-out\nsettings: {{path: {name}.jsonl, format: jsonl}}\n"
CALL = """call: prices
http: {url: "https://prices.example/{sku}"}
answers: catalog.price.told@1
"""


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One route of a table."""

    it: str
    route: str
    found: str = ""
    warning: bool = False
    files: dict[str, str] = {}
    accepts: str = "sales.order.placed@^1"


def rows(name: str) -> list[Row]:
    return msgspec.convert(yaml.safe_load((DATA / name).read_text()), list[Row])


def make_project(folder: Path) -> Path:
    contracts: dict[str, Any] = yaml.safe_load((DATA / "route_contracts.yaml").read_text())
    for name, schema in contracts.items():
        domain, _, event = name.partition(".")
        place = folder / "contracts" / domain / event
        place.mkdir(parents=True)
        (place / "1.0.0.schema.json").write_text(json.dumps(schema))
    (folder / "mesh.yaml").write_text("mesh: shop\n")
    (folder / "routes").mkdir()
    (folder / "calls").mkdir()
    (folder / "calls/prices.yaml").write_text(CALL)
    (folder / "workers").mkdir()
    for worker in "abc":
        (folder / f"workers/{worker}.yaml").write_text(WORKER.format(name=worker))
    return folder


def put(folder: Path, row: Row) -> None:
    """Make the one route of the project that of a row."""
    for old in (folder / "routes").iterdir():
        old.unlink()
    for name, text in row.files.items():
        (folder / "routes" / name).write_text(text)
    (folder / "routes/r.yaml").write_text(HEAD.format(accepts=row.accepts) + row.route)
