"""One command's visit to a running mesh."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from crossdock.cli.connection import broker_url
from crossdock.cli.console import complain, log_plainly
from crossdock.contracts import CrossdockError, Subjects

if TYPE_CHECKING:
    from crossdock.mesh.bus import Bus

Result = TypeVar("Result")
_INTERRUPTED = 130


def visit(project: Path, nats: str | None, work: Callable[[Bus], Awaitable[Result]]) -> Result:
    """Connect to the broker of a project, do the work, and leave.

    Raises:
        typer.Exit: With 1 when it could not be done, after having said why.
    """
    log_plainly(logging.ERROR)
    try:
        return asyncio.run(_visit(project, nats, work))
    except CrossdockError as error:
        complain(error.reason, error.problems)
        raise typer.Exit(1) from error
    except KeyboardInterrupt as error:
        raise typer.Exit(_INTERRUPTED) from error


async def _visit(
    project: Path, nats: str | None, work: Callable[[Bus], Awaitable[Result]]
) -> Result:
    from crossdock.mesh.bus import Bus
    from crossdock.mesh.project.loading import load_mesh

    mesh = load_mesh(project)
    bus = await Bus.connect(broker_url(project, nats), Subjects(mesh.mesh), name="crossdock-cli")
    bus.claim_checks.configure(mesh.claim_check)
    try:
        return await work(bus)
    finally:
        await bus.close()
