"""``crossdock why``: the story of a message."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossdock.cli.options import JsonOption, NatsOption, ProjectOption

if TYPE_CHECKING:
    from crossdock.cli.why_hops import Story
    from crossdock.mesh.bus import Bus

IdArgument = Annotated[
    str,
    typer.Argument(metavar="ID", help="Id of a message, or of one that a route has made of it."),
]
SequenceOption = Annotated[
    int | None, typer.Option(help="Its number in the stream, as in Location: finds it faster.")
]


def why(
    message_id: IdArgument,
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    sequence: SequenceOption = None,
    graph: Annotated[bool, typer.Option("--graph", help="Draw it as a tree.")] = False,
    json: JsonOption = False,
) -> None:
    """Tell why a message went where it went: over all hops, condition by condition.

    The conditions are evaluated once more, on the message as it came in and with the route as it
    was, so the values are those of then. What a contract marks as personal is shown as •••.
    Exits 1 when there is no such message.
    """
    from crossdock.cli.console import complain, say_json
    from crossdock.cli.session import visit

    async def look(bus: Bus) -> Story | None:
        from crossdock.cli.why_story import Teller
        from crossdock.mesh.trail import follow

        trail = await follow(bus, message_id, sequence)
        return None if trail is None else await Teller(bus, project).tell(trail, message_id)

    story = visit(project, nats, look)
    if story is None:
        complain(missing(message_id))
        raise typer.Exit(1)
    if json:
        say_json(story)
        return
    from rich.console import Console

    from crossdock.cli.why_text import tell

    tell(story, Console(highlight=False), graph=graph)


def missing(message_id: str) -> str:
    """Return what to check when there is no message of an id."""
    return (
        f"there is no message {message_id[:100]!r}. Check that the id is whole, and that it is of "
        "this mesh (--project, --nats). What was refused at the door or by a source never became a "
        "message: see the answer to its sender, or `crossdock dead list`. What is acknowledged by "
        "all is kept for `broker.history` of mesh.yaml."
    )
