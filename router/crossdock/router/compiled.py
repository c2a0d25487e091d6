"""A route made ready to decide: everything read, compiled and resolved, nothing left to look up."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Final

import msgspec

from crossdock.contracts import Contract, ContractRef, Halt, Registry, is_token
from crossdock.contracts.replying import REPLY
from crossdock.contracts.slips import NEXT, route_of
from crossdock.mesh.expression import Expression
from crossdock.mesh.groups import Rule
from crossdock.mesh.message_view import VARIABLE
from crossdock.mesh.ordering import OrderKey
from crossdock.router.aggregating import Aggregator, compile_aggregate
from crossdock.router.compile_scope import CompileScope
from crossdock.router.compiled_branch import BranchCompiler, CompiledBranch
from crossdock.router.conditions import Guard
from crossdock.router.delaying import Delayer, compile_delay
from crossdock.router.flow import PureStep
from crossdock.router.python_steps.frames import Described
from crossdock.router.resequencing import Resequencer, compile_resequence
from crossdock.router.route_file import RouteFile
from crossdock.router.steps.compiling import compile_steps
from crossdock.router.steps.detour import detours_in
from crossdock.router.together import refuse_together

_NO_FUNCTIONS: Final[Mapping[str, Described]] = MappingProxyType({})


class CompiledRoute(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A route made ready to decide. It holds the contracts it was compiled with.

    Attributes:
        name: Its name.
        source: CloudEvents ``source`` of the messages that it makes.
        accepts: What it accepts, as written.
        accepted: Every contract in the ranges of ``accepts``, by its ``dataschema``.
        registry: All contracts, to tell an unknown one from one that is not accepted.
        where: Message Filter, if there is one.
        order: What messages have to stay in order with, if they do (I7).
        resequence: In which order messages come to all that follows, if that matters.
        steps: What a message goes through between ``where`` and the branches.
        aggregate: How messages come together before they are sent, if they do.
        delay: Until when messages wait before they are sent, if they do.
        branches: In the order of the file.
        send_all: Every branch that holds is taken, instead of the first.
        on_failure: Name of its failure policy.
        is_stop: It takes only what a routing slip sends to it.
        buries_expired: A message that has expired becomes a dead letter, instead of being filtered.
    """

    name: str
    source: str
    accepts: tuple[ContractRef, ...]
    accepted: dict[str, Contract]
    registry: Registry
    where: Guard | None
    order: OrderKey | None = None
    resequence: Resequencer | None = None
    steps: tuple[PureStep, ...] = ()
    aggregate: Aggregator | None = None
    delay: Delayer | None = None
    branches: tuple[CompiledBranch, ...]
    send_all: bool
    on_failure: str
    is_stop: bool = False
    buries_expired: bool = False

    @property
    def destinations(self) -> tuple[str, ...]:
        """Every destination it may send to, in the order of the file."""
        taps = [name for step in self.steps for name in step.destinations]
        sent = [target.destination for branch in self.branches for target in branch.targets]
        return tuple(dict.fromkeys([*taps, *sent]))

    @cached_property
    def sends_elsewhere(self) -> bool:
        """Whether it may send to other places than destinations: replies, stops of a slip."""
        return any(
            each in (REPLY, NEXT) or route_of(each) is not None for each in self.destinations
        )

    @property
    def texts(self) -> tuple[str, ...]:
        """Every expression as compiled, files included: what tells an edited route from this."""
        return tuple(each.text for _, each in self.expressions())

    @cached_property
    def uses_message(self) -> bool:
        """Whether an expression reads the attributes of the message."""
        return any(VARIABLE in text for text in self.texts)

    @cached_property
    def straight(self) -> bool:
        """Whether it decides on the data alone: then the shortest way is taken."""
        return not (self.steps or self.grouping or self.delay or self.uses_message)

    @property
    def grouping(self) -> Rule | None:
        """What its groups keep to, if it keeps messages until others come."""
        if self.aggregate is not None:
            return self.aggregate.rule
        return None if self.resequence is None else self.resequence.rule

    @cached_property
    def asks(self) -> bool:
        """Whether it may need answers from outside to decide."""
        return any(each.asks for each in self.steps)

    @cached_property
    def detours(self) -> dict[str, bool]:
        """Its detours, and whether they are taken as long as no operator decides on them."""
        return {each.detour: each.on for each in detours_in(self.steps)}

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """Yield every expression, with its JSON Pointer in the route file."""
        if self.where is not None:
            yield "/where", self.where.expression
        if self.order is not None and self.order.expression is not None:
            yield "/order", self.order.expression
        for each in (self.resequence, *self.steps, self.aggregate, self.delay):
            if each is not None:
                yield from each.expressions()
        for branch in self.branches:
            if branch.guard is not None:
                yield f"/{branch.name}/when", branch.guard.expression
            if branch.chosen is not None:
                key = "slip" if branch.slips else "expr"
                yield f"/{branch.name}/to/{key}", branch.chosen
            if branch.mapping is not None:
                yield f"/{branch.name}/map", branch.mapping


def compile_route(
    route: RouteFile,
    registry: Registry,
    folder: Path,
    *,
    mesh: str,
    calls: Collection[str] = (),
    functions: Mapping[str, Described] = _NO_FUNCTIONS,
) -> CompiledRoute:
    """Make a route ready to decide.

    Args:
        route: The route as written.
        registry: The contracts of the project.
        folder: Where ``.jsonata`` files are looked for: the folder of the route file.
        mesh: Name of the mesh, for the source of what it makes.
        calls: Names of the calls of the project.
        functions: Its Python steps, by name.

    Raises:
        Halt: With every problem that the route has, each with its JSON Pointer in the file.
    """
    source = f"/{mesh}/router/{route.route}"
    scope = CompileScope(route.route, source, registry, folder, calls, functions)
    return _Compiler(route, registry, scope).compile()


class _Compiler:
    """Compiles one route and collects what is wrong with it."""

    def __init__(self, route: RouteFile, registry: Registry, scope: CompileScope) -> None:
        self._route = route
        self._registry = registry
        self._scope = scope

    def compile(self) -> CompiledRoute:
        route = self._route
        if not is_token(route.route):
            self._scope.wrong("/route", "not a name: use a-z, 0-9, - and _, at most 63")
        accepts, accepted = self._accepts()
        compiled = CompiledRoute(
            name=route.route,
            source=self._scope.source,
            accepts=accepts,
            accepted=accepted,
            registry=self._registry,
            where=self._scope.guard(route.where, "where", "/where"),
            order=self._order(),
            steps=self._steps(accepted),
            resequence=compile_resequence(route.resequence, self._scope),
            aggregate=compile_aggregate(route.aggregate, self._scope),
            delay=compile_delay(route.delay, self._scope),
            branches=self._branches(),
            send_all=bool(route.send_all),
            on_failure=route.on_failure,
            is_stop=route.slip,
            buries_expired=route.expired == "dead",
        )
        refuse_together(route, self._scope)
        if self._scope.problems:
            raise Halt.of(f"route {route.route[:80]} cannot be used", self._scope.problems)
        return compiled

    def _order(self) -> OrderKey | None:
        written = self._route.order
        if written is None:
            return None
        return OrderKey.of(written, lambda text: self._scope.expression(text, "/order"))

    def _steps(self, accepted: dict[str, Contract]) -> tuple[PureStep, ...]:
        self._scope.accepted = accepted
        return compile_steps(self._route.steps, "steps", self._scope)

    def _accepts(self) -> tuple[tuple[ContractRef, ...], dict[str, Contract]]:
        written = self._route.accepts
        many = isinstance(written, tuple)
        texts = written if isinstance(written, tuple) else (written,)
        if not texts:
            self._scope.wrong("/accepts", "accepts nothing: name a contract")
        refs: list[ContractRef] = []
        for at, text in enumerate(texts):
            pointer = f"/accepts/{at}" if many else "/accepts"
            if self._scope.contract(text, pointer) is not None:
                refs.append(ContractRef.parse(text))
        accepted = {
            each.dataschema: each
            for ref in refs
            for each in self._registry.contracts(ref.name)
            if ref.accepts(each.version)
        }
        return tuple(refs), accepted

    def _branches(self) -> tuple[CompiledBranch, ...]:
        route = self._route
        if bool(route.send) == bool(route.send_all):
            self._scope.wrong(
                "", "a route has either `send` or `send_all`, with at least one branch"
            )
        key = "send_all" if route.send_all else "send"
        branches = route.send_all or route.send
        branches_compiler = BranchCompiler(self._scope, counts_on=bool(route.send_all))
        compiled = []
        for at, branch in enumerate(branches):
            if branch.else_ and at != len(branches) - 1:
                self._scope.wrong(f"/{key}/{at}/else", "`else` must be the last branch")
            compiled.append(branches_compiler.compile(branch, f"{key}/{at}"))
        return tuple(compiled)
