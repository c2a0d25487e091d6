"""``crossdock gateway|router|worker``: one service, as it runs in a container."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossdock.cli.connection import broker_url
from crossdock.cli.console import complain, say, say_json
from crossdock.cli.options import JsonOption, NatsOption, OpsOption, ProjectOption
from crossdock.contracts import Halt

if TYPE_CHECKING:
    from crossdock.cli.composition import Place

_HALTED = 78


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
    ops: OpsOption = None,
) -> None:
    """Run the HTTP gateway until SIGTERM."""

    def run(place: Place) -> int:
        from crossdock.cli.composition import run_gateway

        return run_gateway(place, listen)

    _run(run, project, nats, ops)


def router(
    project: ProjectOption = Path(), *, nats: NatsOption = None, ops: OpsOption = None
) -> None:
    """Run every route of the project until SIGTERM; any number of replicas share the work."""
    from crossdock.cli.composition import run_router

    _run(run_router, project, nats, ops)


def worker(  # noqa: PLR0913 - each is an option of the command
    project: ProjectOption = Path(),
    *,
    nats: NatsOption = None,
    ops: OpsOption = None,
    group: Annotated[str | None, typer.Option(help="Only the workers of this group.")] = None,
    name: Annotated[
        list[str] | None, typer.Option(help="Only this worker; may be given more than once.")
    ] = None,
    list_: Annotated[
        bool, typer.Option("--list", help="Show the adapters that are installed, and end.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Run workers of the project until SIGTERM; any number of replicas share the work."""
    if list_:
        _list_adapters(json=json)
        return

    def run(place: Place) -> int:
        from crossdock.cli.composition import run_workers

        return run_workers(place, group, tuple(name or ()))

    _run(run, project, nats, ops)


def _run(run: Callable[[Place], int], project: Path, nats: str | None, ops: str | None) -> None:
    from crossdock.cli.composition import Place
    from crossdock.mesh.project.scalars import Secret

    try:
        url = Secret(broker_url(project, nats))
        code = run(Place(project=project.resolve(), nats=url, ops=ops))
    except Halt as error:
        complain(error.reason, error.problems)
        code = _HALTED
    raise typer.Exit(code)


def _list_adapters(*, json: bool) -> None:
    from crossdock.workers.registry import adapters

    for each in adapters():
        about = each.problem if each.adapter is None else each.adapter.summary
        direction = "" if each.adapter is None else each.adapter.direction
        if json:
            say_json({"name": each.name, "direction": direction, "about": about})
        else:
            say(f"{each.name:12} {direction:8} {about}")
