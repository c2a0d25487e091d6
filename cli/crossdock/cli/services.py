"""``crossdock gateway|router|worker``: one service, as it runs in a container."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crossdock.cli.options import NatsOption, OpsOption, ProjectOption

_Project = ProjectOption


def gateway(
    project: ProjectOption = Path(),
    *,
    nats: NatsOption = None,
    listen: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT", help="Instead of gateway.listen in mesh.yaml.", show_default=False
        ),
    ] = None,
) -> None:
    """Run the HTTP gateway until SIGTERM."""
    from crossdock.cli.running_gateway import run_gateway

    raise typer.Exit(run_gateway(project.resolve(), nats, listen))


def router(
    project: ProjectOption = Path(),
    *,
    nats: NatsOption = None,
    ops: OpsOption = "127.0.0.1:0",
) -> None:
    """Run every route of the project until SIGTERM; any number of replicas share the work."""
    raise NotImplementedError


def worker(
    project: ProjectOption = Path(),
    *,
    nats: NatsOption = None,
    ops: OpsOption = "127.0.0.1:0",
    group: Annotated[str | None, typer.Option(help="Only the workers of this group.")] = None,
    name: Annotated[
        list[str] | None, typer.Option(help="Only this worker; may be given more than once.")
    ] = None,
    list_: Annotated[
        bool, typer.Option("--list", help="Show the adapters that are installed, and end.")
    ] = False,
) -> None:
    """Run workers of the project until SIGTERM."""
    raise NotImplementedError
