"""The type check of one process against its contracts."""

from __future__ import annotations

from collections.abc import Iterator

from crossdock.contracts import Contract
from crossdock.mesh.expression import Expression
from crossdock.router.checking.comparing import describe
from crossdock.router.checking.finding import Finding
from crossdock.router.checking.making import optional, union
from crossdock.router.checking.schema_types import type_of_schema
from crossdock.router.checking.stepping import Walk
from crossdock.router.checking.told import Told
from crossdock.router.checking.types import (
    ANYTHING,
    Bool,
    Number,
    Object,
    Text,
    Type,
    Unknown,
)
from crossdock.router.checking.world import MESSAGE, World
from crossdock.router.processes.compiled import (
    Accepts,
    CompiledCommand,
    CompiledProcess,
    CompiledStart,
    Transition,
)

_KEY = (Text, Number, Bool, Unknown)


def check_process(process: CompiledProcess) -> list[Told]:
    """Return what is wrong with a compiled process.

    Nothing is told where a schema or an expression is nested deeper than can be judged.
    """
    try:
        return _Check(process).told()
    except RecursionError:
        return []


class _Check:
    """One process, with the types of its keys and of what its instances keep."""

    def __init__(self, process: CompiledProcess) -> None:
        self._process = process
        self._walk = Walk(process.accepted, {})
        self._key = ANYTHING
        self._data = ANYTHING

    def told(self) -> list[Told]:
        self._key = self._keys()
        self._data = Type((Object(self._fields()),))
        for each in self._process.starts:
            self._when(each, self._message(each.accepts, begun=False))
            self._keep(each, self._message(each.accepts, begun=False), self._walk)
        for state in self._process.states.values():
            for on in state.on:
                self._when(on, self._message(on.accepts))
                self._keep(on, self._message(on.accepts), self._walk)
            for command in state.enter:
                self._command(command)
        return list(dict.fromkeys(self._walk.told))

    def _keys(self) -> Type:
        """Judge what gives the key, for each contract by itself."""
        found = []
        several = len(set(self._process.keys.values())) > 1
        for schema, expression in self._process.keys.items():
            contract = self._process.accepted[schema]
            pointer = f"/key/{contract.name}" if several else "/key"
            walk = Walk(self._process.accepted, {})
            given = walk.mapping(expression, pointer, _world(type_of_schema(contract.schema)))
            self._walk.told += [_of_contract(each, contract) for each in walk.told]
            if not walk.told and not any(isinstance(each, _KEY) for each in given.kinds):
                message = f"gives {describe(given)} of {contract.name}, and a key is a text, a "
                finding = Finding(code="invalid-process", message=f"{message}number or a boolean")
                self._walk.told.append(Told(pointer=pointer, finding=finding))
            found.append(given.present)
        return union(*found) if found else ANYTHING

    def _fields(self) -> dict[str, Type]:
        """Return the type of each field that an instance may keep."""
        quiet = Walk(self._process.accepted, {})
        starts = [
            self._keep(each, self._message(each.accepts, begun=False), quiet)
            for each in self._process.starts
        ]
        later = [
            self._keep(on, self._message(on.accepts), quiet)
            for state in self._process.states.values()
            for on in state.on
        ]
        made = [*starts, *(each for each in later if each is not None)]
        names = dict.fromkeys(name for each in made if each is not None for name in each)
        fields: dict[str, Type] = {}
        for name in names:
            known = [each[name] for each in made if each is not None and name in each]
            always = all(each is not None and name in each for each in starts)
            field = union(*known) if always else optional(union(*known))
            fields[name] = field
        return fields

    def _keep(
        self, on: CompiledStart | Transition, world: World, walk: Walk
    ) -> dict[str, Type] | None:
        """Return the fields that a message adds to what is kept; None when it adds none."""
        if on.keep is None:
            return None
        made = walk.mapping(on.keep, f"/{on.place}/keep", world)
        objects = [each for each in made.kinds if isinstance(each, Object)]
        if not objects and not made.is_unknown:
            finding = Finding(
                code="invalid-process",
                message=f"gives {describe(made)}, and what is kept is an object",
            )
            walk.told.append(Told(pointer=f"/{on.place}/keep", finding=finding))
        names = dict.fromkeys(name for each in objects for name in each.fields)
        return {name: union(*(each.field(name) for each in objects)) for name in names}

    def _when(self, on: CompiledStart | Transition, world: World) -> None:
        if on.when is not None:
            self._walk.condition(on.when, f"/{on.place}/when", world)

    def _command(self, command: CompiledCommand) -> None:
        world = _world(self._data, {"key": self._key})
        if command.when is not None:
            self._walk.condition(command.when, f"/{command.place}/when", world)
        self._made(command.mapping, command.contract, command.place, world)
        if command.undo is not None:
            self._made(command.undo.mapping, command.undo.contract, command.undo.place, world)

    def _made(
        self, mapping: Expression | None, contract: Contract, place: str, world: World
    ) -> None:
        wanted = type_of_schema(contract.schema)
        if mapping is None:
            self._walk.keeps(world.data, wanted, f"/{place}/as")
            return
        pointer = f"/{place}/map"
        self._walk.keeps(self._walk.mapping(mapping, pointer, world), wanted, pointer, mapping)

    def _message(self, accepts: Accepts, *, begun: bool = True) -> World:
        schemas = [self._process.accepted[each].schema for each in sorted(accepts.schemas)]
        variables = {"key": self._key, "message": MESSAGE}
        variables["data"] = self._data if begun else Type((Object({}),))
        return _world(union(*map(type_of_schema, schemas)), variables)


def _world(data: Type, variables: dict[str, Type] | None = None) -> World:
    known = {"message": MESSAGE} if variables is None else variables
    return World(data=data, variables=known, accepted=data, contract=data)


def _of_contract(told: Told, contract: Contract) -> Told:
    """Say for which of several contracts something holds."""
    finding = told.finding
    message = f"{contract.name}: {finding.message}"
    return Told(
        pointer=told.pointer,
        finding=Finding(code=finding.code, message=message, at=finding.at, warning=finding.warning),
    )


def sends_of(process: CompiledProcess) -> Iterator[tuple[str, str]]:
    """Yield each destination of a process, and the JSON Pointer at which it is named."""
    for each in process.commands():
        yield each.destination, f"/{each.place}/send"
        if each.undo is not None:
            yield each.undo.destination, f"/{each.undo.place}/send"
