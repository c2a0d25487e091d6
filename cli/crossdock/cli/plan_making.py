"""Comparing what is wanted with what holds, and with what the broker and the services do."""

from __future__ import annotations

import asyncio

import msgspec

from crossdock.cli.holding import Held, holding
from crossdock.cli.proposing import Proposal
from crossdock.contracts import Disconnected, Halt, Problem
from crossdock.mesh.bus import Bus, ConsumerState
from crossdock.mesh.finding import DESTINATION_PREFIX, ROUTE_PREFIX
from crossdock.mesh.registry.comparing import Change, compare, removed_names, text_diff
from crossdock.mesh.registry.drift import Drift, consumer_drift
from crossdock.mesh.registry.promises import Verdict, broken_promises, judge
from crossdock.mesh.registry.running import Instance, who_runs
from crossdock.mesh.registry.store import Head, RevisionStore
from crossdock.mesh.streams import stream_drift
from crossdock.router.processes.counting import take_census

_SHOWN_BYTES = 64 * 1024


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A plan.

    Attributes:
        mesh: Name of the mesh.
        head: What holds now; the plan is worth nothing once that has changed.
        proposal: What shall hold.
        changes: How they differ.
        diffs: By path, how a text changes.
        damaged: Why the revision that holds cannot be read, "" when it can; a new one repairs it.
        verdicts: How new versions of contracts stand to those that were published.
        broken: Promises that it breaks; only ``--force`` lets it.
        warnings: What else a person should know.
        services: Who runs which revision.
        drift: What is not as the revision that holds wants it.
    """

    mesh: str
    head: Head
    proposal: Proposal
    changes: tuple[Change, ...]
    diffs: dict[str, list[str]]
    damaged: str
    verdicts: tuple[Verdict, ...]
    broken: tuple[Problem, ...]
    warnings: tuple[str, ...]
    services: tuple[Instance, ...]
    drift: tuple[Drift, ...]

    @property
    def behind(self) -> tuple[Instance, ...]:
        """Services that run another revision than the one that holds."""
        return tuple(each for each in self.services if each.revision != self.head.number)


async def make_plan(bus: Bus, proposal: Proposal, head: Head) -> Made:
    """Compare a proposal with what holds.

    Raises:
        Disconnected: The broker does not answer.
    """
    damaged = ""
    try:
        before = await holding(RevisionStore(bus), head.revision, proposal.project.files)
    except Halt as error:
        damaged = error.reason
        before = None
    changes = compare(before.project.files if before else {}, proposal.project.files)
    services = await who_runs(bus)
    verdicts = await asyncio.to_thread(_verdicts, before, proposal) if before else []
    return Made(
        mesh=bus.subjects.mesh,
        head=head,
        proposal=proposal,
        changes=tuple(changes),
        diffs=_diffs(before, proposal, changes) if before else {},
        damaged=damaged,
        verdicts=tuple(verdicts),
        broken=(
            *(broken_promises(before.contracts, proposal.contracts) if before else ()),
            *(problem for each in verdicts for problem in each.problems),
        ),
        warnings=(
            *_left_out(proposal),
            *await _orphans(bus, changes),
            *(await _from_folder(bus) if head.revision is None and not services else ()),
        ),
        services=tuple(services),
        drift=tuple(
            await _drift(bus, before, running=bool(services)) if before and head.revision else ()
        ),
    )


def _verdicts(before: Held, after: Proposal) -> list[Verdict]:
    said = after.findings.contracts
    return judge(before.contracts, after.contracts, lambda name: said.about(name).compatibility)


def _diffs(before: Held, after: Proposal, changes: list[Change]) -> dict[str, list[str]]:
    diffs = {}
    for path in (each.path for each in changes if each.sign == "changed"):
        old, new = (each.contents[each.files[path]] for each in (before.project, after.project))
        if max(len(old), len(new)) <= _SHOWN_BYTES:
            diffs[path] = text_diff(old, new)
    return diffs


def _left_out(proposal: Proposal) -> list[str]:
    return [f"{path} is not part of a revision" for path in proposal.project.left_out]


async def _orphans(bus: Bus, changes: list[Change]) -> list[str]:
    """Tell what waits for those that go away."""
    warnings = []
    for kind, stream, prefix in (
        ("route", "in", ROUTE_PREFIX),
        ("worker", "out", DESTINATION_PREFIX),
    ):
        gone = removed_names(changes, kind)
        waiting = {each.name: each.lag for each in await _consumers(bus, stream)} if gone else {}
        for name in gone:
            lag = waiting.get(prefix + name, 0)
            if lag:
                warnings.append(f"{kind} {name} goes away; messages that wait for it: {lag:,}")
    for name in removed_names(changes, "process"):
        count = (await take_census(bus, name)).running
        if count:
            warnings.append(f"process {name} goes away; instances that stay as they are: {count:,}")
    return warnings


async def _from_folder(bus: Bus) -> list[str]:
    """Tell what runs, or ran, before anything was applied."""
    there = [each for kind in ("in", "out") for each in await _consumers(bus, kind)]
    if not there:
        return []
    warning = (
        "services run from a folder: what is applied does not change them; start them with --live "
        "MESH instead, and they go on where these stop"
    )
    return [warning]


async def _drift(bus: Bus, held: Held, *, running: bool) -> list[Drift]:
    drifts = []
    for kind, wanted in held.consumers(bus).items():
        found = await _consumers(bus, kind)
        more = [f"{ROUTE_PREFIX}{each.process}" for each in held.processes]
        drifts += consumer_drift(wanted, found, works=running, more=more)
    if held.mesh is not None and running:
        streams = await stream_drift(bus, held.mesh.broker)
        drifts += [Drift(name=name, message=message) for name, message in streams.items()]
    return drifts


async def _consumers(bus: Bus, kind: str) -> list[ConsumerState]:
    try:
        return await bus.consumers(kind)
    except Disconnected:  # the stream is not there before the first service has run
        return []
