"""The ``crossdock`` command. Only the modules of the command that runs are imported."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

_COMMANDS: Final = {
    "up": "crossdock.cli.up:up",
    "new": "crossdock.cli.new:app",
    "check": "crossdock.cli.check:check",
    "client": "crossdock.cli.client:app",
    "contract": "crossdock.cli.contract:app",
    "plan": "crossdock.cli.plan:plan",
    "apply": "crossdock.cli.apply:apply",
    "rollback": "crossdock.cli.rollback:rollback",
    "history": "crossdock.cli.history:history",
    "route": "crossdock.cli.route:app",
    "process": "crossdock.cli.process:app",
    "schema": "crossdock.cli.schema:schema",
    "gateway": "crossdock.cli.services:gateway",
    "router": "crossdock.cli.services:router",
    "worker": "crossdock.cli.services:worker",
    "docs": "crossdock.cli.docs:docs",
    "message": "crossdock.cli.message:app",
    "dead": "crossdock.cli.dead:app",
    "probe": "crossdock.cli.probe:probe",
    "group": "crossdock.cli.group:app",
    "delayed": "crossdock.cli.delayed:app",
    "why": "crossdock.cli.why:why",
    "trace": "crossdock.cli.trace:trace",
    "control": "crossdock.cli.control:app",
    "ledger": "crossdock.cli.ledger:ledger",
    "replay": "crossdock.cli.replay:replay",
}


class _OnDemand(TyperGroup):
    """Finds a command in its module when it is asked for: five processes of a mesh start here."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ANN401 - see get_command
        return [*_COMMANDS, *super().list_commands(ctx)]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ANN401 - typer has a click of its own, whose types have no public names
        if cmd_name not in _COMMANDS:
            return super().get_command(ctx, cmd_name)
        module, _, attribute = _COMMANDS[cmd_name].partition(":")
        found = getattr(import_module(module), attribute)
        if isinstance(found, typer.Typer):
            command: Any = typer.main.get_group(found)
        else:
            single = typer.Typer(add_completion=False)
            single.command()(found)
            command = typer.main.get_command(single)
        command.name = cmd_name
        return command


app = typer.Typer(
    cls=_OnDemand,
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,  # I6: locals hold payloads and secrets
)


def _show_version(asked: bool) -> None:  # noqa: FBT001 - typer calls it so
    if asked:
        typer.echo(f"crossdock {version('crossdock')}")
        raise typer.Exit


@app.callback()
def crossdock(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Crossdock: connect each system once, every integration is a subscription."""
