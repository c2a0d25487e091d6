"""Request-Reply while gateways, routers and workers are killed: every request is answered once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec
import pytest
from starlette.responses import JSONResponse, Response

from asking_project import ASK, SUBJECTS, asking_project, until
from crossdock.contracts import Message
from crossdock.contracts.replying import return_address
from crossdock.mesh import dead_letters
from crossdock.mesh.bus import Bus
from crossdock.mesh.ports import ReservedPort
from faults.processes import ServiceProcess
from http_peer import Call, HttpPeer
from nats_server import NatsServer
from running_router import connected

POINTS = (
    ("worker", "answered"),
    ("worker", "delivered"),
    ("router", "published"),
    ("router", "recorded"),
)
_CALLER = "anonymous"


@pytest.fixture
def bureau() -> Iterator[HttpPeer]:
    peer = HttpPeer(_echo)
    peer.start()
    yield peer
    peer.stop()


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await connected(nats_server.url)
    yield bus
    await bus.close()


class _Mesh:
    """Two gateways, a router and a worker, each a process."""

    def __init__(self, folder: Path, url: str, logs: Path) -> None:
        self.ports = [ReservedPort("127.0.0.1") for _ in range(2)]
        place = ("--project", str(folder), "--nats", url)
        self.gateways = [
            ServiceProcess(f"gateway{at}", ("gateway", "--listen", str(port), *place), logs)
            for at, port in enumerate(self.ports)
        ]
        self.router = ServiceProcess("router", ("router", *place), logs)
        self.worker = ServiceProcess("worker", ("worker", *place), logs)

    @property
    def services(self) -> list[ServiceProcess]:
        return [*self.gateways, self.router, self.worker]

    def url(self, gateway: int) -> str:
        return f"http://{self.ports[gateway]}"


@asynccontextmanager
async def _running(folder: Path, url: str, logs: Path) -> AsyncIterator[_Mesh]:
    mesh = _Mesh(folder, url, logs)
    try:
        for each in mesh.services:
            await each.start()
        for each in mesh.services:
            await each.ready(60)
        yield mesh
    finally:
        for each in mesh.services:
            await each.close()
        for port in mesh.ports:
            port.release()


@pytest.mark.fault
async def test_i2_i4_a_reply_is_there_whatever_is_killed_on_its_way(
    bus: Bus, nats_server: NatsServer, bureau: HttpPeer, tmp_path: Path
) -> None:
    folder = asking_project(
        tmp_path / "project", bureau.url, mesh="gateway: {anonymous: true, max_wait: 60s}\n"
    )
    async with _running(folder, nats_server.url, tmp_path) as mesh:
        for at, (service, point) in enumerate(POINTS):
            victim = mesh.worker if service == "worker" else mesh.router
            await victim.kill()
            await victim.start(point)
            asking = asyncio.create_task(_ask(mesh.url(at % 2), f"k{at}", "wait=60"))
            assert await victim.ended(60) == 137, f"{service} never came to {point}"
            await victim.start()
            response = await asking
            assert response.status_code == 200, response.text
            assert response.json() == {"customer": f"k{at}", "score": 7}
        await _a_killed_gateway_loses_no_reply(mesh, bus)
    assert [each.cause.reason async for each in dead_letters.listing(bus)] == []
    # Asked again after a kill, with the same key: one effect each, and one answer each.
    assert len(bureau.effects) == len(POINTS) + 1
    answers = [each async for each in bus.read("in", subject=SUBJECTS.incoming(_ANSWERED))]
    asked = Counter(msgspec.json.decode(each.data)["customer"] for each in answers)
    assert asked == dict.fromkeys(asked, 1)


async def _a_killed_gateway_loses_no_reply(mesh: _Mesh, bus: Bus) -> None:
    """The one that holds the caller is killed; another one, and itself later, have the reply."""
    await mesh.worker.kill()
    before = await _requests(bus)
    asking = asyncio.create_task(_ask(mesh.url(0), "last", "wait=60"))
    await until(lambda: _more_requests(bus, before))
    await mesh.gateways[0].kill()
    with pytest.raises(httpx.TransportError):
        await asking
    await mesh.worker.start()
    where = f"/v1/messages/{await _last_id(bus)}/reply"
    async with httpx.AsyncClient(timeout=90) as http:
        other = await http.get(mesh.url(1) + where, headers={"prefer": "wait=60"})
        assert other.json() == {"customer": "last", "score": 7}
        await mesh.gateways[0].start()
        await mesh.gateways[0].ready(60)
        same = await http.get(mesh.url(0) + where)
    assert same.json() == other.json()
    again = await _ask(mesh.url(0), "last", "wait=60")  # a retry of the caller: the same reply
    assert again.json() == other.json()
    assert again.headers["ce-id"] == other.headers["ce-id"]


_ANSWERED = "credit.check.answered"


def _echo(_: Call) -> Response:
    return JSONResponse({"score": 7})


async def _ask(url: str, key: str, prefer: str) -> httpx.Response:
    headers = {"prefer": prefer, "idempotency-key": key}
    async with httpx.AsyncClient(timeout=90) as http:
        body = {"customer": key, "amount": 1}
        return await http.post(url + ASK, json=body, headers=headers)


async def _requests(bus: Bus) -> list[Message]:
    subject = SUBJECTS.incoming("credit.check.requested")
    return [
        Message.from_headers(each.headers, each.data)
        async for each in bus.read("in", subject=subject)
    ]


async def _more_requests(bus: Bus, before: list[Message]) -> bool:
    return len(await _requests(bus)) > len(before)


async def _last_id(bus: Bus) -> str:
    last = (await _requests(bus))[-1]
    assert last.extensions["replyto"] == return_address(f"/t/gateway/{_CALLER}", last.id)
    return last.id
