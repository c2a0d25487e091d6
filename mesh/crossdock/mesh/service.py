"""How a service process lives: logs, probes, connection, work, signals, drain, exit code."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import logging
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import msgspec
import uvloop
from faststream import FastStream
from nats.errors import Error as NatsError
from prometheus_client import CollectorRegistry

from crossdock.contracts import Disconnected, Halt, Subjects
from crossdock.mesh.bus import Bus
from crossdock.mesh.fail_points import arm
from crossdock.mesh.ops import Health, OpsServer
from crossdock.mesh.project.scalars import Secret
from crossdock.mesh.project.settings import MeshFile
from crossdock.mesh.streams import provision
from crossdock.mesh.telemetry import (
    BusMetrics,
    ClaimMetrics,
    ClaimWatch,
    Metrics,
    Tracing,
    configure_tracing,
)
from crossdock.mesh.telemetry.logs import configure_logging, log_unhandled
from crossdock.mesh.watchdog import Watchdog

log = logging.getLogger("crossdock.service")

STOPPED: Final = 0
FAILED: Final = 70  # EX_SOFTWARE of sysexits.h
HALTED: Final = 78  # EX_CONFIG
_DRAIN = 18.0  # of the 20 s after which whoever asked us to stop kills us
_FIRST_WAIT = 0.2
# Young objects before the collector looks (Python's own is 700). A batch of 500 messages is
# thousands of objects: each look walked what is being worked on, moved it to the old ones, and so
# led to walks of everything. It was 5 % of a hop, and 15 % with a thousand routes.
_YOUNG: Final = 10_000
_LONGEST_WAIT = 5.0


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """What runs in this process.

    Attributes:
        name: ``gateway``, ``router`` or ``worker``: what logs and metrics call it.
        instance: Name of the connection at the broker.
        mesh: Settings of the mesh.
        url: Of the broker, with credentials.
        ops: ``HOST:PORT`` for operators; None when the service has a place of its own for that.
    """

    name: str
    instance: str
    mesh: MeshFile
    url: Secret
    ops: str | None = None


class Running(msgspec.Struct, frozen=True, kw_only=True):
    """What the work of a service is given.

    Attributes:
        bus: Connected; the streams are there.
        metrics: To count.
        tracing: To trace.
        health: Its checks decide on ``/readyz``; the work may add to them.
        stop: Set when the work has to drain and return, within 18 seconds.
        started: To be called once the work is up, before which ``/readyz`` says no, and after each
            change of what it is made of.
    """

    bus: Bus
    metrics: Metrics
    tracing: Tracing
    health: Health
    stop: asyncio.Event
    started: Callable[[], None]


Work = Callable[[Running], Awaitable[None]]


def run_service(service: Service, work: Work) -> int:
    """Run a service in this process until SIGTERM or SIGINT; return the exit code.

    Args:
        service: What runs.
        work: Called once when the broker is connected. Returns when it has drained, after ``stop``
            was set; raises Halt when it is misconfigured.

    Returns:
        0 when it was stopped, 78 when it halted, 70 when it failed.
    """
    configure_logging(service.name, service.mesh.mesh)
    gc.set_threshold(_YOUNG)
    code = STOPPED
    try:
        arm(os.environ)
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_live(service, work))
    except* Halt as halts:
        code = HALTED
        for each in _leaves(halts):
            log.critical("halted", extra={"why": str(each)})
    except* Exception as failures:  # of any kind: Python's own report may quote a payload (I6)
        code = FAILED
        for each in _leaves(failures):
            log.critical("failed", exc_info=each)
    return code


async def _live(service: Service, work: Work) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    log_unhandled(loop)
    for number in (signal.SIGINT, signal.SIGTERM):  # until FastStream takes them over
        loop.add_signal_handler(number, stop.set)
    async with _observed(service) as (metrics, tracing, health):
        bus = await _connected(service, stop)
        if bus is None:
            return
        try:
            bus.show(BusMetrics.of(metrics))
            stream = bus.subjects.stream("data")
            bus.claim_checks.watch = ClaimWatch(ClaimMetrics.of(metrics), tracing, stream)
            health.checks["broker"] = lambda: None if bus.connected else "not connected"
            running = Running(
                bus=bus,
                metrics=metrics,
                tracing=tracing,
                health=health,
                stop=stop,
                started=functools.partial(_started, health),
            )
            await _under_faststream(running, work)
        finally:
            await bus.close()
    log.info("stopped")


def _started(health: Health) -> None:
    """Say that the service is up.

    What was made until now stays: the collector need not walk it again and again. On the gateway
    that was a pause of 34 ms each time, the whole of its 99th percentile; a router of a thousand
    routes was a fifth slower after a change of one. What was replaced goes at this moment.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    health.checks["service"] = lambda: None


@contextlib.asynccontextmanager
async def _observed(service: Service) -> AsyncIterator[tuple[Metrics, Tracing, Health]]:
    metrics = Metrics(CollectorRegistry(), service.mesh.mesh, service.name)
    tracing = configure_tracing(service.name, service.mesh.mesh, service.mesh.telemetry.sample)
    watchdog = Watchdog()
    health = Health(
        registry=metrics.registry,
        age=watchdog.age,
        checks={"broker": lambda: "connecting", "service": lambda: "starting"},
    )
    ops = None if service.ops is None else OpsServer(health, service.ops)
    watchdog.start()
    try:
        if ops is not None:
            await ops.start()
        yield metrics, tracing, health
    finally:
        if ops is not None:
            await ops.stop()
        await watchdog.stop()
        await asyncio.to_thread(tracing.shutdown)


async def _connected(service: Service, stop: asyncio.Event) -> Bus | None:
    """Connect, however long it takes, and see to the streams; None when asked to stop."""
    connecting = asyncio.create_task(_keep_connecting(service), name="connect")
    stopping = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait({connecting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        return connecting.result() if connecting.done() else None
    finally:
        stopping.cancel()
        connecting.cancel()


async def _keep_connecting(service: Service) -> Bus:
    wait = _FIRST_WAIT
    while True:
        try:
            return await _connect_once(service)
        except (Disconnected, NatsError, TimeoutError) as error:
            why = error.reason if isinstance(error, Disconnected) else type(error).__name__
            log.warning("broker not reached, will try again", extra={"why": why, "after": wait})
        await asyncio.sleep(wait)
        wait = min(wait * 2, _LONGEST_WAIT)


async def _connect_once(service: Service) -> Bus:
    subjects = Subjects(service.mesh.mesh)
    bus = await Bus.connect(service.url.reveal(), subjects, name=service.instance)
    try:
        bus.claim_checks.configure(service.mesh.claim_check)
        await provision(bus, service.mesh.broker)
    except BaseException:
        await bus.close()
        raise
    return bus


async def _under_faststream(running: Running, work: Work) -> None:
    """Run the work for the life of a FastStream application: from its start to its shutdown."""
    tasks: list[asyncio.Task[None]] = []

    @contextlib.asynccontextmanager
    async def lifespan() -> AsyncIterator[None]:
        task = asyncio.create_task(_awaited(work(running)), name="work")
        task.add_done_callback(lambda _: app.exit())
        tasks.append(task)
        yield

    async def drain() -> None:  # before the broker's connection is closed
        running.stop.set()
        _, late = await asyncio.wait(tasks, timeout=_DRAIN)
        for task in late:
            log.error("cancelled: did not drain in time")
            task.cancel()
        await asyncio.wait(tasks)
        await running.bus.close()
        app.brokers.clear()  # it is closed; FastStream's second time fails if the broker is away

    app = FastStream(running.bus.broker, lifespan=lifespan, on_shutdown=[drain], logger=None)
    log.info("started")
    await app.run()
    for task in tasks:
        if not task.cancelled():
            task.result()


async def _awaited(result: Awaitable[None]) -> None:
    await result


def _leaves(group: BaseExceptionGroup[BaseException]) -> list[BaseException]:
    found: list[BaseException] = []
    for each in group.exceptions:
        found += _leaves(each) if isinstance(each, BaseExceptionGroup) else [each]
    return found
