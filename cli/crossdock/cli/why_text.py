"""The story of a message for a person: as lines, or as a tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.text import Text
from rich.tree import Tree

from crossdock.cli.why_hops import Hop, SentAgain, Story
from crossdock.router.explaining import Told

_COLOURS: Final = {
    "routed": "green",
    "delivered": "green",
    "published": "green",
    "tested": "green",
    "grouped": "green",
    "delayed": "cyan",
    "filtered": "yellow",
    "dead": "bold red",
    "pending": "cyan",
}
_ARROWS: Final = {
    "destination": "[dim]→[/] ",
    "group": "group of ",
    "delay": "later in ",
    "answer": "[dim]←[/] ",
    "reply": "[dim]←[/] ",
}
_INDENT: Final = "  "


def tell(story: Story, console: Console, *, graph: bool) -> None:
    """Print a story."""
    for line in _head(story):
        console.print(line, soft_wrap=True)
    if not story.hops:
        console.print("[yellow]no route takes it[/]: `crossdock check` shows what routes accept")
        return
    if graph:
        console.print(_tree(story))
        return
    for hop in story.hops:
        console.print()
        for line in _lines(hop):
            console.print(line, soft_wrap=True)


def _head(story: Story) -> Iterator[str]:
    yield f"[bold]{escape(story.id)}[/]  {escape(story.contract)} {escape(story.version)}"
    if story.asked:
        yield f"[dim]asked for[/]  {escape(story.asked)}, which was made of it"
    yield f"[dim]accepted[/]   {_moment(story.accepted)} as number {story.sequence:,}"
    yield f"[dim]from[/]       {escape(story.source)}"
    if story.cause:
        yield f"[dim]caused by[/]  {escape(story.cause)}"
    if story.trace:
        yield f"[dim]trace[/]      {story.trace}"


def _tree(story: Story) -> Tree:
    tree = Tree(Text(f"{story.contract} {story.version}", style="bold"))
    for hop in story.hops:
        _grow(tree, hop)
    return tree


def _grow(tree: Tree, hop: Hop) -> None:
    branch = tree.add(Text.from_markup(_title(hop)))
    for line in _below(hop):
        branch.add(Text.from_markup(line))
    for each in hop.next:
        _grow(branch, each)


def _lines(hop: Hop, depth: int = 0) -> Iterator[str]:
    indent = _INDENT * depth
    yield indent + _title(hop)
    for line in _below(hop):
        yield indent + _INDENT + line
    for each in hop.next:
        yield from _lines(each, depth + 1)


def _title(hop: Hop) -> str:
    arrow = _ARROWS.get(hop.kind, "route ")
    colour = _COLOURS.get(hop.outcome, "white")
    title = f"{arrow}[bold]{escape(hop.where)}[/] [{colour}]{hop.outcome}[/]"
    if hop.kind != "route":
        title += f" [dim]{escape(hop.id)}[/]"
    return title


def _below(hop: Hop) -> Iterator[str]:
    if hop.time:
        attempt = f"attempt {hop.attempts}" if hop.attempts > 1 else "first attempt"
        yield f"[dim]{_moment(hop.time)}, {attempt}, by {escape(hop.by)}[/]"
    if hop.revision:
        state = f"revision {hop.revision}"
        if hop.revision_is:  # not of a group
            state = f"route {hop.revision} ({escape(hop.revision_is)})"
        policy = f", policy {escape(hop.policy)}" if hop.policy else ""
        yield f"[dim]{state}{policy}[/]"
    if hop.slip:
        yield f"[dim]routing slip,[/] {escape(hop.slip)}"
    if hop.why is not None:
        for told in hop.why.told:
            yield from _told(told)
    yield from _said(hop)
    if hop.note:
        yield f"[yellow]! {escape(hop.note)}[/]"
    yield from _again(hop.again)


def _said(hop: Hop) -> Iterator[str]:
    """Tell what the entry says of itself."""
    by_process = hop.kind == "route" and hop.why is None
    told = by_process or hop.kind in ("group", "delay")
    if hop.outcome == "dead":
        yield f"[red]{escape(hop.detail)}[/]"
        if hop.letter:
            yield f"dead letter [bold]{hop.letter}[/]: `crossdock dead show {hop.letter}`"
    elif told and hop.outcome not in ("pending", "filtered") and hop.detail:
        yield escape(hop.detail)
    elif hop.outcome in ("filtered", "pending") and hop.detail:
        yield f"[yellow]{escape(hop.detail)}[/]"


def _told(told: Told) -> Iterator[str]:
    holds = told.held if told.taken is None else told.taken
    mark = "[green]✓[/]" if holds else "[red]✗[/]" if told.held is False else "[dim]·[/]"
    to = f" → {', '.join(map(escape, told.to))}" if told.to else ""
    as_ = f" [dim]as {escape(told.contract.removeprefix('crossdock:'))}[/]" if told.contract else ""
    condition = f"  {escape(told.condition)}" if told.condition else ""
    why = f" [dim]({escape(told.why)})[/]" if told.why else ""
    yield f"{mark} [bold]{escape(told.place)}[/]{to}{as_}{condition}{why}"
    for each in told.values:
        value = "[dim]is not there[/]" if each.value is None else f"= {escape(each.value)}"
        yield f"{_INDENT * 2}[cyan]{escape(each.path)}[/] {value}"


def _again(found: Iterable[SentAgain]) -> Iterator[str]:
    for each in found:
        why = f": {escape(each.reason)}" if each.reason else ""
        yield f"[cyan]↻[/] sent again {_moment(each.time)} by {escape(each.by)}{why}"


def _moment(time: str) -> str:
    return time[:23].replace("T", " ") + " UTC"  # to the millisecond
