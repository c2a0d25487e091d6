"""``crossdock plan``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossdock.cli.options import JsonOption, NatsOption, ProjectOption

if TYPE_CHECKING:
    from crossdock.cli.plan_making import Made
    from crossdock.mesh.bus import Bus

_CHANGES = 3


def plan(
    project: ProjectOption = Path(),
    *,
    nats: NatsOption = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 3 when there is something to apply.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show what `crossdock apply` would change in the running mesh; changes nothing itself.

    Shows as well which services run another revision, and what of the broker is not as the applied
    revision wants it. Exits 1 when the project cannot be applied.
    """
    from crossdock.cli.console import say_json
    from crossdock.cli.plan_making import make_plan
    from crossdock.cli.plan_view import as_json, show
    from crossdock.cli.proposing import of_folder
    from crossdock.cli.session import visit
    from crossdock.mesh.registry.store import RevisionStore

    async def look(bus: Bus) -> Made:
        return await make_plan(bus, await of_folder(project), await RevisionStore(bus).head())

    made = visit(project, nats, look)
    if json:
        say_json(as_json(made))
    else:
        from rich.console import Console

        show(made, Console(highlight=False))
    if exit_code and made.changes:
        raise typer.Exit(_CHANGES)
