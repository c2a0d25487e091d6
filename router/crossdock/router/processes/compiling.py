"""From a process file to a process that is ready to run."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from crossdock.contracts import Contract, ContractRef, Halt, Registry, is_token
from crossdock.contracts.replying import REPLY
from crossdock.contracts.slips import NEXT
from crossdock.mesh.expression import Expression
from crossdock.router.aggregating import LEAST_TIME
from crossdock.router.compile_scope import CompileScope
from crossdock.router.processes.compiled import (
    Accepts,
    CompiledCommand,
    CompiledProcess,
    CompiledStart,
    CompiledState,
    Transition,
)
from crossdock.router.processes.graph import graph_problems
from crossdock.router.processes.instance import RESERVED
from crossdock.router.processes.process_file import On, ProcessFile, Send, Start, State, Undo

_MOST_DATA: Final = 256 * 1024  # an instance is one message, with what waits in it


def compile_process(
    file: ProcessFile, registry: Registry, folder: Path, *, mesh: str, revision: str = ""
) -> CompiledProcess:
    """Make a process ready to run.

    Args:
        file: The process as written.
        registry: The contracts of the project.
        folder: Where ``.jsonata`` files are looked for: the folder of the process file.
        mesh: Name of the mesh, for the source of what it sends.
        revision: Name of this state of it.

    Raises:
        Halt: With every problem that the process has, each with its JSON Pointer in the file.
    """
    scope = CompileScope(file.process, f"/{mesh}/router/{file.process}", registry, folder, (), {})
    scope.noun = "process"
    return _Compiler(file, registry, scope).compile(revision)


class _Compiler:
    """Compiles one process and collects what is wrong with it."""

    def __init__(self, file: ProcessFile, registry: Registry, scope: CompileScope) -> None:
        self._file = file
        self._registry = registry
        self._scope = scope
        self._accepted: dict[str, Contract] = {}

    def compile(self, revision: str) -> CompiledProcess:
        file = self._file
        if not is_token(file.process):
            self._scope.wrong("/process", "not a name: use a-z, 0-9, - and _, at most 63")
        if file.limits.data > _MOST_DATA:
            self._scope.wrong("/limits/data", f"at most {_MOST_DATA // 1024}KiB")
        starts = self._starts()
        states = {name: self._state(name, each) for name, each in file.states.items()}
        keys = self._keys()
        for problem in graph_problems(file):
            self._scope.problems.append(problem)
        if self._scope.problems:
            raise Halt.of(f"process {file.process[:80]} cannot be used", self._scope.problems)
        return CompiledProcess(
            name=file.process,
            source=self._scope.source,
            revision=revision,
            registry=self._registry,
            accepted=self._accepted,
            keys=keys,
            starts=starts,
            states=states,
            early=file.early,
            unexpected=file.unexpected,
            late=file.late,
            limits=file.limits,
            on_failure=file.on_failure,
        )

    def _starts(self) -> tuple[CompiledStart, ...]:
        written = self._file.starts
        if isinstance(written, Start):
            return (self._start(written, "starts"),)
        if not written:
            self._scope.wrong("/starts", "nothing begins it: name a contract in `on`")
        return tuple(self._start(each, f"starts/{at}") for at, each in enumerate(written))

    def _start(self, start: Start, place: str) -> CompiledStart:
        return CompiledStart(
            place=place,
            accepts=self._accepts(start.on, f"/{place}/on"),
            when=self._scope.expression(start.when, f"/{place}/when"),
            keep=self._scope.expression(start.keep, f"/{place}/keep"),
            go=start.go,
        )

    def _state(self, name: str, state: State) -> CompiledState:
        place = f"states/{name}"
        if not is_token(name) or name in RESERVED:
            taken = ", ".join(sorted(RESERVED))
            message = f"{name[:80]!r} cannot be a state: use a-z, 0-9, - and _, and not {taken}"
            self._scope.wrong(f"/{place}", message)
        if state.timeout is not None and state.timeout.after < LEAST_TIME:
            self._scope.wrong(f"/{place}/timeout/after", f"at least {LEAST_TIME:g} s")
        return CompiledState(
            name=name,
            enter=tuple(self._send(x, f"{place}/enter/{at}") for at, x in enumerate(state.enter)),
            on=tuple(self._on(each, f"{place}/on/{at}") for at, each in enumerate(state.on)),
            after=0.0 if state.timeout is None else float(state.timeout.after),
            then="" if state.timeout is None else state.timeout.go,
            compensates=state.compensate,
            is_end=state.end,
        )

    def _on(self, on: On, place: str) -> Transition:
        return Transition(
            place=place,
            accepts=self._accepts(on.message, f"/{place}/message"),
            when=self._scope.expression(on.when, f"/{place}/when"),
            keep=self._scope.expression(on.keep, f"/{place}/keep"),
            go=on.go,
            refused=on.refused,
        )

    def _send(self, send: Send, place: str) -> CompiledCommand:
        undo = None if send.undo is None else self._undo(send.undo, f"{place}/undo")
        return CompiledCommand(
            place=place,
            destination=self._destination(send.send, place),
            contract=self._contract(send.as_, f"/{place}/as"),
            mapping=self._scope.expression(send.map, f"/{place}/map"),
            when=self._scope.expression(send.when, f"/{place}/when"),
            undo=undo,
        )

    def _undo(self, undo: Undo, place: str) -> CompiledCommand:
        if undo.within < LEAST_TIME:
            self._scope.wrong(f"/{place}/within", f"at least {LEAST_TIME:g} s")
        return CompiledCommand(
            place=place,
            destination=self._destination(undo.send, place),
            contract=self._contract(undo.as_, f"/{place}/as"),
            mapping=self._scope.expression(undo.map, f"/{place}/map"),
            done=None if undo.done is None else self._accepts(undo.done, f"/{place}/done"),
            within=float(undo.within),
        )

    def _destination(self, name: str, place: str) -> str:
        if not is_token(name):
            message = f"{name[:80]!r} is not a destination: use a-z, 0-9, - and _"
            self._scope.wrong(f"/{place}/send", message)
        if name in (REPLY, NEXT):
            message = f"a process keeps neither return address nor slip: let a route send to {name}"
            self._scope.wrong(f"/{place}/send", message)
        return name

    def _contract(self, text: str, pointer: str) -> Contract:
        """Return a contract; any one when it is not there: then the process is refused anyway."""
        found = self._scope.contract(text, pointer)
        return found or Contract("not.there.yet", "0.0.0", {})

    def _accepts(self, text: str, pointer: str) -> Accepts:
        if self._scope.contract(text, pointer) is None:
            return Accepts(text, frozenset())
        ref = ContractRef.parse(text)
        meant = {
            each.dataschema: each
            for each in self._registry
            if ref.name == each.name and ref.accepts(each.version)
        }
        self._accepted |= meant
        return Accepts(text, frozenset(meant))

    def _keys(self) -> dict[str, Expression]:
        written = self._file.key
        if isinstance(written, str):
            one = self._scope.expression(written, "/key")
            return {} if one is None else dict.fromkeys(self._accepted, one)
        names = {each.name for each in self._accepted.values()}
        by_name: dict[str, Expression] = {}
        for name, text in written.items():
            if name not in names:
                self._scope.wrong(f"/key/{name}", "the process takes no message of this contract")
            found = self._scope.expression(text, f"/key/{name}")
            if found is not None:
                by_name[name] = found
        for name in sorted(names - set(written)):
            self._scope.wrong("/key", f"says nothing of {name}: add what gives its key")
        return {
            schema: by_name[each.name]
            for schema, each in self._accepted.items()
            if each.name in by_name
        }
