from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import psutil
import pytest

from crossdock.cli.connection import find
from crossdock.mesh.ports import ReservedPort
from eventually import eventually, is_gone
from tiny_project import CONTRACT, add_worker, make_project

START = 60


class Up:
    """One run of ``crossdock up``."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.http = ""
        self.process: Process | None = None

    async def start(self, *options: str) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "crossdock.cli", "up", str(self.project)),
            *("--http", "127.0.0.1:0", *options),
            stdout=PIPE,
            stderr=PIPE,
        )

    async def ready(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        line = await asyncio.wait_for(self.process.stdout.readline(), START)
        assert line.startswith(b"ready http://127.0.0.1:"), await self.finished()
        self.http = line.decode().split()[1]

    async def finished(self, seconds: float = 30) -> tuple[int | None, str, str]:
        assert self.process is not None
        out, err = await asyncio.wait_for(self.process.communicate(), seconds)
        return self.process.returncode, out.decode(), err.decode()

    def family(self) -> dict[str, int]:
        """Return the processes that it has started, by what they are."""
        assert self.process is not None
        found: dict[str, int] = {}
        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                words = child.cmdline()
            except psutil.NoSuchProcess:  # a zombie too
                continue
            if "crossdock.cli" in words:
                name = words[words.index("crossdock.cli") + 1]
                found[name + (words[-1] if "--group" in words else "")] = child.pid
            elif words and words[0].endswith("nats-server"):
                found["nats-server"] = child.pid
        return found

    async def send(self, number: int) -> dict[str, Any]:
        request = Request(  # noqa: S310 - http on loopback
            f"{self.http}/v1/messages/{CONTRACT}",
            data=json.dumps({"number": number}).encode(),
            headers={"content-type": "application/json"},
        )

        def post() -> dict[str, Any]:
            with urlopen(request, timeout=20) as answer:  # noqa: S310 - same
                result: dict[str, Any] = json.load(answer)
                return result

        return await asyncio.to_thread(post)

    def delivered(self, name: str = "book") -> list[int]:
        path = self.project / "out" / f"{name}.jsonl"
        if not path.exists():
            return []
        return [json.loads(line)["number"] for line in path.read_text().splitlines()]


@pytest.fixture
async def up(tmp_path: Path) -> AsyncIterator[Up]:
    each = Up(make_project(tmp_path / "tiny"))
    yield each
    if each.process is not None and each.process.returncode is None:
        each.process.kill()
        await each.process.communicate()


async def test_one_command_runs_a_mesh_and_sigterm_ends_it_without_a_trace(up: Up) -> None:
    await up.start()
    await up.ready()
    connection = up.project / ".crossdock" / "connection.json"
    assert stat.S_IMODE(connection.stat().st_mode) == 0o600
    found = find(up.project)
    assert found is not None
    assert found.http == up.http
    family = up.family()
    assert set(family) == {"nats-server", "gateway", "router", "workerworkers"}
    secret = found.nats.partition("@")[0]
    assert not [pid for pid in family.values() if secret in " ".join(psutil.Process(pid).cmdline())]
    await up.send(7)
    await eventually(lambda: up.delivered() == [7], seconds=20)
    assert up.process is not None
    up.process.send_signal(signal.SIGTERM)
    up.process.send_signal(signal.SIGTERM)  # as make and timeout do: still one wish, not two
    code, out, err = await up.finished()
    assert (code, out) == (0, ""), err
    assert all(is_gone(pid) for pid in family.values())
    assert not connection.exists()
    log = (up.project / ".crossdock" / "logs" / "router.log").read_text()
    assert '"event":"stopped"' in log


@pytest.mark.fault
async def test_a_service_that_was_killed_is_started_again_and_said(up: Up) -> None:
    await up.start()
    await up.ready()
    for name in ("router", "workerworkers"):
        os.kill(up.family()[name], signal.SIGKILL)
    await up.send(1)
    await eventually(lambda: up.delivered() == [1], seconds=30)
    assert up.process is not None
    up.process.send_signal(signal.SIGINT)
    code, _, err = await up.finished()
    assert code == 0
    assert "ended unexpectedly, will be restarted" in err
    assert "child=router" in err


@pytest.mark.fault
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
async def test_nothing_is_left_of_a_mesh_whose_supervisor_was_killed(up: Up) -> None:
    await up.start()
    await up.ready()
    family = up.family()
    assert up.process is not None
    up.process.kill()
    await up.process.communicate()
    await eventually(lambda: all(is_gone(pid) for pid in family.values()))
    assert find(up.project) is None  # the file is there, but its process is not
    await up.start()
    await up.ready()
    up.process.send_signal(signal.SIGTERM)
    assert (await up.finished())[0] == 0


@pytest.mark.fault
async def test_a_second_signal_does_not_wait_for_one_who_does_not_drain(up: Up) -> None:
    await up.start()
    await up.ready()
    family = up.family()
    os.kill(family["router"], signal.SIGSTOP)
    assert up.process is not None
    up.process.send_signal(signal.SIGTERM)
    await eventually(lambda: is_gone(family["gateway"]))
    await asyncio.sleep(1)  # sooner, it would be the same wish twice
    up.process.send_signal(signal.SIGTERM)
    code, _, err = await up.finished(seconds=5)
    assert code == 0, err
    assert all(is_gone(pid) for pid in family.values())


async def test_a_second_mesh_on_the_same_project_is_refused(up: Up) -> None:
    await up.start()
    await up.ready()
    second = Up(up.project)
    await second.start()
    code, out, err = await second.finished()
    assert (code, out) == (1, "")
    assert up.process is not None
    assert f"in use by process {up.process.pid}" in err
    await up.send(1)


async def test_groups_of_workers_come_and_go_with_their_files(up: Up) -> None:
    await up.start()
    await up.ready()
    archive = add_worker(up.project, "archive", "slow")
    await eventually(lambda: "workerslow" in up.family(), seconds=30)
    route = up.project / "routes" / "orders.yaml"
    before = route.read_text()
    route.write_text(before.replace("send:", "send_all:") + "  - to: archive\n")
    async with asyncio.timeout(30):
        while not up.delivered("archive"):  # those sent before the change go to the book alone
            await up.send(5)
            await asyncio.sleep(0.2)
    route.write_text(before)
    archive.unlink()
    await eventually(lambda: "workerslow" not in up.family(), seconds=30)
    assert up.process is not None
    up.process.send_signal(signal.SIGTERM)
    code, _, err = await up.finished()
    assert code == 0
    assert "unexpectedly" not in err


async def test_a_project_with_problems_is_not_started_and_each_is_told_with_its_line(
    up: Up,
) -> None:
    route = up.project / "routes" / "orders.yaml"
    route.write_text("route: orders\naccepts: shop.order.unknown@^1\nsend:\n  - to: bok\n")
    await up.start()
    code, out, err = await up.finished()
    assert (code, out) == (1, "")
    assert "routes/orders.yaml:2: " in err
    assert "routes/orders.yaml:4: " in err
    assert not (up.project / ".crossdock").exists()


async def test_an_address_that_is_taken_is_told(up: Up) -> None:
    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await up.start("--http", f"127.0.0.1:{port}")
    code, _, err = await up.finished()
    assert code == 1
    assert f"cannot listen on 127.0.0.1:{port}" in err
    server.close()
    await server.wait_closed()


def test_ports_are_given_back_after_use() -> None:
    port = ReservedPort("127.0.0.1")
    port.release()
    port.release()
