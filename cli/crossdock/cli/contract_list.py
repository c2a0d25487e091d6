"""``crossdock contract list``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from crossdock.cli.options import JsonOption, ProjectOption

if TYPE_CHECKING:
    from crossdock.contracts import Registry


def list_contracts(*, project: ProjectOption = Path(), json: JsonOption = False) -> None:
    """List the contracts of a project with their versions. Exits 2 when one cannot be read."""
    from crossdock.cli.console import say_json
    from crossdock.cli.contract_choice import loaded_contracts

    registry = loaded_contracts(project)
    if json:
        say_json(
            [
                {"name": name, "versions": registry.versions(name), "about": registry.about(name)}
                for name in registry.names()
            ]
        )
    else:
        _show(registry)


def _show(registry: Registry) -> None:
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from crossdock.cli.console import say

    if not registry.names():
        say("no contracts yet; begin one: crossdock contract new DOMAIN.ENTITY.EVENT")
        return
    outdated = any(registry.about(name).deprecated for name in registry.names())
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in ("contract", "versions", "title", "owner", *(["state"] if outdated else [])):
        table.add_column(column, overflow="fold", no_wrap=column == "contract")
    for name in registry.names():
        about = registry.about(name)
        state = f"[yellow]deprecated {about.deprecated.since}" if about.deprecated else ""
        row = (name, ", ".join(registry.versions(name)), escape(about.title), escape(about.owner))
        table.add_row(*row, *([state] if outdated else []))
    Console().print(table)
