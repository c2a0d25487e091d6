from __future__ import annotations

import asyncio
import http.client
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest

from crossdock.mesh.ports import ReservedPort
from crossdock.mesh.service import FAILED, HALTED, STOPPED
from nats_server import NatsServer

PROGRAM = Path(__file__).parent.parent / "programs" / "tiny_service.py"


class Tiny:
    """One service process."""

    def __init__(self) -> None:
        self.ops = ReservedPort("127.0.0.1")

    async def start(self, mode: str, url: str) -> Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, str(PROGRAM), mode, url, str(self.ops), stdout=PIPE, stderr=PIPE
        )

    def status(self, path: str) -> int:
        connection = http.client.HTTPConnection(self.ops.host, self.ops.port, timeout=2)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    async def until(self, path: str, status: int) -> None:
        async with asyncio.timeout(20):
            while await asyncio.to_thread(self.status, path) != status:
                await asyncio.sleep(0.02)


async def finished(process: Process) -> tuple[int | None, str, str]:
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, out.decode(), err.decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_service_drains_while_it_is_still_connected_and_exits_0(
    nats_server: NatsServer, number: signal.Signals
) -> None:
    tiny = Tiny()
    process = await tiny.start("run", nats_server.url)
    await tiny.until("/readyz", 200)
    process.send_signal(number)
    code, out, err = await finished(process)
    assert (code, out) == (STOPPED, "drained, connected=True\n"), err
    tiny.ops.release()


async def test_a_service_waits_for_its_broker_alive_and_not_ready(nats_server: NatsServer) -> None:
    url = nats_server.url
    nats_server.kill()
    tiny = Tiny()
    process = await tiny.start("run", url)
    await tiny.until("/livez", 200)
    assert await asyncio.to_thread(tiny.status, "/readyz") == 503
    nats_server.start()
    await tiny.until("/readyz", 200)
    nats_server.kill()
    await tiny.until("/readyz", 503)
    process.terminate()
    code, _, err = await finished(process)
    assert code == STOPPED, err
    tiny.ops.release()


async def test_a_service_that_still_waits_for_its_broker_can_be_stopped() -> None:
    tiny = Tiny()
    process = await tiny.start("run", "nats://127.0.0.1:1")
    await tiny.until("/readyz", 503)
    process.terminate()
    code, out, err = await finished(process)
    assert (code, out) == (STOPPED, ""), err
    tiny.ops.release()


@pytest.mark.parametrize(
    ("mode", "code", "said"),
    [("halt", HALTED, "there is nothing to do"), ("fail", FAILED, "failed")],
)
async def test_halt_and_failure_have_exit_codes_of_their_own_and_tell_no_payload(
    nats_server: NatsServer, mode: str, code: int, said: str
) -> None:
    tiny = Tiny()
    result, out, err = await finished(await tiny.start(mode, nats_server.url))
    assert (result, out) == (code, "")
    assert said in err
    assert "a payload" not in err  # I6
    tiny.ops.release()


async def test_work_that_does_not_drain_is_cut_off(nats_server: NatsServer) -> None:
    tiny = Tiny()
    process = await tiny.start("stuck", nats_server.url)
    await tiny.until("/readyz", 200)
    process.terminate()
    code, out, err = await finished(process)
    assert (code, out) == (STOPPED, "")
    assert "did not drain" in err
    tiny.ops.release()
