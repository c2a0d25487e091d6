"""Making a revision: shown, agreed to, stored, and taken up by the services."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import msgspec
import typer
from rich.console import Console

from crossdock.cli.console import complain, say, say_json
from crossdock.cli.plan_making import Made, make_plan
from crossdock.cli.plan_view import as_json, show, told
from crossdock.cli.proposing import Proposal
from crossdock.cli.session import visit
from crossdock.contracts import CrossdockError
from crossdock.mesh.bus import Bus
from crossdock.mesh.fail_points import arm
from crossdock.mesh.registry.revision import MAX_AUTHOR, MAX_REASON, Note, Origin
from crossdock.mesh.registry.running import Instance, who_runs
from crossdock.mesh.registry.store import Head, Overtaken, RevisionStore

_REFUSED: Final = 1
_NOT_RUN: Final = 4
_CONFLICT: Final = 5
_PATIENCE: Final = 60.0
_LOOK: Final = 0.3

Propose = Callable[[RevisionStore, Head], Awaitable[Proposal]]


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line asks for; see the help of ``crossdock apply``."""

    project: Path
    nats: str | None
    origin: Origin
    reason: str
    author: str | None
    force: bool
    yes: bool
    wait: bool
    json: bool


def revise(wish: Wish, propose: Propose) -> None:
    """Make a revision of a proposal, as the wish says.

    Args:
        wish: Who, why and how.
        propose: Returns what shall hold; raises Halt when it cannot be used.

    Raises:
        typer.Exit: With the codes that the help of the commands tells.
    """
    arm(os.environ)
    note = _note(wish)
    made = visit(wish.project, wish.nats, lambda bus: _plan(bus, propose))
    if not wish.json:
        show(made, Console(highlight=False))
    if not (made.changes or made.damaged):
        if wish.json:
            say_json({"revision": made.head.number, "changes": []})
        return
    if made.broken and not wish.force:
        complain("not applied: it breaks what was published; --force overrules that", made.broken)
        raise typer.Exit(_REFUSED)
    _ask(wish)
    if made.broken:
        overruled = "; ".join(str(each) for each in made.broken)
        note = msgspec.structs.replace(note, forced=overruled[:MAX_REASON])
    done = visit(wish.project, wish.nats, lambda bus: _make(bus, made, note))
    if isinstance(done, Overtaken):
        complain(done.reason)
        raise typer.Exit(_CONFLICT)
    if not wish.json:
        say(f"revision {done.number} holds")
    services: list[Instance] = []
    if wish.wait:
        services = visit(wish.project, wish.nats, lambda bus: _wait(bus, done.number))
    _report(wish, made, done, services)


async def _plan(bus: Bus, propose: Propose) -> Made:
    store = RevisionStore(bus)
    head = await store.head()
    return await make_plan(bus, await propose(store, head), head)


async def _make(bus: Bus, made: Made, note: Note) -> Head | Overtaken:
    store = RevisionStore(bus)
    mesh = made.proposal.findings.mesh
    if mesh is not None:
        await store.prepare(mesh.broker)
    project = made.proposal.project
    try:
        head = await store.add(made.head, project.files, project.contents, note)
    except Overtaken as error:
        return error
    try:
        await store.sweep(head)
    except CrossdockError as error:  # the next one does it
        complain(f"what is not needed any more was not removed: {error.reason}")
    return head


async def _wait(bus: Bus, number: int) -> list[Instance]:
    """Return what the services run once each has looked at a revision, or time is up."""
    deadline = time.monotonic() + _PATIENCE
    with Console(stderr=True).status("waiting for the services") as status:
        while True:
            services = await who_runs(bus)
            late = [each for each in services if each.newest < number]
            if not late or time.monotonic() > deadline:
                return services
            status.update(f"waiting for {len(late)} of {len(services)} services")
            await asyncio.sleep(_LOOK)


def _report(wish: Wish, made: Made, done: Head, services: list[Instance]) -> None:
    others = [each for each in services if each.revision != done.number]
    if wish.json:
        changes = as_json(made)["changes"]
        say_json({"revision": done.number, "changes": changes, "services": services})
    elif wish.wait and not services:
        say("no service follows the mesh yet; start one with: crossdock router --live " + made.mesh)
    elif wish.wait:
        say(f"{len(services) - len(others)} of {len(services)} services run it")
    for each in others:
        complain(told(each))
    if others:
        raise typer.Exit(_NOT_RUN)


def _ask(wish: Wish) -> None:
    if wish.yes:
        return
    if not sys.stdin.isatty():
        complain("not applied: nobody can be asked here; give --yes")
        raise typer.Exit(_REFUSED)
    if not typer.confirm("Apply this?", err=True):
        raise typer.Exit(_REFUSED)


def _note(wish: Wish) -> Note:
    try:
        author = wish.author or _git_user(wish.project) or os.environ.get("USER", "")
        return Note(author=author[:MAX_AUTHOR], reason=wish.reason, origin=wish.origin)
    except ValueError as error:
        complain(f"not applied: {error}")
        raise typer.Exit(_REFUSED) from error


def _git_user(folder: Path) -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    found = subprocess.run(  # noqa: S603 - the program that was found, no word of others
        [git, "-C", str(folder), "config", "user.name"],
        capture_output=True,
        check=False,
        text=True,
        errors="replace",
    )
    return found.stdout.strip()
