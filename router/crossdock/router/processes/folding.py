"""What events make of the state of a key: pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from crossdock.router.processes.compiled import CompiledProcess
from crossdock.router.processes.events import Arrival, Event, Hint, Order, Place, Sent
from crossdock.router.processes.instance import Instance, Kept, Step
from crossdock.router.processes.machine import Machine

Versions = Callable[[str], CompiledProcess]
"""Returns the process in a revision; ``""`` for the present one."""


class Folded(msgspec.Struct, frozen=True, kw_only=True):
    """What events made of an instance.

    Attributes:
        before: The instance before.
        instance: The instance now.
        places: What became of each event.
        hints: Steps that have something to send; with the id of each.
        released: Messages that come again.
        steps: Steps that were taken.
        ways: Places of the process that were come through.
    """

    before: Instance
    instance: Instance
    places: tuple[Place, ...]
    hints: tuple[tuple[str, Hint], ...] = ()
    released: tuple[Kept, ...] = ()
    steps: tuple[Step, ...] = ()
    ways: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether there is anything to store."""
        return self.instance is not self.before


def fold(
    versions: Versions,
    instance: Instance,
    events: Sequence[Event],
    now: int,
    *,
    crowded: bool = False,
) -> Folded:
    """Let events come to an instance, one after the other.

    Args:
        versions: The process, in each revision.
        instance: The instance.
        events: What comes.
        now: Unix time in milliseconds.
        crowded: Whether there are as many instances as there may be: then no other begins.
    """
    machine = Machine(versions(instance.revision), instance, now, crowded=crowded)
    places = [_place(machine, each) for each in events]
    return _folded(machine, instance, places)


def time_up(versions: Versions, instance: Instance, now: int) -> Folded | None:
    """Do what is to be done when the time of an instance is up; None when it is not."""
    machine = Machine(versions(instance.revision), instance, now)
    return _folded(machine, instance, []) if machine.time_up() else None


def _folded(machine: Machine, before: Instance, places: list[Place]) -> Folded:
    return Folded(
        before=before,
        instance=machine.instance,
        places=tuple(places),
        hints=tuple(machine.hints),
        released=tuple(machine.released),
        steps=tuple(machine.steps),
        ways=tuple(machine.ways),
    )


def _place(machine: Machine, event: Event) -> Place:
    match event:
        case Arrival():
            return machine.take(event)
        case Order():
            return machine.order(event)
        case Sent(number):
            left = tuple(each for each in machine.instance.outbox if each.number > number)
            if len(left) < len(machine.instance.outbox):
                machine.set(outbox=left)
            return Place()
