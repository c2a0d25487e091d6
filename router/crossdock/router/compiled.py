"""A route made ready to decide: everything read, compiled and resolved, nothing left to look up."""

from __future__ import annotations

from pathlib import Path

import msgspec

from crossdock.contracts import Contract, ContractRef, Halt, Problem, Registry, Reject, is_token
from crossdock.mesh.expression import Expression
from crossdock.mesh.expression_file import load_expression
from crossdock.router.route_file import Branch, RouteFile


class Condition(msgspec.Struct, frozen=True):
    """A condition and what came of it.

    Attributes:
        branch: Where it stands in the route: ``where``, ``send/0``, ``send_all/2``.
        held: Whether it held.
    """

    branch: str
    held: bool


class Guard(msgspec.Struct, frozen=True):
    """A condition of the route, with both of its outcomes made in advance.

    Attributes:
        expression: The condition.
        held: What is noted when it holds.
        failed: What is noted when it does not.
    """

    expression: Expression
    held: Condition
    failed: Condition


class Target(msgspec.Struct, frozen=True):
    """A destination of a branch.

    Attributes:
        destination: Its name.
        index: Tells apart the children that one message may send to the same destination.
    """

    destination: str
    index: int


class CompiledBranch(msgspec.Struct, frozen=True):
    """One branch of a compiled route.

    Attributes:
        name: Where it stands in the route: ``send/0``.
        guard: Its condition; None when it always holds, or holds when no other did.
        otherwise: Taken only when no branch before it was.
        targets: Where it sends.
        contract: What it sends; None for the contract of the message that came in.
        mapping: Makes the data that it sends; None when the data goes on unchanged.
    """

    name: str
    guard: Guard | None
    otherwise: bool
    targets: tuple[Target, ...]
    contract: Contract | None
    mapping: Expression | None


class CompiledRoute(msgspec.Struct, frozen=True, kw_only=True):
    """A route made ready to decide. It holds the contracts it was compiled with.

    Attributes:
        name: Its name.
        source: CloudEvents ``source`` of the messages that it makes.
        accepts: What it accepts, as written.
        accepted: Every contract in the ranges of ``accepts``, by its ``dataschema``.
        registry: All contracts, to tell an unknown one from one that is not accepted.
        where: Message Filter, if there is one.
        branches: In the order of the file.
        send_all: Every branch that holds is taken, instead of the first.
        on_failure: Name of its failure policy.
    """

    name: str
    source: str
    accepts: tuple[ContractRef, ...]
    accepted: dict[str, Contract]
    registry: Registry
    where: Guard | None
    branches: tuple[CompiledBranch, ...]
    send_all: bool
    on_failure: str

    @property
    def destinations(self) -> tuple[str, ...]:
        """Every destination it may send to, in the order of the file."""
        found = (target.destination for branch in self.branches for target in branch.targets)
        return tuple(dict.fromkeys(found))

    @property
    def texts(self) -> tuple[str, ...]:
        """Every expression as compiled, files included: what tells an edited route from this."""
        guards = (self.where, *(branch.guard for branch in self.branches))
        mappings = (branch.mapping for branch in self.branches)
        conditions = (guard.expression for guard in guards if guard is not None)
        return tuple(each.text for each in (*conditions, *mappings) if each is not None)


def compile_route(
    route: RouteFile, registry: Registry, folder: Path, *, mesh: str
) -> CompiledRoute:
    """Make a route ready to decide.

    Args:
        route: The route as written.
        registry: The contracts of the project.
        folder: Where ``.jsonata`` files are looked for: the folder of the route file.
        mesh: Name of the mesh, for the source of what it makes.

    Raises:
        Halt: With every problem that the route has, each with its JSON Pointer in the file.
    """
    return _Compiler(route, registry, folder).compile(mesh)


class _Compiler:
    """Compiles one route and collects what is wrong with it."""

    def __init__(self, route: RouteFile, registry: Registry, folder: Path) -> None:
        self._route = route
        self._registry = registry
        self._folder = folder
        self._problems: list[Problem] = []

    def compile(self, mesh: str) -> CompiledRoute:
        route = self._route
        if not is_token(route.route):
            self._wrong("/route", "not a name: use a-z, 0-9, - and _, at most 63")
        accepts, accepted = self._accepts()
        compiled = CompiledRoute(
            name=route.route,
            source=f"/{mesh}/router/{route.route}",
            accepts=accepts,
            accepted=accepted,
            registry=self._registry,
            where=self._guard(route.where, "where", "/where"),
            branches=self._branches(),
            send_all=bool(route.send_all),
            on_failure=route.on_failure,
        )
        if self._problems:
            raise Halt.of(f"route {route.route[:80]} cannot be used", self._problems)
        return compiled

    def _accepts(self) -> tuple[tuple[ContractRef, ...], dict[str, Contract]]:
        written = self._route.accepts
        many = isinstance(written, tuple)
        texts = written if isinstance(written, tuple) else (written,)
        if not texts:
            self._wrong("/accepts", "accepts nothing: name a contract")
        refs: list[ContractRef] = []
        for at, text in enumerate(texts):
            pointer = f"/accepts/{at}" if many else "/accepts"
            if self._contract(text, pointer) is not None:
                refs.append(ContractRef.parse(text))
        accepted = {
            each.dataschema: each
            for each in self._registry
            if any(ref.name == each.name and ref.accepts(each.version) for ref in refs)
        }
        return tuple(refs), accepted

    def _branches(self) -> tuple[CompiledBranch, ...]:
        route = self._route
        if bool(route.send) == bool(route.send_all):
            self._wrong("", "a route has either `send` or `send_all`, with at least one branch")
        key = "send_all" if route.send_all else "send"
        branches = route.send_all or route.send
        counts: dict[str, int] = {}
        compiled = []
        for at, branch in enumerate(branches):
            if branch.else_ and at != len(branches) - 1:
                self._wrong(f"/{key}/{at}/else", "`else` must be the last branch")
            compiled.append(self._branch(branch, f"{key}/{at}", counts))
        return tuple(compiled)

    def _branch(self, branch: Branch, name: str, counts: dict[str, int]) -> CompiledBranch:
        if branch.else_ and branch.when is not None:
            self._wrong(f"/{name}/else", "a branch has either `when` or `else`, not both")
        contract = None
        if branch.as_ is not None:
            contract = self._contract(branch.as_, f"/{name}/as")
        return CompiledBranch(
            name=name,
            guard=self._guard(branch.when, name, f"/{name}/when"),
            otherwise=branch.else_,
            targets=self._targets(branch.to, f"/{name}/to", counts),
            contract=contract,
            mapping=self._expression(branch.map, f"/{name}/map"),
        )

    def _targets(
        self, to: str | tuple[str, ...], pointer: str, counts: dict[str, int]
    ) -> tuple[Target, ...]:
        names = to if isinstance(to, tuple) else (to,)
        if not names:
            self._wrong(pointer, "goes nowhere: name a destination")
        if len(set(names)) != len(names):
            self._wrong(pointer, "names a destination twice")
        targets = []
        for name in names:
            if not is_token(name):
                self._wrong(pointer, f"{name[:80]!r} is not a destination: use a-z, 0-9, - and _")
            # Only `send_all` can take two branches for one message: `send` always counts from 0,
            # so that a branch put before another does not change the other's ids (I4).
            index = counts.get(name, 0) if self._route.send_all else 0
            counts[name] = index + 1
            targets.append(Target(name, index))
        return tuple(targets)

    def _contract(self, text: str, pointer: str) -> Contract | None:
        try:
            contract = self._registry.resolve(ContractRef.parse(text))
            contract.compile()
        except ValueError as error:
            self._wrong(pointer, str(error))
        except (Reject, Halt) as error:
            self._wrong(pointer, error.reason)
        else:
            return contract
        return None

    def _guard(self, text: str | None, name: str, pointer: str) -> Guard | None:
        expression = self._expression(text, pointer)
        if expression is None:
            return None
        return Guard(expression, Condition(name, held=True), Condition(name, held=False))

    def _expression(self, text: str | None, pointer: str) -> Expression | None:
        if text is None:
            return None
        place = f"route {self._route.route}, {pointer[1:]}"
        try:
            return load_expression(text, self._folder, place=place)
        except ValueError as error:
            self._wrong(pointer, str(error))
            return None

    def _wrong(self, pointer: str, message: str) -> None:
        self._problems.append(Problem(message=message, pointer=pointer))
