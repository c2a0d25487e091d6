"""Keeping a service equal to the last good content of its project folder."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from crossdock.cli.planning import plan
from crossdock.contracts import Disconnected, Halt
from crossdock.mesh.last_good import LastGood
from crossdock.mesh.registry.running import Instance, keep_telling
from crossdock.mesh.service import Running, Service
from crossdock.mesh.telemetry import ProjectMetrics

log = logging.getLogger("crossdock.reload")

_AGAIN = 1.0
Project = TypeVar("Project")


async def follow_project(
    service: Service,
    running: Running,
    project: LastGood[Project],
    apply: Callable[[Project], Awaitable[None]],
) -> None:
    """Apply the project, then each change of it, until the service has to stop.

    Args:
        service: Which it is.
        running: Its parts; told that it has started when the project, or a change, is applied.
        project: Loaded.
        apply: Makes the service do what the project says; tried again when it is Disconnected.
    """

    async def surely(content: Project) -> None:
        while True:
            try:
                await apply(content)
            except Disconnected as error:
                log.warning("not applied, will try again", extra={"why": error.reason})
                await asyncio.sleep(_AGAIN)
            else:
                running.started()
                return

    def state() -> Instance:
        return Instance(
            service=service.name,
            name=service.instance,
            revision=project.revision,
            newest=project.newest,
            problems=project.problems,
            reason=project.reason,
        )

    async def follow() -> None:
        await surely(project.value)
        live = project.newest > 0  # who follows a folder runs no revision
        replicas = service.mesh.broker.replicas
        telling = [keep_telling(running.bus, state, replicas)] if live else []
        async with beside(*telling):
            await project.follow(surely, running.bus)

    _show(service, running, project)

    following = asyncio.create_task(follow(), name="follow project")
    stopping = asyncio.create_task(running.stop.wait(), name="stop")
    try:
        await asyncio.wait({following, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if following.done():
            following.result()
    finally:
        following.cancel()
        stopping.cancel()
        await asyncio.wait({following, stopping})


def _show(service: Service, running: Running, project: LastGood[Project]) -> None:
    """Show which revision runs, in metrics and to the probes."""
    metrics = ProjectMetrics.of(running.metrics, service.name)
    metrics.revision.set_function(lambda: project.revision)
    metrics.problems.set_function(lambda: project.problems)
    running.health.facts["revision"] = lambda: project.revision
    running.health.facts["problems"] = lambda: project.problems


async def check_change(folder: Path) -> None:
    """Check a changed project as a whole, as ``crossdock check`` does, in a process of its own.

    Raises:
        Halt: With every problem.
    """
    found = await plan(folder, secrets=False)
    if found.problems:
        raise Halt.of("the project cannot be used", list(found.problems))


@contextlib.asynccontextmanager
async def beside(*works: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run endless works beside the body; when one of them fails, the service does."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each) for each in works]
        try:
            yield
        finally:
            for each in tasks:
                each.cancel()
