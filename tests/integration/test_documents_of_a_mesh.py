"""A mesh that runs tells what it is, also after its files changed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from eventually import eventually
from tiny_project import CONTRACT, add_worker, make_project
from up_process import Up


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[Up]:
    each = Up(make_project(tmp_path / "tiny"))
    yield each
    if each.process is not None and each.process.returncode is None:
        each.process.kill()
        await each.process.communicate()


def _text(up: Up, path: str) -> str:
    return httpx.get(f"{up.http}{path}", timeout=20).raise_for_status().text


def _got(up: Up, path: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_text(up, path))
    return found


async def test_documents_follow_the_project(up: Up) -> None:
    examples = up.project / "contracts" / "shop" / "order.placed" / "examples"
    examples.mkdir()
    (examples / "seven.json").write_text('{"number": 7}')
    await up.start()
    await up.ready()
    operation = _got(up, "/openapi.json")["paths"][f"/v1/messages/{CONTRACT}"]["post"]
    content = operation["requestBody"]["content"]["application/json"]
    assert content["examples"]["seven"]["value"] == {"number": 7}
    mesh = _got(up, "/asyncapi.json")
    assert set(mesh["channels"]) == {
        f"in.{CONTRACT}",
        "out.book",
        "dead.orders",
        "dead.book",
    }
    assert f"route.orders.receive.{CONTRACT}" in mesh["operations"]
    assert CONTRACT in _text(up, "/docs")

    add_worker(up.project, "ledger", "workers")
    schema = {"type": "object", "title": "Another", "required": ["number"]}
    newer = examples.parent / "1.1.0.schema.json"
    newer.write_text(json.dumps({**schema, "properties": {"number": {"type": "integer"}}}))
    await eventually(
        lambda: "worker.ledger.receive" in _got(up, "/asyncapi.json")["operations"], seconds=20
    )
    entry = _got(up, f"/v1/contracts/{CONTRACT}")
    assert entry["title"] == "Another"
    assert [each["version"] for each in entry["versions"]] == ["1.0.0", "1.1.0"]
