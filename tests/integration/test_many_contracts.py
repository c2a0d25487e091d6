"""Ten thousand contracts, each with a contract.yaml: loaded in seconds, found in no time."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Final

import pytest

from crossdock.contracts import ContractRef, Message, Registry
from crossdock.mesh.project.contract_files import load_contracts

COUNT: Final = 10_000
# Under 3 s on a quiet machine, see docs/benchmarks.md; this one may be a slow and busy one.
MOST_SECONDS: Final = 9.0
ABOUT: Final = """\
title: An order was placed
owner: sales@example.com
description: |
  A customer has placed an order in the shop, and it is paid.
compatibility: full
personal:
  - /customer/email
  - /lines/*/name
invalid:
  no-lines: {pointer: /lines, keyword: minItems}
"""
SCHEMA: Final = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "An order was placed",
    "type": "object",
    "required": ["id", "customer", "lines"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "minLength": 1, "maxLength": 40},
        "customer": {"type": "object", "properties": {"email": {"type": "string"}}},
        "total": {"type": "number", "minimum": 0},
        "lines": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "object", "properties": {"name": {"type": "string"}}},
        },
    },
}


def names() -> list[str]:
    return [f"domain-{at // 100}.entity-{at % 100}.made" for at in range(COUNT)]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("many")
    schema = json.dumps(SCHEMA, indent=2)
    for name in names():
        domain, _, event = name.partition(".")
        place = folder / "contracts" / domain / event
        place.mkdir(parents=True)
        (place / "1.0.0.schema.json").write_text(schema)
        (place / "contract.yaml").write_text(ABOUT)
    return folder


@pytest.fixture(scope="module")
def loaded(project: Path) -> tuple[Registry, float]:
    begin = time.process_time()
    registry = load_contracts(project)
    return registry, time.process_time() - begin


def test_ten_thousand_contracts_load_in_seconds(loaded: tuple[Registry, float]) -> None:
    registry, seconds = loaded
    assert len(registry) == COUNT
    assert registry.about("domain-7.entity-7.made").compatibility == "full"
    assert seconds < MOST_SECONDS


def test_finding_one_among_ten_thousand_costs_nothing_measurable(
    loaded: tuple[Registry, float],
) -> None:
    many, _ = loaded
    name = "domain-50.entity-50.made"
    contract = many.resolve(ContractRef(name, "^1"))
    few = Registry([contract])
    message = Message(id="1", source="/a", type=name, data=b"{}", dataschema=contract.dataschema)
    assert _seconds(many, message) < 3 * _seconds(few, message) + 1e-6


def _seconds(registry: Registry, message: Message) -> float:
    """Return the least time of one lookup by a caller's name and one by a message's."""
    ref, least = ContractRef.parse(f"{message.type}@^1"), 1.0
    for _ in range(50):
        begin = time.perf_counter()
        for _ in range(100):
            registry.resolve(ref)
            registry.of_message(message)
        least = min(least, (time.perf_counter() - begin) / 100)
    return least
