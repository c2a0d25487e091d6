"""Looks at instances of processes, as commands show them."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from crossdock.contracts import Halt
from crossdock.mesh.bus import Bus
from crossdock.mesh.expression import Json
from crossdock.mesh.groups.room import STREAM
from crossdock.router.processes.events import token_of
from crossdock.router.processes.instance import Instance, Status, Step, read_instance
from crossdock.router.processes.process_file import FOLDER

COLOURS: Final[dict[Status, str]] = {
    "waiting": "dim",
    "running": "cyan",
    "compensating": "yellow",
    "stuck": "bold red",
    "ended": "green",
}


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One instance in a list.

    Attributes:
        process: Name of its process.
        key: What its messages have in common.
        token: What stands for the key where it must not be seen.
        state: Where it is.
        status: What it does.
        seconds: For how long it has been in its state.
        began: When it began, RFC 3339.
        deadline: When its time is up, RFC 3339; None for never.
        steps: Steps that it took.
        waiting: Messages that wait in it.
        stuck: Why it does not go on.
        revision: Of the process that it began with.
    """

    process: str
    key: Json
    token: str
    state: str
    status: Status
    seconds: float
    began: str
    deadline: str | None
    steps: int
    waiting: int
    stuck: str
    revision: str


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """An instance and where it is.

    Attributes:
        process: Name of its process.
        token: Of its key.
        instance: The instance.
    """

    process: str
    token: str
    instance: Instance


async def listed(bus: Bus, *, process: str | None, state: str | None, older: float) -> list[Listed]:
    """Return instances, the oldest in its state first.

    Args:
        bus: The bus.
        process: Only of this process.
        state: Only in this state, or of this status.
        older: Only those that have been in their state for longer, in seconds.

    Raises:
        Disconnected: The broker does not answer.
    """
    now = time.time()
    found: list[Listed] = []
    async for stored in bus.read(
        STREAM, subject=bus.subjects.group("instance", process or "*", "*")
    ):
        *_, name, token = stored.subject.split(".")
        instance = read_instance(stored.data)
        each = as_listed(Found(process=name, token=token, instance=instance), now)
        if each.seconds >= older and state in (None, each.state, each.status):
            found.append(each)
    return sorted(found, key=lambda each: -each.seconds)


def as_listed(found: Found, now: float) -> Listed:
    """Return an instance as a list shows it.

    Args:
        found: The instance.
        now: Unix time in seconds.
    """
    instance = found.instance
    since = instance.entered or (instance.kept[0].at if instance.kept else 0)
    return Listed(
        process=found.process,
        key=instance.key,
        token=found.token,
        state=instance.state,
        status=instance.status,
        seconds=max(0.0, round(now - since / 1000, 3)) if since else 0.0,
        began=stamp(instance.began) if instance.began else "",
        deadline=stamp(instance.deadline) if instance.deadline and not instance.stuck else None,
        steps=instance.number,
        waiting=len(instance.kept),
        stuck=instance.stuck,
        revision=instance.revision,
    )


async def find_instance(bus: Bus, project: Path, key: str, process: str | None) -> list[Found]:
    """Return the instances of a key, one of each process that has one.

    Args:
        bus: The bus.
        project: The project folder, which names the processes.
        key: The key as a person writes it; or the token that records show.
        process: Only of this process.

    Raises:
        Disconnected: The broker does not answer.
        Halt: There is no process.
    """
    names = (
        [process] if process else sorted(each.stem for each in (project / FOLDER).glob("*.yaml"))
    )
    if not names:
        raise Halt(f"the project has no {FOLDER}/: say which process with --process")
    found = []
    for name in names:
        for token in _tokens(name, key):
            stored = await bus.read_newest(STREAM, bus.subjects.group("instance", name, token))
            if stored is not None:
                instance = read_instance(stored.data)
                found.append(Found(process=name, token=token, instance=instance))
                break
    return found


def _tokens(process: str, key: str) -> list[str]:
    keys: list[Json] = [key]
    try:
        number = msgspec.json.decode(key)
    except msgspec.DecodeError:
        number = None
    if isinstance(number, int | float | bool):
        keys.append(number)
    tokens = [token_of(process, each) for each in keys]
    if len(key) == len(tokens[0]) and all(each in "0123456789abcdef" for each in key):
        tokens.insert(0, key)
    return tokens


def step_told(step: Step) -> dict[str, Any]:
    """Return a step for programs."""
    return {
        "number": step.number,
        "time": stamp(step.at),
        "cause": step.cause,
        "what": step.what,
        "id": step.id,
        "before": step.before,
        "after": step.after,
        "sent": [{"to": to, "id": own, "contract": name} for to, own, name in step.sent],
        "note": step.note,
    }


def stamp(millis: int) -> str:
    """Return Unix time in milliseconds as RFC 3339."""
    text = datetime.fromtimestamp(millis / 1000, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def moment(time: str) -> str:
    """Return a time for people."""
    return time[:19].replace("T", " ") + " UTC"


def span(seconds: float) -> str:
    """Return a span of time for people, in its largest unit."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"
