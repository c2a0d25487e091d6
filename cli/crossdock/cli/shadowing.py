"""Runs a shadow replay: reads what a route took and what it sent, and lets a candidate decide."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Final

import msgspec

from crossdock.cli.stream_range import Range
from crossdock.contracts import Halt, Message, Problem, Registry, Reject
from crossdock.mesh import records
from crossdock.mesh.bus import Bus, Stored
from crossdock.mesh.expression import Json
from crossdock.mesh.finding import EARLIER
from crossdock.mesh.project.contract_files import load_contracts
from crossdock.mesh.project.conversion import convert
from crossdock.mesh.project.document import read
from crossdock.mesh.project.loading import load_mesh
from crossdock.router.calls.loading import load_calls
from crossdock.router.compiled import CompiledRoute, compile_route
from crossdock.router.explaining import contracts_of
from crossdock.router.loading import FOLDER
from crossdock.router.python_steps.loading import Functions, load_functions, running_steps
from crossdock.router.route_file import RouteFile
from crossdock.router.shadow import (
    Recorded,
    Shadow,
    Stubs,
    compare_data,
    shadow,
    unreadable,
)

_MOST_KEPT: Final = 256 * 1024**2


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A route to try.

    Attributes:
        route: Compiled, under the name of the route that it is compared with.
        registry: The contracts of the project.
        functions: The Python steps of the project.
        answers: What each call answers.
    """

    route: CompiledRoute
    registry: Registry
    functions: Functions
    answers: dict[str, Json]


def load_candidate(
    project: Path, name: str, file: Path | None, answers: dict[str, Path]
) -> Candidate:
    """Read and compile the candidate.

    Args:
        project: The project folder.
        name: Name of the route that it is compared with.
        file: The candidate; that of the project when None.
        answers: Files with what calls answer, by the name of the call.

    Raises:
        Halt: It cannot be used.
    """
    registry = load_contracts(project)
    path = project / FOLDER / f"{name}.yaml" if file is None else file
    document = read(path.parent, path.name)
    mesh = load_mesh(project)
    functions = load_functions(project, mesh.steps)
    written = msgspec.structs.replace(convert(document, RouteFile), route=name)
    try:
        route = compile_route(
            written,
            registry,
            path.parent,
            mesh=mesh.mesh,
            calls=load_calls(project, registry),
            functions=functions.steps,
        )
    except Halt as error:
        placed = [
            msgspec.structs.replace(each, place=document.place(document.path_of(each.pointer)))
            for each in error.problems
        ]
        raise Halt.of(f"{path.name} cannot be used", placed) from error
    return Candidate(
        route=route,
        registry=registry,
        functions=functions,
        answers={call: _json(each) for call, each in answers.items()},
    )


async def replay(bus: Bus, candidate: Candidate, span: Range, limit: int) -> list[Shadow]:
    """Return for each message of a range what was made of it, and what would be.

    Nothing is published, and no consumer is made: the streams are only read.

    Raises:
        Disconnected: The broker does not answer.
    """
    route = candidate.route
    messages = [each async for each in _messages(bus, route, span, limit)]
    if not messages:
        return []
    since = datetime.fromisoformat(messages[0].time) - EARLIER
    recorded = await _recorded(bus, route.name, since, {each.sequence for each in messages})
    functions = candidate.functions
    with running_steps(functions.files, functions.settings) as steps:
        stubs = Stubs(candidate.answers, steps)
        found, size = [], 0
        for each in messages:
            found.append(
                await _shadowed(bus, route, each, recorded.get(each.sequence, Recorded()), stubs)
            )
            size += found[-1].size
            if size > _MOST_KEPT:
                raise Reject(
                    f"what {len(found)} messages would make takes more than "
                    f"{_MOST_KEPT // 1024**2} MiB: try fewer with --limit {len(found) - 1}"
                )
    # Where a mapping put what is personal is not known, so no value that it made is shown (I6).
    about = [candidate.registry.about(each) for each in contracts_of(route)]
    hidden = ("",) if any(each.personal for each in about) else ()
    await _compare(bus, candidate.registry, since, found, hidden)
    return found


async def _shadowed(
    bus: Bus, route: CompiledRoute, stored: Stored, recorded: Recorded, stubs: Stubs
) -> Shadow:
    """Let the candidate decide on one message; without its data it would be a dead letter."""
    message = Message.from_headers(stored.headers, stored.data)
    try:
        whole = await bus.claim_checks.fetch(message)
    except Reject as error:
        return unreadable(message, stored.sequence, recorded, error.reason)
    return shadow(route, whole, stored.sequence, recorded, stubs)


async def _messages(
    bus: Bus, route: CompiledRoute, span: Range, limit: int
) -> AsyncIterator[Stored]:
    subjects = {bus.subjects.incoming(each.name) for each in route.accepted.values()}
    count = 0
    async for stored in bus.read("in", sequence=span.sequence or 1, since=span.since):
        if count >= limit or span.is_over(stored.sequence, stored.time):
            return
        if stored.subject in subjects:
            count += 1
            yield stored


async def _recorded(bus: Bus, route: str, since: datetime, wanted: set[int]) -> dict[int, Recorded]:
    found: dict[int, Recorded] = {}
    async for stored in bus.read("record", subject=bus.subjects.record(route), since=since):
        record = records.read(stored.data)
        if record.kind == "route":
            entries = (each for each in record.entries if each.sequence in wanted)
            found |= {each.sequence: Recorded(each, record.detours) for each in entries}
    return found


async def _compare(
    bus: Bus,
    registry: Registry,
    since: datetime,
    found: list[Shadow],
    hidden: tuple[str, ...],
) -> None:
    """Compare the data of what was sent, as far as the stream still has it."""
    wanted = {child: each for each in found for child in each.made}
    async for stored in bus.read("out", since=since):
        try:
            sent = Message.from_headers(stored.headers, stored.data)
        except ValueError:
            continue
        shadowed = wanted.pop(sent.id, None)
        if shadowed is not None:
            if sent.dataref != shadowed.made[sent.id][1].dataref:  # the same check, the same data
                sent = await bus.claim_checks.fetch(sent)
            compare_data(shadowed, sent, (*hidden, *registry.about(sent.type).personal))
        if not wanted:
            return


def _json(file: Path) -> Json:
    try:
        return msgspec.json.decode(file.read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        problem = Problem(message="cannot be read as JSON", place=f"{file}:1")
        raise Halt.of("an answer cannot be used", [problem]) from error
