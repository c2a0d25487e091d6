"""``crossdock route replay``: a candidate route over messages that came, with nothing sent."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crossdock.cli.options import JsonOption, NatsOption, ProjectOption
from crossdock.cli.stream_range import FromOption, Range, ToOption

if TYPE_CHECKING:
    from crossdock.mesh.bus import Bus
    from crossdock.router.shadow import Shadow, Way

_COLOURS = {"same": "green", "different": "red", "unknown": "yellow"}


def replay(  # noqa: PLR0913 - each is an option of the command
    route: Annotated[str, typer.Argument(help="Name of the route.")],
    begin: FromOption,
    end: ToOption = None,
    *,
    with_: Annotated[
        Path | None,
        typer.Option(
            "--with",
            help="The candidate: a route file. Default: that of the project.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    answer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CALL=FILE", help="What a call answers: a JSON file. May be repeated."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(help="At most so many messages.", min=1)] = 10_000,
    show: Annotated[int, typer.Option(help="Show so many differences.", min=0)] = 20,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    json: JsonOption = False,
) -> None:
    """Try a route on messages that came: how would each end, against how it did end.

    Nothing is sent, no call is made, no consumer is touched. Data is compared where the stream
    still has what was sent. Exits 1 when something differs or cannot be told, 0 when all is the
    same, 2 when the candidate cannot be used.
    """
    from crossdock.cli.console import complain, say_json
    from crossdock.cli.session import visit
    from crossdock.cli.shadowing import load_candidate
    from crossdock.cli.shadowing import replay as run
    from crossdock.contracts import Halt

    span = Range.parse(begin, end)
    try:
        candidate = load_candidate(project, route, with_, _answers(answer or []))
    except Halt as error:
        complain(error.reason, error.problems)
        raise typer.Exit(2) from error

    async def look(bus: Bus) -> list[Shadow]:
        return await run(bus, candidate, span, limit)

    found = visit(project, nats, look)
    counts: Counter[str] = Counter(each.verdict for each in found)
    if json:
        for each in [each for each in found if each.verdict != "same"][:show]:
            say_json(_described(each))
        say_json({"messages": len(found), **{name: counts[name] for name in _COLOURS}})
    else:
        _tell(found, counts, show)
    raise typer.Exit(0 if counts["same"] == len(found) else 1)


def _answers(texts: list[str]) -> dict[str, Path]:
    found = {}
    for text in texts:
        call, equals, file = text.partition("=")
        if not (call and equals and Path(file).is_file()):
            raise typer.BadParameter(
                f"--answer {text[:60]!r}: write CALL=FILE, with a file there is"
            )
        found[call] = Path(file)
    return found


def _described(found: Shadow) -> dict[str, Any]:
    return {
        "sequence": found.sequence,
        "id": found.id,
        "verdict": found.verdict,
        "then": found.then,
        "now": found.now,
        "data": found.data,
    }


def _tell(found: list[Shadow], counts: Counter[str], show: int) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    differing = [each for each in found if each.verdict != "same"]
    for each in differing[:show]:
        _tell_one(console, each)
    if len(differing) > show:
        console.print(f"[dim]… {len(differing) - show:,} more: see --show[/]")
    parts = [f"[{colour}]{counts[name]:,} {name}[/]" for name, colour in _COLOURS.items()]
    console.print(f"{len(found):,} messages: {', '.join(parts)}")


def _tell_one(console: Any, found: Shadow) -> None:  # noqa: ANN401 - rich is loaded when needed
    from rich.markup import escape

    console.print(f"[bold]{found.sequence:,}[/]  {escape(found.id)}", soft_wrap=True)
    if (found.then.outcome, found.then.destinations) != (found.now.outcome, found.now.destinations):
        console.print(f"  [red]- {escape(_way(found.then))}[/]", soft_wrap=True)
        console.print(f"  [green]+ {escape(_way(found.now))}[/]", soft_wrap=True)
    for each in found.data:
        console.print(f"  → {escape(each.destination)}")
        if each.then != each.now:
            console.print(f"    [red]- {escape(each.then)}[/]")
            console.print(f"    [green]+ {escape(each.now)}[/]")
        for change in each.changes:
            console.print(f"    {escape(change.pointer) or '(the whole)'}", style="bold")
            if change.before is not None:
                console.print(f"      - {escape(change.before)}", style="red", soft_wrap=True)
            if change.after is not None:
                console.print(f"      + {escape(change.after)}", style="green", soft_wrap=True)


def _way(way: Way) -> str:
    to = f" → {', '.join(way.destinations)}" if way.destinations else ""
    why = f": {way.detail}" if way.detail else ""
    return f"{way.outcome}{to}{why}"
