"""Shows what differs between two versions of a contract, and a document that shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from rich.console import Console, Group, RenderableType
from rich.json import JSON
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from crossdock.contracts.compatibility import Counterexample, Difference, Effect, Mode

_SHOWN: Final = 40
_LARGEST: Final = 2_000


def show_differences(console: Console, differences: Sequence[Difference], mode: Mode) -> None:
    """Print a table of the differences, those that break the mode first."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 1, 0), header_style="bold")
    table.add_column("what differs", overflow="fold", ratio=5)
    table.add_column("breaks", no_wrap=True)
    table.add_column("why", overflow="fold", ratio=4)
    for each in sorted(differences, key=lambda each: not mode.breaks(each)):
        breaks = mode.breaks(each)
        why = Text(each.why, style="" if breaks else "dim")
        table.add_row(_what(each, breaks=breaks), _breaks(each), why)
    console.print(table)


def show_counterexample(
    console: Console, found: Counterexample, accepts: str, refuses: str
) -> None:
    """Print a document that one version accepts and the other refuses."""
    lines = [Text(f"{each.pointer or '(the whole)'}: {each.message}") for each in found.problems]
    title = f"[green]{accepts} accepts[/green] this, [red]{refuses} refuses[/red] it"
    console.print(Panel(Group(_document(found.document), *lines), title=title, title_align="left"))


def _document(document: object) -> RenderableType:
    text = msgspec.json.encode(document).decode()
    return JSON(text) if len(text) <= _LARGEST else Text(text[:_LARGEST] + "…")


def _what(difference: Difference, *, breaks: bool) -> Text:
    code = (difference.code, "bold red" if breaks else "bold")
    where = (difference.pointer or "(the whole)", "cyan")
    values = f"{_value(difference.old)} → {_value(difference.new)}"
    return Text.assemble(code, "\n", where, "\n", values)


def _value(value: Any) -> str:  # noqa: ANN401 - what a schema says
    if value is None:
        return "nothing"
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _breaks(difference: Difference) -> Text:
    words = [
        (f"{name}{' ?' if effect is Effect.UNDECIDED else ''}\n", "red")
        for name, effect in (("backward", difference.backward), ("forward", difference.forward))
        if not effect.safe
    ]
    return Text.assemble(*words) if words else Text("nobody", style="green")
