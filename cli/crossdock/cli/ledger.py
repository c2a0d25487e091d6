"""``crossdock ledger``: does everything that came in have an outcome."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from crossdock.cli.options import JsonOption, NatsOption, ProjectOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from crossdock.mesh.ledger import Line


def ledger(
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    json: JsonOption = False,
) -> None:
    """Balance each route and destination: in = out + filtered + dead + in flight.

    Counted from streams and records, so that a crash changes nothing; it is exact while messages
    flow. Exits 1 when messages are missing: acknowledged, and nothing tells what became of them.
    """
    from crossdock.cli.console import say_json
    from crossdock.cli.session import visit
    from crossdock.mesh.ledger import balance

    lines = visit(project, nats, balance)
    balanced = all(each.balanced for each in lines)
    if json:
        say_json({"balanced": balanced, "lines": lines})
    else:
        from rich.console import Console

        console = Console(highlight=False)
        console.print(_table(lines))
        console.print(*_verdict(lines, balanced=balanced), sep="\n", soft_wrap=True)
    raise typer.Exit(0 if balanced else 1)


def _table(lines: Sequence[Line]) -> Table:
    from rich.table import Table

    table = Table()
    table.add_column("component")
    for title in ("in", "out", "filtered", "dead", "in flight", "missing"):
        table.add_column(title, justify="right")
    for each in lines:
        missing = each.missing + each.unsent
        table.add_row(
            f"{each.kind} {each.name}",
            *(f"{n:,}" for n in (each.taken, each.out, each.filtered, each.dead, each.in_flight)),
            f"[bold red]{missing:,}[/]" if missing else "[green]0[/]",
            style="" if each.balanced else "red",
        )
    return table


def _verdict(lines: Sequence[Line], *, balanced: bool) -> list[str]:
    if balanced:
        return ["[green]balanced[/]: in = out + filtered + dead + in flight, for each"]
    found = []
    for each in lines:
        if each.missing:
            found.append(
                f"[red]{each.missing:,} messages were acknowledged by {each.kind} {each.name}, and "
                "no record tells what became of them[/]"
            )
        if each.unsent:
            found.append(
                f"[red]{each.unsent:,} messages that routes made for {each.name} never came into "
                "its stream[/]"
            )
    return [*found, "Keep the logs of its processes; `crossdock replay` can send them again."]
