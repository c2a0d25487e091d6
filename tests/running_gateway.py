"""A real gateway on a free port, in the test's own event loop, on a real broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import msgspec
from prometheus_client import CollectorRegistry

from crossdock.contracts import Message, Subjects
from crossdock.contracts.contract import Contract
from crossdock.contracts.registry import Registry
from crossdock.gateway.app import Gateway
from crossdock.gateway.clients import Client, Clients, digest_of
from crossdock.gateway.doors import Doors
from crossdock.gateway.running import serve
from crossdock.mesh.bus import Bus
from crossdock.mesh.ops import Health
from crossdock.mesh.project.settings import BrokerSettings, GatewaySettings
from crossdock.mesh.streams import provision
from crossdock.mesh.telemetry import GatewayMetrics, Metrics, Tracing

SUBJECTS = Subjects("t")
SHOP_KEY = "cdk_shop"
HR_KEY = "cdk_hr"
BEARER = {"authorization": f"Bearer {SHOP_KEY}"}
ORDER = {"id": "o-1", "total": 12.5, "lines": [{"sku": "a", "qty": 1}]}

_ORDER_SCHEMA = {
    "type": "object",
    "required": ["id", "total"],
    "properties": {
        "id": {"type": "string"},
        "total": {"type": "number", "minimum": 0},
        "lines": {"type": "array", "items": {"properties": {"qty": {"type": "integer"}}}},
    },
}
REGISTRY = Registry(
    [
        Contract("sales.order.placed", "1.0.0", {"type": "object"}),
        Contract("sales.order.placed", "2.1.0", _ORDER_SCHEMA),
        Contract("hr.person.hired", "1.0.0", {"type": "object"}),
    ]
)
CLIENTS = Clients(
    [
        Client(name="ops", key_sha256=digest_of("cdk_ops"), allow=("*",), scopes=("test",)),
        Client(name="shop", key_sha256=digest_of(SHOP_KEY), allow=("sales.*.*",)),
        Client(
            name="hr",
            key_sha256=digest_of(HR_KEY),
            allow=("hr.person.hired",),
            sources=("/hr/*",),
            scopes=("metrics",),
        ),
        Client(
            name="gone", key_sha256=digest_of("cdk_gone"), allow=("*",), revoked="2026-01-01T00:00Z"
        ),
    ]
)


class Running(msgspec.Struct, frozen=True):
    """What a test may use of a gateway that runs."""

    gateway: Gateway
    bus: Bus
    http: httpx.AsyncClient
    url: str
    stop: asyncio.Event

    async def stored(self) -> list[Message]:
        return [Message.from_headers(each.headers, each.data) async for each in self.bus.read("in")]


def build(
    bus: Bus,
    settings: GatewaySettings,
    *,
    clients: Clients = CLIENTS,
    tracing: Tracing | None = None,
) -> Gateway:
    registry = CollectorRegistry()
    checks = {"broker": lambda: None if bus.connected else "away"}  # as the service does
    return Gateway(
        bus,
        Doors(REGISTRY, clients, SUBJECTS),
        settings,
        health=Health(registry=registry, age=lambda: 0.0, checks={**checks}),
        metrics=GatewayMetrics.of(Metrics(registry, "t", "gateway")),
        tracing=tracing or Tracing(0.0),
    )


@asynccontextmanager
async def connected(url: str, broker: BrokerSettings | None = None) -> AsyncIterator[Bus]:
    bus = await Bus.connect(url, SUBJECTS, name="test")
    await provision(bus, broker or BrokerSettings())
    try:
        yield bus
    finally:
        await bus.close()


@asynccontextmanager
async def running(
    bus: Bus, settings: GatewaySettings | None = None, *, clients: Clients = CLIENTS
) -> AsyncIterator[Running]:
    settings = settings or GatewaySettings(listen="127.0.0.1:0")
    gateway = build(bus, settings, clients=clients)
    stop = asyncio.Event()
    url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(gateway, settings, stop, url.set_result))
    try:
        async with httpx.AsyncClient(base_url=await url, timeout=20) as http:
            yield Running(gateway, bus, http, url.result(), stop)
    finally:
        stop.set()
        await serving
