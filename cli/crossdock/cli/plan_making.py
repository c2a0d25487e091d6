"""Comparing what is wanted with what holds, and with what the broker and the services do."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec

from crossdock.cli.project_check import Findings, accepts, inspect_project
from crossdock.cli.proposing import Proposal, contracts_of
from crossdock.contracts import ContractRef, Disconnected, Problem
from crossdock.mesh.bus import Bus, ConsumerState
from crossdock.mesh.dead_letters import redrive_subject
from crossdock.mesh.finding import ROUTE_PREFIX
from crossdock.mesh.registry.comparing import Change, compare, removed_names, text_diff
from crossdock.mesh.registry.drift import Drift, consumer_drift
from crossdock.mesh.registry.folders import write_files
from crossdock.mesh.registry.promises import broken_promises
from crossdock.mesh.registry.running import Instance, who_runs
from crossdock.mesh.registry.store import Head, RevisionStore
from crossdock.mesh.streams import stream_drift
from crossdock.workers.running import DESTINATION_PREFIX

_SHOWN_BYTES = 64 * 1024


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """A plan.

    Attributes:
        mesh: Name of the mesh.
        head: What holds now; the plan is worth nothing once that has changed.
        proposal: What shall hold.
        changes: How they differ.
        diffs: By path, how a text changes.
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
        Halt: The revision that holds is damaged.
    """
    store = RevisionStore(bus)
    before = await store.files(head.revision)
    changes = compare(before, proposal.project.files)
    broken: list[Problem] = []
    if any(each.path.startswith("contracts/") for each in changes):
        broken = broken_promises(await contracts_of(store, before), proposal.contracts)
    services = await who_runs(bus)
    return Made(
        mesh=bus.subjects.mesh,
        head=head,
        proposal=proposal,
        changes=tuple(changes),
        diffs=await _diffs(store, before, proposal, changes),
        broken=tuple(broken),
        warnings=(*_left_out(proposal), *await _orphans(bus, changes)),
        services=tuple(services),
        drift=tuple(await _drift(bus, store, head, running=bool(services))),
    )


async def _diffs(
    store: RevisionStore, before: dict[str, str], proposal: Proposal, changes: list[Change]
) -> dict[str, list[str]]:
    changed = [each.path for each in changes if each.sign == "changed"]
    old = await store.contents(before[path] for path in changed)
    diffs = {}
    for path in changed:
        texts = old[before[path]], proposal.project.contents[proposal.project.files[path]]
        if max(map(len, texts)) <= _SHOWN_BYTES:
            diffs[path] = text_diff(*texts)
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
                warnings.append(f"{kind} {name} goes away, and {lag:,} messages wait for it")
    return warnings


async def _drift(bus: Bus, store: RevisionStore, head: Head, *, running: bool) -> list[Drift]:
    if head.revision is None:
        return []
    files = await store.files(head.revision)
    contents = await store.contents(files.values())
    with tempfile.TemporaryDirectory(prefix="crossdock-") as place:
        folder = Path(place) / "project"
        write_files(folder, files, contents, {})
        findings = inspect_project(folder)
    drifts = []
    for kind, wanted in (("in", _routes(bus, findings)), ("out", _destinations(bus, findings))):
        drifts += consumer_drift(wanted, await _consumers(bus, kind), works=running)
    if findings.mesh is not None and running:
        found = await stream_drift(bus, findings.mesh.broker)
        drifts += [Drift(name=name, message=message) for name, message in found.items()]
    return drifts


def _routes(bus: Bus, findings: Findings) -> dict[str, list[str]]:
    return {
        f"{ROUTE_PREFIX}{each.route}": [
            *(bus.subjects.incoming(ContractRef.parse(ref).name) for ref in accepts(each)),
            redrive_subject(bus, each.route),
        ]
        for each in findings.routes
    }


def _destinations(bus: Bus, findings: Findings) -> dict[str, list[str]]:
    names = [each.loaded.value.destination for each in findings.workers if each.is_sink]
    return {f"{DESTINATION_PREFIX}{name}": [bus.subjects.outgoing(name)] for name in names}


async def _consumers(bus: Bus, kind: str) -> list[ConsumerState]:
    try:
        return await bus.consumers(kind)
    except Disconnected:  # the stream is not there before the first service has run
        return []
