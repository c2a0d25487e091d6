"""One dead letter for a person: described, told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from rich.console import Console
from rich.markup import escape

from crossdock.cli.console import say
from crossdock.cli.dead_causes import cause_of
from crossdock.mesh.dead_letters import DeadLetter
from crossdock.mesh.json_patch import Change


def described(letter: DeadLetter, *, data: bool) -> dict[str, Any]:
    """Return a dead letter as JSON-like values; its data only when asked for (I6)."""
    result: dict[str, Any] = {
        "number": letter.sequence,
        "time": letter.time,
        "id": letter.message_id,
        **msgspec.to_builtins(letter.cause),
        "subject": letter.subject,
        "headers": letter.headers,
        "bytes": letter.size,
        "cause": cause_of(letter),
        "redrives": letter.redrives,
        "repaired": bool(letter.patch),
        "done": bool(letter.done),
    }
    if letter.patch and data:
        result["patch"] = letter.patch
    if data:
        result["data"] = letter.data.decode("utf-8", "backslashreplace")
    return result


def tell(letter: DeadLetter, *, data: bool) -> None:
    """Print a dead letter for a person; its data only when asked for (I6)."""
    say(f"dead letter {letter.sequence}, {letter.time}")
    _tell_cause(letter)
    if letter.redrives:
        say(f"redriven  {letter.redrives} times before")
    if letter.done:
        say("done      calls before the step that failed; a redrive does not repeat them")
    if letter.patch:
        say("repaired  by a patch, which a redrive applies; shown with --data")
    for name, value in sorted(letter.headers.items()):
        say(f"  {name}: {value}")
    say(f"data      {letter.size} bytes{'' if data else ', shown with --data'}")
    if data:
        say(letter.data.decode("utf-8", "backslashreplace"))
    if data and letter.patch:
        say(f"patch     {letter.patch}")


def _tell_cause(letter: DeadLetter) -> None:
    cause = letter.cause
    say(f"where     {cause.kind} {cause.where}, after {cause.attempts} attempts")
    if cause.revision:
        say(f"as of     {cause.revision}, the route as it was; `crossdock why` shows it")
    say(f"why       {cause.reason}")
    for each in cause.problems:
        say(f"          {each}")
    if cause.place:
        say(f"from      {cause.place}")
    if cause.contract:
        say(f"meant for {cause.contract}")
    say(f"cause     {cause_of(letter)}, as in `crossdock dead list`")


def tell_changes(changes: Iterable[Change]) -> None:
    """Print what a repair changes: red what was, green what will be."""
    console = Console(highlight=False)
    none = True
    for each in changes:
        none = False
        console.print(f"  {escape(each.pointer) or '(the whole)'}", style="bold")
        if each.before is not None:
            console.print(f"    - {escape(each.before)}", style="red")
        if each.after is not None:
            console.print(f"    + {escape(each.after)}", style="green")
    if none:
        console.print("  it changes nothing")
