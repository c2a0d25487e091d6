"""The example as a newcomer meets it: the demo in small, and `make up`."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import signal
import sqlite3
import sys
from asyncio.subprocess import PIPE, STDOUT, Process
from contextlib import closing
from pathlib import Path
from urllib.request import Request, urlopen

import psutil
import pytest

from crossdock.mesh.ports import ReservedPort
from eventually import eventually, is_gone

EXAMPLE = Path(__file__).parents[2] / "examples" / "operations"
SMALL = ("--orders", "600", "--employees", "200", "--readings", "300")
MEBIBYTE = 1024**2


async def start(script: Path, *options: str, tmp: Path) -> Process:
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", str(script), *options),
        stdout=PIPE,
        stderr=STDOUT,
        env={**os.environ, "TMPDIR": str(tmp)},
    )


async def until(process: Process, text: str, seconds: float = 60) -> str:
    """Read what it prints up to the line that holds a text."""
    assert process.stdout is not None
    read = ""
    async with asyncio.timeout(seconds):
        while text not in read:
            line = await process.stdout.readline()
            assert line, f"it ended without saying {text!r}:\n{read}"
            read += line.decode()
    return read


def family(process: Process) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


async def test_the_demo_balances_and_leaves_nothing_behind(tmp_path: Path) -> None:
    process = await start(EXAMPLE / "demo.py", *SMALL, tmp=tmp_path)
    await until(process, "ready http://127.0.0.1:")
    processes = family(process)
    assert len(processes) == 6, [each.cmdline() for each in processes]
    memory = sum(
        each.memory_info().rss for each in processes if "crm.py" not in str(each.cmdline())
    )
    assert memory < 400 * MEBIBYTE
    out, _ = await asyncio.wait_for(process.communicate(), 90)
    said = out.decode()
    assert process.returncode == 0, said
    assert "none missing" in said
    assert "NOT BALANCED" not in said
    assert "employees.csv:84" in said
    assert "1 sent again, 0 not" in said
    assert all(is_gone(each.pid) for each in processes)
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - a plain look


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_demo_that_is_stopped_leaves_nothing_behind(
    number: signal.Signals, tmp_path: Path
) -> None:
    process = await start(EXAMPLE / "demo.py", tmp=tmp_path)
    await until(process, "put into data/hr")
    processes = family(process)
    process.send_signal(number)
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 130, out.decode()
    assert "nothing is left running" in out.decode()
    assert "Traceback" not in out.decode()
    assert "never retrieved" not in out.decode()
    assert all(is_gone(each.pid) for each in processes)
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - a plain look


@pytest.mark.fault
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
async def test_nothing_is_left_of_a_demo_that_was_killed(tmp_path: Path) -> None:
    process = await start(EXAMPLE / "demo.py", tmp=tmp_path)
    await until(process, "ready http://")
    processes = family(process)
    process.kill()
    await process.communicate()
    await eventually(lambda: all(is_gone(each.pid) for each in processes), seconds=20)


async def test_a_demo_whose_mesh_ends_says_so_and_fails(tmp_path: Path) -> None:
    process = await start(EXAMPLE / "demo.py", tmp=tmp_path)
    await until(process, "put into data/hr")
    processes = family(process)
    supervisor = next(each for each in processes if "running_up" in str(each.cmdline()))
    supervisor.kill()
    out, _ = await asyncio.wait_for(process.communicate(), 100)
    assert process.returncode == 1, out.decode()
    assert "failed:" in out.decode()
    assert "Traceback" not in out.decode()
    assert "never retrieved" not in out.decode()
    assert all(is_gone(each.pid) for each in processes)


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The example somewhere else, on ports that are free now."""
    folder = tmp_path / "operations"
    ignored = shutil.ignore_patterns("data", ".crossdock", "clients.yaml", "__pycache__")
    shutil.copytree(EXAMPLE, folder, ignore=ignored)
    ports = [ReservedPort("127.0.0.1") for _ in range(2)]
    for file in (*folder.rglob("*.yaml"), *folder.rglob("*.py")):
        text = file.read_text()
        for usual, port in zip(("18099", "18830"), ports, strict=True):
            text = text.replace(usual, str(port.port))
        file.write_text(text)
    for port in ports:
        port.release()
    return folder


async def test_make_up_tells_a_request_that_works_while_it_runs(
    example: Path, tmp_path: Path
) -> None:
    process = await start(example / "up.py", "--http", "127.0.0.1:0", tmp=tmp_path)
    said = await until(process, "ready http://")
    url = said.split()[-1]
    key = re.search(r"Bearer (\S+)'", said)
    order = re.search(r"-d @(\S+)", said)
    assert key is not None
    assert order is not None
    request = Request(  # noqa: S310 - http on loopback
        f"{url}/v1/messages/sales.order.placed",
        data=await asyncio.to_thread(Path(order[1]).read_bytes),
        headers={"authorization": f"Bearer {key[1]}", "content-type": "application/json"},
    )

    def post() -> int:
        with urlopen(request, timeout=20) as answer:  # noqa: S310 - same
            assert json.load(answer)["id"]
            return int(answer.status)

    assert await asyncio.to_thread(post) == 202

    def invoices() -> list[tuple[str, float]]:
        with closing(sqlite3.connect(example / "data" / "billing.db")) as database:
            return database.execute('SELECT "order", amount FROM invoices_eu').fetchall()

    await eventually(lambda: invoices() == [("A-1001", 39.8)], seconds=20)
    processes = family(process)
    process.send_signal(signal.SIGINT)
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode == 0, out.decode()
    assert all(is_gone(each.pid) for each in processes)
    assert "revoked" in (example / "clients.yaml").read_text()
