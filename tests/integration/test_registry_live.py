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
from crossdock.mesh.registry.running import Instance, who_runs
from crossdock.mesh.registry.store import RevisionStore
from eventually import eventually
from faults.processes import ServiceProcess
from nats_server import NatsServer
from registry_mesh import BROKEN_ROUTE, RegistryMesh
from tiny_project import CONTRACT

ROUTE = "routes/orders.yaml"
STEP = f"""
from crossdock.router.python_steps import step


@step(accepts="{CONTRACT}@^1", emits="{CONTRACT}@^1")
def more(data):
    return {{"number": data["number"] + 100}}
"""


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


async def until_looked_at(url: str, number: int) -> list[Instance]:
    bus = await Bus.connect(url, Subjects("tiny"), name="test")
    try:
        while True:
            services = await who_runs(bus)
            if services and {each.newest for each in services} == {number}:
                return services
    finally:
        await bus.close()


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


async def test_a_python_step_is_applied_with_the_rest_and_followed(mesh: RegistryMesh) -> None:
    await mesh.apply("the first")
    await mesh.start("router", "worker", "gateway")
    (mesh.project / "steps").mkdir()
    (mesh.project / "steps" / "more.py").write_text(STEP)
    mesh.edit(ROUTE, "send:", "steps:\n  - python: more\nsend:")
    await mesh.apply("with a step")
    await mesh.send(1)
    await eventually(lambda: mesh.delivered() == [101], seconds=60)


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
    router, _, _ = await mesh.start("router", "worker", "gateway")
    await write_directly(mesh.url, ROUTE, "route: [")
    number = await write_directly(mesh.url, ROUTE, BROKEN_ROUTE)
    services = await until_looked_at(mesh.url, number)
    assert {each.revision for each in services} == {1}
    assert all("nowhere" in each.reason for each in services)
    ready = await probe(router, "/readyz")
    assert (ready.status_code, ready.json()["revision"], ready.json()["problems"]) == (200, 1, 1)
    assert "crossdock_project_problems" in (await probe(router, "/metrics")).text
    assert "no worker consumes 'nowhere'" in mesh.logged("router")
    said = await mesh.say("plan")
    assert "runs revision 1, not 3: the project cannot be used" in said.out
    await mesh.send(1)
    await eventually(lambda: mesh.delivered() == [1], seconds=60)
    async with httpx.AsyncClient(timeout=30) as http:  # made of files when it is first asked for
        described = await http.get(f"{mesh.http}/asyncapi.json")
    assert described.status_code == 200
    assert "tiny.out.book" in described.text


async def test_who_starts_while_the_newest_revision_is_bad_runs_the_one_before(
    mesh: RegistryMesh,
) -> None:
    await mesh.apply("the first")
    number = await write_directly(mesh.url, ROUTE, BROKEN_ROUTE)
    (router,) = await mesh.start("router")
    (told,) = await until_looked_at(mesh.url, number)
    assert (told.revision, told.problems) == (1, 1)
    assert (await probe(router, "/readyz")).json()["revision"] == 1
    await mesh.apply("repaired")
    ready = (await probe(router, "/readyz")).json()
    assert (ready["revision"], ready["problems"]) == (3, 0)


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
    await bus.close()
    services = await until_looked_at(mesh.url, 2)
    assert services[0].revision == 1
    assert "the registry does not hold content" in services[0].reason
    assert (await probe(router, "/readyz")).status_code == 200
