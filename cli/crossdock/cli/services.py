"""``crossdock gateway|router|worker``: one service, as it runs in a container."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from crossdock.cli.connection import broker_url
from crossdock.cli.console import complain, say, say_json
from crossdock.cli.options import JsonOption, LiveOption, NatsOption, OpsOption, ProjectOption
from crossdock.contracts import Halt

if TYPE_CHECKING:
    from crossdock.cli.composition import Place
    from crossdock.mesh.project.scalars import Secret
    from crossdock.mesh.registry.following import LiveSource

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
    live: LiveOption = None,
) -> None:
    """Run the HTTP gateway until SIGTERM."""

    def run(place: Place) -> int:
        from crossdock.cli.composition import run_gateway

        return run_gateway(place, listen)

    _run(run, _Start(project, nats, ops, live, "gateway", probes=listen))


def router(
    project: ProjectOption = Path(),
    *,
    nats: NatsOption = None,
    ops: OpsOption = None,
    live: LiveOption = None,
) -> None:
    """Run every route of the project until SIGTERM; any number of replicas share the work."""
    from crossdock.cli.composition import run_router

    _run(run_router, _Start(project, nats, ops, live, "router", probes=ops))


def worker(  # noqa: PLR0913 - each is an option of the command
    project: ProjectOption = Path(),
    *,
    nats: NatsOption = None,
    ops: OpsOption = None,
    live: LiveOption = None,
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

    _run(run, _Start(project, nats, ops, live, "worker", probes=ops))


class _Start(NamedTuple):
    """How a service was started, and which."""

    project: Path
    nats: str | None
    ops: str | None
    live: str | None
    name: str
    probes: str | None


def _run(run: Callable[[Place], int], start: _Start) -> None:
    from crossdock.cli.composition import Place
    from crossdock.mesh.last_good import FolderSource, Source
    from crossdock.mesh.project.scalars import Secret

    try:
        url = Secret(broker_url(start.project, start.nats))
        folder = start.project.resolve()
        with contextlib.ExitStack() as stack:
            source: Source | None = FolderSource(folder)
            if start.live is not None:
                source = stack.enter_context(_live_source(start, start.live, url))
            code = 0
            if source is not None:
                place = Place(
                    source=source, folder=folder, live=start.live, nats=url, ops=start.ops
                )
                code = run(place)
    except Halt as error:
        complain(error.reason, error.problems)
        code = _HALTED
    raise typer.Exit(code)


@contextlib.contextmanager
def _live_source(start: _Start, mesh: str, url: Secret) -> Iterator[LiveSource | None]:
    """Give the registry's project once it has one; None when asked to stop before."""
    from crossdock.cli.waiting import wait_for_revision
    from crossdock.contracts import Subjects
    from crossdock.mesh.registry.following import LiveSource
    from crossdock.mesh.telemetry.logs import configure_logging

    try:
        subjects = Subjects(mesh)
    except ValueError as error:
        raise Halt(f"--live: {error}") from error
    configure_logging(start.name, mesh)
    with LiveSource.private(subjects, url) as source:
        yield source if wait_for_revision(source, start.probes) else None


def _list_adapters(*, json: bool) -> None:
    from crossdock.workers.registry import adapters

    for each in adapters():
        about = each.problem if each.adapter is None else each.adapter.summary
        direction = "" if each.adapter is None else each.adapter.direction
        if json:
            say_json({"name": each.name, "direction": direction, "about": about})
        else:
            say(f"{each.name:12} {direction:8} {about}")
