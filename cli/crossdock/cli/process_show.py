"""``crossdock process show``: the story of one instance."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from crossdock.cli.options import JsonOption, NatsOption, ProjectOption
from crossdock.cli.process_list import ProcessOption

if TYPE_CHECKING:
    from crossdock.cli.process_look import Found
    from crossdock.mesh.bus import Bus
    from crossdock.router.processes.instance import Step

KeyArgument = Annotated[
    str, typer.Argument(metavar="KEY", help="Its key; or the name that records and `why` show.")
]


def show(
    key: KeyArgument,
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    process: ProcessOption = None,
    data: Annotated[bool, typer.Option("--data", help="Show what it keeps as well.")] = False,
    json: JsonOption = False,
) -> None:
    """Tell the story of an instance: its steps with their messages, commands and times.

    Exits 1 when there is none of this key.
    """
    from crossdock.cli.console import say_json

    found = look_up(key, project, nats, process)
    if json:
        for each in found:
            say_json(_told(each, data=data))
        return
    from rich.console import Console

    console = Console(highlight=False)
    for each in found:
        for line in _lines(each, data=data):
            console.print(line, soft_wrap=True)


def look_up(key: str, project: Path, nats: str | None, process: str | None) -> list[Found]:
    """Return the instances of a key.

    Raises:
        typer.Exit: With 1 when there is none, after having said so.
    """
    from crossdock.cli.console import complain
    from crossdock.cli.process_look import find_instance
    from crossdock.cli.session import visit

    async def read(bus: Bus) -> list[Found]:
        return await find_instance(bus, project, key, process)

    found = visit(project, nats, read)
    if not found:
        complain(
            f"no process has an instance of key {key[:100]!r}: `crossdock process list` shows what "
            "there is; ended ones are remembered for limits.remember"
        )
        raise typer.Exit(1)
    return found


def _told(found: Found, *, data: bool) -> dict[str, Any]:
    import time

    import msgspec

    from crossdock.cli.process_look import as_listed, step_told

    instance = found.instance
    about: dict[str, Any] = msgspec.to_builtins(as_listed(found, time.time()))
    about["steps"] = [step_told(each) for each in instance.story]
    about["kept"] = [{"contract": each.what, "id": each.id} for each in instance.kept]
    about["owed"] = [{"place": each.place, "sent": each.sent} for each in instance.owed]
    about["unsent"] = sum(len(each.commands) for each in instance.outbox)
    return about | ({"data": instance.data} if data else {})


def _lines(found: Found, *, data: bool) -> Iterator[str]:
    import time

    import msgspec
    from rich.markup import escape

    from crossdock.cli.process_look import COLOURS, as_listed, moment, span

    instance, about = found.instance, as_listed(found, time.time())
    colour = COLOURS[about.status]
    where = f" in [bold]{about.state}[/]" if about.state else ""
    yield (
        f"[bold]{found.process}[/] {escape(str(about.key))}  [{colour}]{about.status}[/]{where} "
        f"[dim]for {span(about.seconds)}[/]"
    )
    yield f"[dim]instance {found.token}, revision {about.revision or 'none yet'}[/]"
    if about.stuck:
        yield f"[red]stuck: {escape(about.stuck)}[/]"
        yield "remove the cause, then: " + escape(f"crossdock process resume {about.key}")
    elif about.deadline:
        yield f"[dim]its time is up at {moment(about.deadline)}[/]"
    yield ""
    for step in instance.story:
        yield from _step(step)
    for kept in instance.kept:
        yield f"  [yellow]waits[/] {kept.what} [dim]{escape(kept.id)}[/]"
    for owed in instance.owed:
        done = "asked for, not confirmed" if owed.sent else "would be taken back"
        yield f"  [dim]{owed.place}: {done}[/]"
    if data:
        yield escape(msgspec.json.format(msgspec.json.encode(instance.data), indent=2).decode())


def _step(step: Step) -> Iterator[str]:
    from rich.markup import escape

    from crossdock.cli.process_look import stamp

    time = stamp(step.at)[:23].replace("T", " ")
    to = step.after if step.after != step.before else f"stays in {step.after}"
    arrow = f"{step.before or '[green]begins[/]'} → [bold]{to}[/]" if to == step.after else to
    yield f"[dim]{step.number:>3}  {time}[/]  {arrow}"
    cause = {
        "message": step.what,
        "timeout": "its time was up",
        "command": f"a person: {step.what}",
    }
    own = f" [dim]{escape(step.id)}[/]" if step.cause == "message" else ""
    yield f"       by {cause[step.cause]}{own}"
    for destination, message_id, contract in step.sent:
        yield f"       sent to [bold]{destination}[/] {contract} [dim]{message_id}[/]"
    if step.note:
        yield f"       [yellow]{escape(step.note)}[/]"
