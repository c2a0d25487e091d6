"""What each process says of its components when it is asked: how they are and what they heed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

import msgspec

from crossdock.mesh.bus import Bus, asking
from crossdock.mesh.component import State
from crossdock.mesh.control.acts import FlowState, Kind, Name
from crossdock.mesh.control.permit import Permit
from crossdock.mesh.registry.running import who_runs

_CONSUMING: Final = ("router", "worker")
_PATIENCE: Final = 1.5


class Seen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One component in one process.

    Attributes:
        kind: Route, destination or source.
        name: Its name.
        state: How it is by itself: ``paused`` is its circuit breaker, not an operator.
        reason: Why it is paused or halted.
        flow: What it heeds of what operators decided.
        held: Messages that it has in hand, begun or not.
        rate: Messages a second that it keeps to because an operator said so.
        detours: Of a route: which detours it takes.
    """

    kind: Kind
    name: str
    state: State
    reason: str = ""
    flow: FlowState = "running"
    held: int = 0
    rate: float | None = None
    detours: dict[str, bool] = {}

    @property
    def component(self) -> Name:
        """Its whole name."""
        return Name(self.kind, self.name)


class Controlled(Protocol):
    """Something that runs and heeds operators."""

    @property
    def state(self) -> State:
        """How it is by itself."""

    @property
    def reason(self) -> str:
        """Why it is paused or halted."""

    @property
    def permit(self) -> Permit:
        """What operators allow it."""

    def in_hand(self) -> int:
        """Return how many messages it has, begun or not."""


def seen_of(kind: Kind, name: str, runner: Controlled) -> Seen:
    """Return how a component is now."""
    return Seen(
        kind=kind,
        name=name,
        state=runner.state,
        reason=runner.reason,
        flow=runner.permit.state,
        held=runner.in_hand(),
        rate=runner.permit.rate,
    )


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What one process says.

    Attributes:
        instance: Its name.
        seen: Its components.
    """

    instance: str
    seen: tuple[Seen, ...]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a question to all processes.

    Attributes:
        reports: Answers.
        silent: Processes that should be there, and did not answer.
    """

    reports: tuple[Report, ...]
    silent: tuple[str, ...]

    def of(self, name: Name) -> list[Seen]:
        """Return what the processes say of one component."""
        return [each for report in self.reports for each in report.seen if each.component == name]


def answering(bus: Bus, seen: Callable[[], Sequence[Seen]]) -> AbstractAsyncContextManager[None]:
    """Answer who asks, for as long as the context lasts.

    Args:
        bus: Connection, whose name is that of the process.
        seen: Returns the components of this process.

    Raises:
        Disconnected: The broker is away.
    """

    def answer() -> bytes:
        return msgspec.json.encode(Report(instance=bus.name, seen=tuple(seen())))

    return asking.answering(bus.client, _subject(bus), answer)


async def ask(bus: Bus) -> Asked:
    """Ask every process of a mesh.

    Raises:
        Disconnected: The broker does not answer.
    """
    waiting = {each.name for each in await who_runs(bus) if each.service in _CONSUMING}
    reports: dict[str, Report] = {}

    def enough(data: bytes) -> bool:
        with contextlib.suppress(msgspec.DecodeError, ValueError):
            report = msgspec.json.decode(data, type=Report)
            reports[report.instance] = report
        return bool(waiting) and waiting <= reports.keys()

    await asking.ask_all(bus.client, _subject(bus), enough, _PATIENCE)
    return Asked(
        reports=tuple(reports[name] for name in sorted(reports)),
        silent=tuple(sorted(waiting - reports.keys())),
    )


def _subject(bus: Bus) -> str:
    return f"{bus.subjects.mesh}.control.ask"
