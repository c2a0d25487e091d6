"""The endpoint for operators, asked over real HTTP."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from crossdock.contracts import Halt
from crossdock.mesh.ops import Check, Health, OpsServer
from crossdock.mesh.telemetry import Metrics, RouteMetrics


class Service:
    """A service whose health the test sets."""

    def __init__(self) -> None:
        self.broker: str | None = None
        self.loop_age = 0.0
        registry = CollectorRegistry()
        self.metrics = Metrics(registry, "demo", "router")
        checks: dict[str, Check] = {"broker": lambda: self.broker, "routes": lambda: None}
        self.health = Health(registry=registry, age=lambda: self.loop_age, checks=checks)
        self.server = OpsServer(self.health)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    service = Service()
    await service.server.start()
    yield service
    await service.server.stop()


@pytest.fixture
async def client(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=service.server.url) as client:
        yield client


async def test_it_takes_a_free_port_on_loopback(service: Service) -> None:
    host, _, port = service.server.url.removeprefix("http://").rpartition(":")

    assert host == "127.0.0.1"
    assert int(port) > 0


async def test_a_running_loop_is_alive(client: httpx.AsyncClient) -> None:
    answer = await client.get("/livez")

    assert (answer.status_code, answer.json()) == (200, {"alive": True, "age": 0.0})


async def test_a_stale_loop_is_not_alive(service: Service, client: httpx.AsyncClient) -> None:
    service.loop_age = 31.0

    answer = await client.get("/livez")

    assert (answer.status_code, answer.json()) == (503, {"alive": False, "age": 31.0})


async def test_ready_when_every_check_is_fine(client: httpx.AsyncClient) -> None:
    answer = await client.get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "checks": {"broker": "ok", "routes": "ok"}}


async def test_not_ready_says_which_check_and_why(
    service: Service, client: httpx.AsyncClient
) -> None:
    service.broker = "no connection to nats://user:hunter2@host"

    answer = await client.get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {
        "ready": False,
        "checks": {"broker": "no connection to nats://***@host", "routes": "ok"},
    }


async def test_metrics_are_in_the_format_of_prometheus(
    service: Service, client: httpx.AsyncClient
) -> None:
    RouteMetrics.of(service.metrics, "orders").taken.inc(3)

    answer = await client.get("/metrics")

    samples = [s for f in text_string_to_metric_families(answer.text) for s in f.samples]
    taken = [s.value for s in samples if s.name == "crossdock_route_in_messages_total"]
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert taken == [3.0]


async def test_nothing_can_be_changed_through_it(client: httpx.AsyncClient) -> None:
    for path in ("/livez", "/readyz", "/metrics"):
        assert (await client.post(path)).status_code == 405
    assert (await client.get("/")).status_code == 404


async def test_it_leaves_the_signals_to_the_service() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    service = Service()
    await service.server.start()
    async with httpx.AsyncClient(base_url=service.server.url) as client:
        await client.get("/livez")  # now the server runs for sure
    during = [signal.getsignal(number) for number in numbers]
    await service.server.stop()

    assert during == before


async def test_stopping_twice_or_without_a_start_is_safe() -> None:
    service = Service()

    await service.server.stop()
    await service.server.start()
    await service.server.stop()
    await service.server.stop()


@pytest.mark.parametrize("listen", ["", "8080", "host", ":8080", "127.0.0.1:x", "127.0.0.1:70000"])
async def test_what_is_no_address_is_refused_with_what_to_write(listen: str) -> None:
    with pytest.raises(Halt, match="write HOST:PORT"):
        await OpsServer(Service().health, listen).start()


async def test_an_address_in_use_is_said_so(service: Service) -> None:
    taken = service.server.url.removeprefix("http://")

    with pytest.raises(Halt, match=f"cannot listen on {taken}: Address already in use"):
        await OpsServer(Service().health, taken).start()
