"""The example's API does what its page says."""

from __future__ import annotations

import json
from pathlib import Path

from crossdock.gateway.api import load_apis
from crossdock.mesh.project.contract_files import load_contracts

PROJECT = Path(__file__).parents[2] / "examples" / "operations"


def test_an_order_of_the_marketplace_becomes_one_of_ours() -> None:
    registry = load_contracts(PROJECT)
    (api,) = load_apis(PROJECT, registry)
    body = {
        "reference": "77",
        "buyer": {"first": "Ada", "last": "Lovelace", "mail": "ada@example.org"},
        "items": [{"article": "lamp", "count": 2, "cents": 1990}],
    }
    path = {"path": {"country": "de"}, "query": {}}
    data, identity = api.data(json.dumps(body).encode(), path)
    (contract,) = (each for each in registry if each.name == "sales.order.placed")
    value, problems = contract.decode(data)
    assert not problems
    assert value["total"] == 39.8
    assert value["customer"]["country"] == "DE"
    assert identity == "77"
