"""``crossdock process resume`` and ``cancel``: what a person does to an instance."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import typer

from crossdock.cli.acting import ReasonOption
from crossdock.cli.options import JsonOption, NatsOption, ProjectOption, YesOption
from crossdock.cli.process_list import ProcessOption
from crossdock.cli.process_show import KeyArgument, look_up

if TYPE_CHECKING:
    from crossdock.cli.process_look import Found
    from crossdock.mesh.bus import Bus
    from crossdock.router.processes.instance import Instance

_PATIENCE: Final = 20.0
_LOOK: Final = 0.1


def resume(  # noqa: PLR0913 - each is an option of the command
    key: KeyArgument,
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    process: ProcessOption = None,
    reason: ReasonOption = "",
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Let an instance that is stuck go on, once its cause is removed.

    What was to be taken back is asked for once more, with a new id. Exits 1 when it is not stuck,
    or no router does it within 20 seconds; then it is done as soon as one runs.
    """
    _act("resume", _chosen(key, project, nats, process), (project, nats), reason, (yes, json))


def cancel(  # noqa: PLR0913 - each is an option of the command
    key: KeyArgument,
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    process: ProcessOption = None,
    reason: ReasonOption = "",
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Cancel an instance that runs: what it did is taken back, the last first.

    Exits 1 when it does not run, or no router does it within 20 seconds; then it is done as soon as
    one runs.
    """
    _act("cancel", _chosen(key, project, nats, process), (project, nats), reason, (yes, json))


def _chosen(key: str, project: Path, nats: str | None, process: str | None) -> Found:
    from crossdock.cli.console import complain

    found = look_up(key, project, nats, process)
    if len(found) > 1:
        names = ", ".join(each.process for each in found)
        complain(f"several processes have this key ({names}): choose with --process")
        raise typer.Exit(1)
    return found[0]


def _act(
    name: Literal["resume", "cancel"],
    found: Found,
    place: tuple[Path, str | None],
    reason: str,
    ways: tuple[bool, bool],
) -> None:
    from crossdock.cli.console import complain, say, say_json
    from crossdock.cli.session import visit

    yes, json = ways
    before = found.instance
    may = bool(before.stuck) if name == "resume" else before.phase == "running"
    if not may:
        complain(f"it is {before.status}: " + _WHEN[name])
        raise typer.Exit(1)
    what = f"{name.capitalize()} {found.process} {before.key} in state {before.state}?"
    if not yes and not typer.confirm(what, err=True):
        raise typer.Exit(1)

    async def order(bus: Bus) -> Instance | None:
        return await _order(bus, found, name, reason)

    after = visit(*place, order)
    if after is None:
        complain("asked for, but no router has done it yet: it is done as soon as one runs")
        raise typer.Exit(1)
    if json:
        say_json({"process": found.process, "state": after.state, "status": after.status})
    else:
        stuck = f": {after.stuck}" if after.stuck else ""
        say(f"{found.process} is {after.status} in {after.state} now{stuck}")


_WHEN: Final = {
    "resume": "only one that is stuck can be resumed",
    "cancel": "only one that runs can be cancelled",
}


async def _order(
    bus: Bus, found: Found, name: Literal["resume", "cancel"], reason: str
) -> Instance | None:
    """Ask the routers for it; return the instance once it is done, None when it is not in time."""
    import msgspec

    from crossdock.cli.acting import who
    from crossdock.contracts import Message, new_id
    from crossdock.mesh.groups.room import STREAM
    from crossdock.router.processes.events import ORDER_TYPE, Order
    from crossdock.router.processes.instance import read_instance

    own = new_id()
    order = Order(id=own, name=name, token=found.token, by=who(), reason=reason[:200])
    message = Message(
        id=own, source="/crossdock-cli", type=ORDER_TYPE, data=msgspec.json.encode(order)
    )
    subjects = bus.subjects
    await bus.publish(subjects.group("ready", found.process, own), message)
    until = asyncio.get_running_loop().time() + _PATIENCE
    while asyncio.get_running_loop().time() < until:
        subject = subjects.group("instance", found.process, found.token)
        stored = await bus.read_newest(STREAM, subject)
        now = None if stored is None else read_instance(stored.data)
        if now is not None and any(each.id == own for each in now.story):
            return now
        await asyncio.sleep(_LOOK)
    return None
