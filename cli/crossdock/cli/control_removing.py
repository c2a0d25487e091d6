"""``crossdock control purge`` and ``remove``: dropping what waits, and ending what is gone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossdock.cli.console import say, say_json
from crossdock.cli.control_doing import author_of
from crossdock.cli.control_options import AuthorOption, NameArgument
from crossdock.cli.options import JsonOption, NatsOption, ProjectOption

if TYPE_CHECKING:
    from crossdock.cli.control_lines import Mesh
    from crossdock.mesh.bus import Bus
    from crossdock.mesh.control import Name
    from crossdock.mesh.control.discarding import Dropping

_ReasonOption = Annotated[
    str, typer.Option(help="Why, in your words: it is kept with each message.", show_default=False)
]
_YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def purge(  # noqa: PLR0913 - each is an option of the command
    name: NameArgument,
    *,
    reason: _ReasonOption,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    author: AuthorOption = None,
    yes: _YesOption = False,
    json: JsonOption = False,
) -> None:
    """Drop what waits for a route or destination that is paused or drained; each is recorded.

    Of a route, other routes still get the messages. Exits 1 when it was refused.
    """
    from crossdock.cli.session import visit

    who = author_of(author, reason)
    component, count = visit(project, nats, lambda bus: _ready(bus, name))
    if (
        count
        and not yes
        and not typer.confirm(f"Drop {count:,} messages of {component}?", err=True)
    ):
        raise typer.Exit(1)
    dropped = visit(project, nats, lambda bus: _drop(bus, component, _dropping(who.by, reason)))
    if json:
        say_json({"component": str(component), "dropped": dropped})
    else:
        say(f"{component}: {dropped:,} dropped")


def remove(  # noqa: PLR0913 - each is an option of the command
    name: NameArgument,
    *,
    reason: _ReasonOption = "",
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    discard: Annotated[
        bool, typer.Option("--discard", help="Also drop what waits for it; needs --reason.")
    ] = False,
    author: AuthorOption = None,
    yes: _YesOption = False,
    json: JsonOption = False,
) -> None:
    """Remove what the broker keeps for a route or destination that is in no project any more.

    What waits for it holds up the cleaning of the streams. Refuses while a process runs it, and
    while messages wait unless --discard is given. Exits 1 when it was refused.
    """
    from crossdock.cli.session import visit

    if discard and not reason:
        raise typer.BadParameter("--discard needs --reason")
    by = author_of(author, reason).by
    component, waiting = visit(project, nats, lambda bus: _gone(bus, name, discard=discard))
    question = f"Remove {component}, and drop {waiting:,} messages?"
    if not yes and not typer.confirm(question, err=True):
        raise typer.Exit(1)

    async def work(bus: Bus) -> int:
        from crossdock.cli.control_lines import consumers
        from crossdock.contracts import Halt
        from crossdock.mesh.control.discarding import remove_component

        dropped = await _drop(bus, component, _dropping(by, reason)) if discard else 0
        state = (await consumers(bus))[component]
        if state.lag:
            raise Halt(f"{state.lag:,} messages of {component} wait for another try: do it again")
        await remove_component(bus, component, state.floor)
        return dropped

    dropped = visit(project, nats, work)
    if json:
        say_json({"component": str(component), "dropped": dropped})
    else:
        say(f"{component}: removed, {dropped:,} messages dropped")


async def _found(bus: Bus, text: str) -> tuple[Mesh, Name]:
    """Return what is meant; raises Halt when it is nothing that the broker keeps."""
    from crossdock.cli.control_lines import look
    from crossdock.contracts import Halt

    mesh = await look(bus)
    name = mesh.find(text)
    if name not in mesh.consumers:
        raise Halt(f"nothing waits for {name} at the broker")
    if mesh.asked.silent:
        raise Halt(f"{mesh.asked.silent[0]} does not answer: it may have it; try again later")
    return mesh, name


async def _ready(bus: Bus, text: str) -> tuple[Name, int]:
    """Return a component of which nothing is in hand, and how much waits for it."""
    from crossdock.contracts import Halt

    mesh, name = await _found(bus, text)
    seen = mesh.asked.of(name)
    if any(each.held or each.flow == "running" for each in seen):
        raise Halt(f"{name} takes messages: first `crossdock control drain {name}`")
    return name, mesh.consumers[name].lag


async def _gone(bus: Bus, text: str, *, discard: bool) -> tuple[Name, int]:
    """Return a component that no process has, and how much waits for it."""
    from crossdock.contracts import Halt
    from crossdock.mesh.control.discarding import kept_for

    mesh, name = await _found(bus, text)
    if mesh.asked.of(name):
        raise Halt(f"{name} runs: take it out of the project first, and apply that")
    waiting = mesh.consumers[name].lag
    groups = await kept_for(bus, name.name) if name.kind == "route" else 0
    if (waiting or groups) and not discard:
        raise Halt(
            f"{waiting:,} messages and {groups:,} groups wait for {name}: run it again to finish "
            "them, or drop them with --discard --reason TEXT"
        )
    return name, waiting


async def _drop(bus: Bus, name: Name, who: Dropping) -> int:
    from crossdock.cli.control_lines import consumers
    from crossdock.cli.progress import Progress
    from crossdock.mesh.control.discarding import discard_waiting

    waiting = (await consumers(bus))[name].lag
    with Progress("dropping", waiting, quiet=False) as progress:
        return await discard_waiting(bus, name, who, progress.advance)


def _dropping(by: str, reason: str) -> Dropping:
    from crossdock.mesh.control.discarding import Dropping

    return Dropping(by, reason)
