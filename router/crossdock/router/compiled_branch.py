"""The branches of a route made ready: where each sends, as what, and on which condition."""

from __future__ import annotations

import msgspec

from crossdock.contracts import Contract, is_token
from crossdock.contracts.replying import REPLY
from crossdock.contracts.slips import NEXT, route_stop
from crossdock.mesh.expression import Expression
from crossdock.router.compile_scope import CompileScope
from crossdock.router.conditions import Guard
from crossdock.router.route_file import Branch, Computed, destinations_of


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
        chosen: Gives those of the targets that are meant; None for all.
        via: Route that gets the replies to what it sends, before whoever asked.
        is_plain: It sends to destinations, and to nothing else: no reply, no slip.
        slips: They are stops, one after another, instead of destinations at once.
    """

    name: str
    guard: Guard | None
    otherwise: bool
    targets: tuple[Target, ...]
    contract: Contract | None
    mapping: Expression | None
    chosen: Expression | None = None
    is_plain: bool = False
    slips: bool = False
    via: str | None = None


class BranchCompiler:
    """Compiles the branches of one route, in their order; what is wrong is told to the scope."""

    def __init__(self, scope: CompileScope, *, counts_on: bool) -> None:
        """Begin.

        Args:
            scope: Of the route.
            counts_on: Two branches may be taken for one message, and send to the same destination.
        """
        self._scope = scope
        self._counts_on = counts_on
        self._counts: dict[str, int] = {}

    def compile(self, branch: Branch, name: str) -> CompiledBranch:
        """Make one branch ready; ``name`` is where it stands: ``send/0``."""
        if branch.else_ and branch.when is not None:
            self._scope.wrong(f"/{name}/else", "a branch has either `when` or `else`, not both")
        contract = self._scope.contract(branch.as_, f"/{name}/as")
        return CompiledBranch(
            name=name,
            guard=self._scope.guard(branch.when, name, f"/{name}/when"),
            otherwise=branch.else_,
            targets=self._targets_of(branch, f"/{name}/to"),
            chosen=self._chosen(branch, f"/{name}/to"),
            via=self._via(branch, f"/{name}"),
            is_plain=_is_plain(branch),
            slips=isinstance(branch.to, Computed) and branch.to.slip is not None,
            contract=contract,
            mapping=self._scope.expression(branch.map, f"/{name}/map"),
        )

    def _chosen(self, branch: Branch, pointer: str) -> Expression | None:
        if not isinstance(branch.to, Computed):
            return None
        if branch.to.slip is not None:
            return self._scope.expression(branch.to.slip, f"{pointer}/slip")
        return self._scope.expression(branch.to.expr, f"{pointer}/expr")

    def _via(self, branch: Branch, pointer: str) -> str | None:
        via = branch.reply_via
        if via is not None and not is_token(via):
            self._scope.wrong(f"{pointer}/reply_via", f"{via[:80]!r} is not the name of a route")
        if via is not None and REPLY in destinations_of(branch):
            self._scope.wrong(f"{pointer}/reply_via", "what is a reply itself gets no reply")
        return via

    def _targets_of(self, branch: Branch, pointer: str) -> tuple[Target, ...]:
        to = branch.to
        if not isinstance(to, Computed) or to.slip is None:
            return self._targets(destinations_of(branch), pointer)
        if {REPLY, NEXT} & {*to.among, *to.routes}:
            self._scope.wrong(pointer, f"{REPLY!r} and {NEXT!r} are no stops")
        targets = self._targets((*to.routes, *to.among), pointer)
        return tuple(
            Target(route_stop(each.destination), each.index)
            if each.destination in to.routes
            else each
            for each in targets
        )

    def _targets(self, names: tuple[str, ...], pointer: str) -> tuple[Target, ...]:
        if not names:
            self._scope.wrong(pointer, "goes nowhere: name a destination")
        if len(set(names)) != len(names):
            self._scope.wrong(pointer, "names a destination twice")
        targets = []
        for name in names:
            if not is_token(name):
                self._scope.wrong(
                    pointer, f"{name[:80]!r} is not a destination: use a-z, 0-9, - and _"
                )
            # Only `send_all` can take two branches for one message: `send` always counts from 0,
            # so that a branch put before another does not change the other's ids (I4).
            index = self._counts.get(name, 0) if self._counts_on else 0
            self._counts[name] = index + 1
            targets.append(Target(name, index))
        return tuple(targets)


def _is_plain(branch: Branch) -> bool:
    slips = isinstance(branch.to, Computed) and branch.to.slip is not None
    elsewhere = {REPLY, NEXT}.intersection(destinations_of(branch))
    return not (slips or elsewhere or branch.reply_via is not None)
