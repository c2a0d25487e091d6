from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import msgspec
import pytest

from crossdock.contracts import Subjects
from crossdock.mesh.bus import Bus
from crossdock.mesh.registry.revision import Note, digest_of, following
from crossdock.mesh.registry.running import who_runs
from crossdock.mesh.registry.store import RevisionStore
from eventually import eventually
from faults.processes import ServiceProcess
from nats_server import NatsServer
from registry_mesh import BROKEN_ROUTE, RegistryMesh

ROUTE = "routes/orders.yaml"


@pytest.fixture
async def mesh(tmp_path: Path, nats_server: NatsServer) -> AsyncIterator[RegistryMesh]:
    each = RegistryMesh(tmp_path, nats_server.url)
    yield each
    await each.close()


async def write_directly(url: str, path: str, text: str) -> int:
    """Make a revision as no command would let anybody."""
    bus = await Bus.connect(url, Subjects("tiny"), name="hand")
    store = RevisionStore(bus)
    head = await store.head()
    content = text.encode()
    files = await store.files(head.revision) | {path: digest_of(content)}
    note = Note(author="mallory", reason="by hand")
    done = await store.add(head, files, {digest_of(content): content}, note)
    await bus.close()
    return done.number


async def probe(service: ServiceProcess, path: str) -> httpx.Response:
    async with httpx.AsyncClient() as http:
        return await http.get(f"http://{service._ops}{path}")


async def test_a_change_that_is_applied_takes_effect_in_running_services(
    mesh: RegistryMesh,
) -> None:
    await mesh.apply("the first")
    router, *_ = await mesh.start("router", "worker", "gateway")
    await mesh.send(1)
    await eventually(lambda: mesh.delivered() == [1], seconds=30)
    mesh.edit(ROUTE, "send:", "where: number > 10\nsend:")
    said = await mesh.say("apply", "--yes", "--reason", "only large ones")
    assert said.code == 0, said.err
    assert "+where: number > 10" in said.out
    assert "3 of 3 services run it" in said.out
    await mesh.send(2)
    await mesh.send(30)
    await eventually(lambda: mesh.delivered() == [1, 30], seconds=30)
    ready = await probe(router, "/readyz")
    assert (ready.status_code, ready.json()["revision"]) == (200, 2)
    metrics = (await probe(router, "/metrics")).text
    labels = 'component="router",mesh="tiny",service="router"'
    assert f"crossdock_project_revision{{{labels}}} 2.0" in metrics


async def test_a_service_waits_alive_for_the_first_revision_and_stops_when_asked(
    mesh: RegistryMesh,
) -> None:
    waiting, asked = mesh.service("router"), mesh.service("worker")
    await waiting.start()
    await asked.start()
    for each in (waiting, asked):
        async with httpx.AsyncClient(transport=httpx.AsyncHTTPTransport(retries=30)) as http:
            alive = await http.get(f"http://{each._ops}/livez", timeout=20)
            ready = await http.get(f"http://{each._ops}/readyz")
        assert (alive.status_code, ready.status_code) == (200, 503)
        assert ready.json()["checks"] == {"registry": "waits for the first revision"}
    assert await asked.stop() == 0
    await mesh.apply()
    await waiting.ready(60)


async def test_a_bad_revision_changes_nothing_and_everybody_can_see_it(mesh: RegistryMesh) -> None:
    await mesh.apply("the first")
    router, *_ = await mesh.start("router", "worker", "gateway")
    number = await write_directly(mesh.url, ROUTE, BROKEN_ROUTE)
    bus = await Bus.connect(mesh.url, Subjects("tiny"), name="test")
    services = await who_runs(bus)
    while {each.newest for each in services} != {number}:
        services = await who_runs(bus)
    await bus.close()
    assert {each.revision for each in services} == {1}
    assert all("nowhere" in each.reason for each in services)
    ready = await probe(router, "/readyz")
    assert (ready.status_code, ready.json()["revision"], ready.json()["problems"]) == (200, 1, 1)
    assert "crossdock_project_problems" in (await probe(router, "/metrics")).text
    assert "no worker consumes 'nowhere'" in mesh.logged("router")
    await mesh.send(1)
    await eventually(lambda: mesh.delivered() == [1], seconds=30)
    said = await mesh.say("plan")
    assert "runs revision 1, not 2: the project cannot be used" in " ".join(said.out.split())
    # A process that starts now begins with the newest revision that it can use.
    again = mesh.service("router")
    await again.start()
    await again.ready(60)
    assert (await probe(again, "/readyz")).json()["revision"] == 1
    # And all go on with the next good one.
    await mesh.apply("repaired")
    assert (await probe(again, "/readyz")).json() | {"checks": {}} == {
        "ready": True,
        "checks": {},
        "revision": 3,
        "problems": 0,
    }


async def test_services_follow_on_when_the_broker_was_away(
    mesh: RegistryMesh, nats_server: NatsServer
) -> None:
    await mesh.apply("the first")
    (router,) = await mesh.start("router")
    nats_server.kill()
    nats_server.start()
    mesh.edit(ROUTE, "send:", "description: later\nsend:")
    said = await mesh.say("apply", "--yes", "--reason", "after the restart", "--json")
    assert said.code == 0, said.err
    services = json.loads(said.out)["services"]
    assert [each["revision"] for each in services] in ([2], [])  # it may not be back yet
    async with httpx.AsyncClient() as http:
        while (await http.get(f"http://{router._ops}/readyz")).json()["revision"] != 2:
            pass
    assert [each["number"] for each in await history(mesh)] == [2, 1]


async def history(mesh: RegistryMesh) -> list[dict[str, object]]:
    said = await mesh.say("history", "--json")
    assert said.code == 0, said.err
    return [json.loads(line) for line in said.out.splitlines()]


async def test_a_revision_whose_content_is_gone_is_told_and_changes_nothing(
    mesh: RegistryMesh,
) -> None:
    await mesh.apply("the first")
    (router,) = await mesh.start("router")
    bus = await Bus.connect(mesh.url, Subjects("tiny"), name="hand")
    store = RevisionStore(bus)
    head = await store.head()
    lost = "0" * 64
    note = Note(author="mallory", reason="by hand")
    revision = following(head.revision, note, {"mesh.yaml": lost}, 1)
    await bus.bucket("registry").put("head", msgspec.json.encode(revision))
    services = await who_runs(bus)
    while [each.newest for each in services] != [2]:
        services = await who_runs(bus)
    await bus.close()
    assert services[0].revision == 1
    assert "the registry does not hold content" in services[0].reason
    assert (await probe(router, "/readyz")).status_code == 200
