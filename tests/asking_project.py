"""A project in which a caller asks about credit, and a bureau behind HTTP answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import msgspec
from prometheus_client import CollectorRegistry
from starlette.responses import JSONResponse, Response

from crossdock.cli.why_hops import Hop
from crossdock.contracts import Message, Subjects
from crossdock.gateway.clients import Client, Clients, digest_of
from crossdock.gateway.loading import load_gateway
from crossdock.mesh import dead_letters
from crossdock.mesh.bus import Bus
from crossdock.mesh.project.settings import GatewaySettings
from crossdock.mesh.telemetry import Metrics, configure_tracing
from crossdock.mesh.trail import Trail, follow
from crossdock.workers.loading import load_workers
from crossdock.workers.running import Workers
from http_peer import Call
from project_folder import write, write_contract
from running_gateway import Running, running

SUBJECTS = Subjects("t")
ASKED = "credit.check.requested"
ANSWERED = "credit.check.answered"
ASK = f"/v1/messages/{ASKED}"
QUESTION = {"customer": "c-1", "amount": 100}
SHOP = {"authorization": "Bearer cdk_shop"}
OTHER = {"authorization": "Bearer cdk_other"}
CLIENTS = Clients(
    [
        Client(name="shop", key_sha256=digest_of("cdk_shop"), allow=("credit.*.*",)),
        Client(name="other", key_sha256=digest_of("cdk_other"), allow=("credit.*.*",)),
    ]
)

_ASK = """
route: ask
accepts: credit.check.requested@^1
on_failure: quick
send:
  - to: bureau
"""
_GIVE_BACK = """
route: give-back
accepts: credit.check.answered@^1
send:
  - to: reply
"""
_BUREAU = """
worker: bureau
adapter: http-out
settings: {{url: {url}}}
on_failure: quick
reply:
  as: credit.check.answered@^1
  map: "{{'customer': $request.customer, 'score': score}}"
  max: 1KiB
"""
_API = """
api: credit
path: /credit/{customer}
publishes: credit.check.requested@^1
map: "{'customer': path.customer, 'amount': body.amount}"
reply: {contract: credit.check.answered@^1, timeout: 20s}
"""


def asking_project(folder: Path, url: str, *, mesh: str = "") -> Path:
    """Write the project; the bureau is at the URL."""
    policy = "policies: {quick: {attempts: 3, delays: [50ms], breaker_pause: 100ms}}\n"
    write(folder, "mesh.yaml", f"mesh: t\n{policy}{mesh}")
    write_contract(
        folder,
        ASKED,
        {
            "type": "object",
            "required": ["customer", "amount"],
            "properties": {"customer": {"type": "string"}, "amount": {"type": "number"}},
        },
    )
    write_contract(
        folder,
        ANSWERED,
        {
            "type": "object",
            "required": ["customer", "score"],
            "properties": {"customer": {"type": "string"}, "score": {"type": "integer"}},
        },
    )
    write(folder, "routes/ask.yaml", _ASK)
    write(folder, "routes/give-back.yaml", _GIVE_BACK)
    write(folder, "workers/bureau.yaml", _BUREAU.format(url=url))
    write(folder, "apis/credit.yaml", _API)
    return folder


def good(_: Call) -> Response:
    """Answer as the bureau does."""
    return JSONResponse({"score": 7})


@asynccontextmanager
async def running_workers(bus: Bus, folder: Path) -> AsyncIterator[Workers]:
    """Run the workers of a project."""
    metrics = Metrics(CollectorRegistry(), "t", "worker")
    workers = Workers(bus, folder, metrics, configure_tracing("w", "t", 0))
    await workers.apply(load_workers(folder))
    try:
        yield workers
    finally:
        await workers.stop()


@asynccontextmanager
async def door(
    bus: Bus, folder: Path, settings: GatewaySettings | None = None
) -> AsyncIterator[Running]:
    """Run a gateway of the project."""
    project = load_gateway(folder)
    async with running(bus, settings, clients=CLIENTS) as gateway:
        gateway.gateway.replace(project.registry, CLIENTS, project.apis)
        yield gateway


async def ask(http: httpx.AsyncClient, *, wait: str = "wait=20", key: str = "") -> httpx.Response:
    """Ask as the shop does."""
    headers = SHOP | {"prefer": wait} | ({"idempotency-key": key} if key else {})
    return await http.post(ASK, json=QUESTION, headers=headers)


def problem_kind(response: httpx.Response) -> str:
    """Return the kind of a problem document."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    kind: str = msgspec.json.decode(response.content)["type"]
    return kind.removeprefix("urn:crossdock:problem:")


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(30):
        while not await condition():
            await asyncio.sleep(0.05)


async def stored(bus: Bus, kind: str) -> list[Message]:
    return [Message.from_headers(each.headers, each.data) async for each in bus.read(kind)]


async def letters(bus: Bus) -> list[str]:
    return [each.cause.reason async for each in dead_letters.listing(bus)]


async def trail_of(bus: Bus, message_id: str) -> Trail:
    trail = await follow(bus, message_id)
    assert trail is not None
    return trail


def flat(hops: tuple[Hop, ...]) -> list[Hop]:
    return [hop for each in hops for hop in (each, *flat(each.next))]


async def has_letters(bus: Bus) -> bool:
    return bool(await letters(bus))


async def holds(bus: Bus, kind: str, count: int) -> bool:
    return len(await stored(bus, kind)) >= count
