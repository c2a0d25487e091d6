"""Shows what a new version of a contract would do to a project."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from crossdock.cli.impact import Impact
from crossdock.cli.impact_routes import RouteImpact
from crossdock.cli.replaying import Replay
from crossdock.contracts import Problem

_SHOWN: Final = 10


def show_impact(console: Console, impact: Impact, name: str) -> None:
    """Print who meets the version and what breaks."""
    tree = Tree(Text(f"what {name} {impact.version} does to this project", style="bold"))
    for route in impact.routes:
        _add(tree, f"route {route.route}, which {_part(route)} it", route.problems)
    for each in impact.publishers:
        _add(tree, f"{each.kind} {each.name}, which publishes it", each.problems)
    if impact.examples:
        _add(tree, "valid examples of the contract", impact.examples)
    if impact.unread:
        _add(tree, "could not be looked at", impact.unread)
    if impact.staying:
        tree.add(Text(f"not given it: route {', '.join(impact.staying)}", style="dim"))
    if not (impact.routes or impact.publishers or impact.examples):
        tree.add(Text("nobody meets it", style="dim"))
    console.print(tree)


def show_replay(console: Console, replay: Replay, label: str) -> None:
    """Print how many messages of the past would be refused, and why."""
    if not replay.failed:
        text = f"✓ {label} accepts the last {replay.messages:,} messages that are kept"
        console.print(Text(text, style="green"))
        return
    share = f"{replay.failed:,} of the last {replay.messages:,} messages"
    tree = Tree(Text(f"✗ {label} refuses {share}", style="bold red"))
    for each in replay.reasons:
        line = f"{each.pointer or '(the whole)'} {each.keyword}: {each.messages:,}"
        tree.add(Text.assemble(line, (f", such as number {each.sequence}", "dim")))
    console.print(tree)


def _part(route: RouteImpact) -> str:
    parts = [("is given", route.accepts), ("sends", route.sends)]
    return " and ".join(word for word, is_so in parts if is_so)


def _add(tree: Tree, what: str, problems: Iterable[Problem]) -> None:
    lines = list(_lines(problems))
    branch = tree.add(Text.assemble(("✗ ", "red") if lines else ("✓ ", "green"), what))
    for line in lines[:_SHOWN]:
        branch.add(Text(line))
    if len(lines) > _SHOWN:
        branch.add(Text(f"and {len(lines) - _SHOWN} more", style="dim"))


def _lines(problems: Iterable[Problem]) -> Iterator[str]:
    for each in problems:
        yield f"{each.place}: {each.message}" if each.place else each.message
