"""``crossdock probe`` on a whole mesh: what comes out where, how long it took, what is wrong."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from project_folder import write, write_contract
from up_process import Up

ROUTE = """route: orders
accepts: sales.order.placed
send_all:
  - {when: total > 0, to: book}
  - {when: total > 8, to: copy}
"""
SCHEMA = {
    "type": "object",
    "required": ["total"],
    "properties": {"total": {"type": "integer", "minimum": 1, "maximum": 9}},
}


@pytest.fixture
async def mesh(tmp_path: Path) -> AsyncIterator[Up]:
    write(tmp_path, "mesh.yaml", "mesh: t\ngateway: {anonymous: true}\n")
    write_contract(tmp_path, "sales.order.placed", SCHEMA)
    write_contract(tmp_path, "sales.order.lost", SCHEMA)
    write(tmp_path, "routes/orders.yaml", ROUTE)
    lost = "route: lost\naccepts: sales.order.lost\nsend: [{to: broken}]\n"
    write(tmp_path, "routes/lost.yaml", lost)
    for name in ("book", "copy", "broken"):
        settings = f"settings: {{path: {name}.jsonl, format: jsonl}}\n"
        more = "map: \"{'n': total.x + 'text'}\"\n" if name == "broken" else ""
        write(
            tmp_path, f"workers/{name}.yaml", f"worker: {name}\nadapter: file-out\n{settings}{more}"
        )
    up = Up(tmp_path)
    await up.start()
    try:
        await up.ready()
        yield up
    finally:
        assert up.process is not None
        if up.process.returncode is None:
            up.process.terminate()
        await up.finished()


async def probe(mesh: Up, *words: str) -> tuple[int | None, Any, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "crossdock.cli", "probe", *words),
        *("--project", str(mesh.project), "--json", "--timeout", "60"),
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, "COLUMNS": "200"},
    )
    out, err = await asyncio.wait_for(process.communicate(), 120)
    return process.returncode, json.loads(out) if out else None, err.decode()


async def test_a_probe_is_followed_over_all_hops_and_no_system_gets_it(mesh: Up) -> None:
    code, found, err = await probe(mesh, "sales.order.placed", "--expect", "book")
    assert code == 0, err
    assert (found["ok"], found["problems"]) == (True, [])
    assert [(each["hop"], each["outcome"]) for each in found["hops"]] == [
        ("route orders", "routed"),
        ("destination book", "tested"),
    ]
    assert all(0 <= each["after"] <= found["seconds"] for each in found["hops"])
    book = mesh.project / "book.jsonl"
    assert not book.exists() or not book.read_text()

    code, found, _ = await probe(mesh, "sales.order.placed", "--expect", "copy")
    assert code == 1
    assert found["problems"] == [
        "did not get to copy",
        "got to book, which was not expected",
    ]


async def test_a_probe_that_dies_or_is_refused_says_where_and_why(mesh: Up) -> None:
    code, found, _ = await probe(mesh, "sales.order.lost")
    assert (code, found["ok"]) == (1, False)
    assert found["problems"][0].startswith("destination broken: a dead letter: ")
    data = mesh.project / "wrong.json"
    data.write_text('{"total": "many"}')
    code, found, err = await probe(mesh, "sales.order.placed", str(data))
    assert (code, found) == (1, None)
    assert "/total" in err
    code, _, err = await probe(mesh, "sales.order.gone")
    assert code == 1
    assert "no contract 'sales.order.gone'" in err
