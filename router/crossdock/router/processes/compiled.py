"""A process made ready to run: everything read, compiled and resolved, nothing left to look up."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from crossdock.contracts import Contract, Registry
from crossdock.mesh.expression import Expression
from crossdock.router.processes.process_file import Limits, Rule


class Accepts(msgspec.Struct, frozen=True):
    """Which messages are meant.

    Attributes:
        written: As the file has it: ``name@range``.
        schemas: The ``dataschema`` of each contract in the range.
    """

    written: str
    schemas: frozenset[str]


class CompiledCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command that a process sends.

    Attributes:
        place: Where it stands in the process: ``states/paying/enter/0``.
        destination: Where to.
        contract: What it is sent as.
        mapping: Makes its data; None for all that the instance keeps.
        when: Otherwise nothing is sent; None for always.
        undo: What takes it back; None for nothing.
        done: Of one that takes back: what says that it is done; None when that is not waited for.
        within: Of one that takes back: seconds for which that is waited for.
    """

    place: str
    destination: str
    contract: Contract
    mapping: Expression | None = None
    when: Expression | None = None
    undo: CompiledCommand | None = None
    done: Accepts | None = None
    within: float = 0.0


class CompiledStart(msgspec.Struct, frozen=True, kw_only=True):
    """What begins an instance; see :class:`Start`."""

    place: str
    accepts: Accepts
    when: Expression | None
    keep: Expression | None
    go: str


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """What a state does with a message; see :class:`On`."""

    place: str
    accepts: Accepts
    when: Expression | None
    keep: Expression | None
    go: str | None
    refused: bool


class CompiledState(msgspec.Struct, frozen=True, kw_only=True):
    """A state.

    Attributes:
        name: Its name.
        enter: Commands that are sent when it is entered.
        on: What it does with messages, in the order of the file.
        after: Seconds after which its time is up; 0 for never.
        then: State to go to when its time is up.
        compensates: Whether what was done is taken back.
        is_end: Whether the instance ends here.
    """

    name: str
    enter: tuple[CompiledCommand, ...]
    on: tuple[Transition, ...]
    after: float
    then: str
    compensates: bool
    is_end: bool


class CompiledProcess(msgspec.Struct, frozen=True, kw_only=True):
    """A process made ready to run. It holds the contracts it was compiled with.

    Attributes:
        name: Its name.
        source: CloudEvents ``source`` of what it sends.
        revision: Name of this state of it.
        registry: All contracts, to tell an unknown one from one that is not accepted.
        accepted: Every contract that it takes, by ``dataschema``.
        keys: What gives the key, by ``dataschema``.
        starts: What begins an instance.
        states: By name, in the order of the file.
        early: What becomes of a message whose instance has not begun.
        unexpected: What becomes of a message that the state does not expect.
        late: What becomes of a message whose instance has ended.
        limits: Bounds.
        on_failure: Name of its failure policy.
    """

    name: str
    source: str
    revision: str = ""
    registry: Registry
    accepted: dict[str, Contract]
    keys: dict[str, Expression]
    starts: tuple[CompiledStart, ...]
    states: dict[str, CompiledState]
    early: Rule
    unexpected: Rule
    late: Rule
    limits: Limits
    on_failure: str

    @property
    def awaited(self) -> frozenset[str]:
        """The ``dataschema`` of all that a state, or what takes back, may wait for."""
        found = [each.accepts for state in self.states.values() for each in state.on]
        found += [each.undo.done for each in self.commands() if each.undo and each.undo.done]
        return frozenset().union(*(each.schemas for each in found))

    @property
    def destinations(self) -> tuple[str, ...]:
        """Every destination that it may send to, in the order of the file."""
        found = [c.destination for each in self.commands() for c in (each, each.undo) if c]
        return tuple(dict.fromkeys(found))

    @property
    def texts(self) -> tuple[str, ...]:
        """Every expression as compiled, files included."""
        return tuple(each.text for _, each in self.expressions())

    def commands(self) -> Iterator[CompiledCommand]:
        """Yield what is sent when states are entered."""
        for state in self.states.values():
            yield from state.enter

    def ways(self) -> Iterator[str]:
        """Yield what examples can come through: messages, times that are up, what is taken back."""
        for each in self.starts:
            yield each.place
        for state in self.states.values():
            for command in state.enter:
                if command.undo is not None:
                    yield command.undo.place
            for on in state.on:
                yield on.place
            if state.after:
                yield f"states/{state.name}/timeout"

    def command(self, place: str) -> CompiledCommand | None:
        """Return what stands at a place; None when there is nothing."""
        return next((each for each in self.commands() if each.place == place), None)

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """Yield every expression, with its JSON Pointer in the process file."""
        one = len(set(self.keys.values())) == 1
        for schema, key in self.keys.items():
            yield "/key" if one else f"/key/{self.accepted[schema].name}", key
        for each in self.starts:
            yield from _of(each.place, ("when", each.when), ("keep", each.keep))
        for state in self.states.values():
            for command in state.enter:
                yield from _of(command.place, ("when", command.when), ("map", command.mapping))
                if command.undo is not None:
                    yield from _of(command.undo.place, ("map", command.undo.mapping))
            for on in state.on:
                yield from _of(on.place, ("when", on.when), ("keep", on.keep))


def _of(place: str, *found: tuple[str, Expression | None]) -> Iterator[tuple[str, Expression]]:
    for name, each in found:
        if each is not None:
            yield f"/{place}/{name}", each
