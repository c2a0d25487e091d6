from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

from crossdock.cli.connection import find
from crossdock.mesh.ports import ReservedPort
from eventually import eventually, is_gone
from tiny_project import add_worker, make_project
from up_process import Up


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


async def test_a_change_that_fits_in_parts_and_not_as_a_whole_changes_nothing(up: Up) -> None:
    await up.start()
    await up.ready()
    logs = up.project / ".crossdock" / "logs"
    route = (up.project / "routes" / "orders.yaml").read_text()
    # Good for the router; but a worker has that name, and a dead letter could be either's.
    (up.project / "routes" / "book.yaml").write_text(route.replace("orders", "book"))
    await eventually(lambda: "change not applied" in (logs / "router.log").read_text(), seconds=40)
    await up.send(6)
    await up.send(7)
    await eventually(lambda: 7 in up.delivered(), seconds=20)
    assert up.delivered() == [6, 7]


async def test_a_secret_that_is_not_set_is_told_in_one_line(up: Up) -> None:
    (up.project / "mesh.yaml").write_text(
        "mesh: tiny\nbroker:\n  mqtt:\n    listen: 127.0.0.1:0\n    user: m\n"
        "    password: ${env:NOWHERE_SET}\n    subjects: [m.>]\n"
    )
    await up.start()
    code, out, err = await up.finished()
    assert (code, out) == (1, "")
    assert "NOWHERE_SET is not set" in err
    assert "Traceback" not in err
