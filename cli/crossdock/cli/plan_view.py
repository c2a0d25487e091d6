"""A plan as a person or a program reads it."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from crossdock.cli.plan_making import Made
from crossdock.mesh.registry.comparing import Change, Sign
from crossdock.mesh.registry.running import Instance

_SIGNS: Final = {"added": ("+", "green"), "changed": ("~", "yellow"), "removed": ("-", "red")}
_WORDS: Final[dict[Sign, str]] = {"added": "add", "changed": "change", "removed": "remove"}
_LINES: Final = {"+": "green", "-": "red", "@": "cyan"}


def show(made: Made, console: Console) -> None:
    """Print a plan. What comes from files is printed as text, never as markup."""
    console.print(Text(_headline(made), style="bold"), soft_wrap=True)
    for change in made.changes:
        console.print(_line(change), soft_wrap=True)
        for verdict in (each for each in made.verdicts if each.file == change.path):
            style = "red" if verdict.problems else "cyan"
            console.print(Text(f"      {verdict.text}", style=style), soft_wrap=True)
        for line in made.diffs.get(change.path, ()):
            console.print(Text(f"      {line}", style=_LINES.get(line[:1], "dim")), soft_wrap=True)
    if made.damaged:
        text = f"! {made.damaged}; the next revision repairs it"
        console.print(Text(text, style="bold red"), soft_wrap=True)
    for problem in made.broken:
        console.print(Text(f"! {problem}", style="bold red"), soft_wrap=True)
    for warning in made.warnings:
        console.print(Text(f"! {warning}", style="yellow"), soft_wrap=True)
    for each in made.behind:
        console.print(Text(f"! {told(each)}", style="yellow"), soft_wrap=True)
    for drift in made.drift:
        waiting = f" ({drift.waiting:,} waiting)" if drift.waiting else ""
        console.print(
            Text(f"! {drift.name}{waiting} {drift.message}", style="yellow"), soft_wrap=True
        )
    console.print(Text(_summary(made), style="bold"), soft_wrap=True)


def told(instance: Instance) -> str:
    """Say in one line what a service runs, and why no other revision."""
    text = f"{instance.name} runs revision {instance.revision}"
    if instance.problems:
        return f"{text}, not {instance.newest}: {instance.reason}"
    return text


def as_json(made: Made) -> dict[str, Any]:
    """Return a plan for programs."""
    revision = made.head.revision
    return {
        "mesh": made.mesh,
        "revision": made.head.number,
        "applied": None if revision is None else {"time": revision.time, "note": revision.note},
        "changes": [
            {
                "sign": each.sign,
                "kind": each.item.kind,
                "name": each.item.name,
                "version": each.item.version,
                "path": each.path,
                "diff": made.diffs.get(each.path, []),
            }
            for each in made.changes
        ],
        "damaged": made.damaged,
        "verdicts": made.verdicts,
        "broken": made.broken,
        "warnings": made.warnings,
        "services": made.services,
        "drift": made.drift,
    }


def _headline(made: Made) -> str:
    revision = made.head.revision
    if revision is None:
        return f"mesh {made.mesh}: nothing was applied yet"
    note = revision.note
    return (
        f"mesh {made.mesh}: revision {revision.number}, "
        f"{note.origin} by {note.author} at {revision.time}: {note.reason}"
    )


def _line(change: Change) -> Text:
    sign, style = _SIGNS[change.sign]
    item = change.item
    name = f"{item.kind} {item.name}" if item.main else f"  of {item.kind} {item.name}"
    what = f"{sign} {name} {item.version}".rstrip()
    return Text.assemble((f"{what:48} ", style), (change.path, "dim"))


def _summary(made: Made) -> str:
    count = Counter(each.sign for each in made.changes)
    parts = [f"{count[sign]} to {word}" for sign, word in _WORDS.items() if count[sign]]
    files = ", ".join(parts) or "nothing to do"
    running = len(made.services) - len(made.behind)
    if not made.services:
        return f"{files}; no service follows the mesh"
    return f"{files}; {running} of {len(made.services)} services run revision {made.head.number}"
