"""The type check of one route against its contracts."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec.structs import replace

from crossdock.contracts import Contract
from crossdock.contracts.slips import name_of
from crossdock.mesh.expression import Json
from crossdock.router.checking.asking import asked_in
from crossdock.router.checking.branching import uncovered, unreachable
from crossdock.router.checking.delays import check_delay
from crossdock.router.checking.documents import documents
from crossdock.router.checking.finding import Finding
from crossdock.router.checking.grouping import through_aggregate
from crossdock.router.checking.making import union
from crossdock.router.checking.ordering import judge_order
from crossdock.router.checking.schema_types import type_of_schema
from crossdock.router.checking.stepping import KEY, Walk
from crossdock.router.checking.told import Told
from crossdock.router.checking.trees import tree_of
from crossdock.router.checking.trying import try_route
from crossdock.router.checking.types import Number
from crossdock.router.checking.world import MESSAGE, Answers, Arm, World
from crossdock.router.compiled import CompiledRoute
from crossdock.router.compiled_branch import CompiledBranch

Examples = Callable[[Contract], tuple[Json, ...]]
"""Returns the valid examples of a contract."""


def check_route(
    route: CompiledRoute, examples: Examples, answers: Answers | None = None
) -> list[Told]:
    """Return what is wrong with a compiled route.

    Args:
        route: The route.
        examples: Documents to try it with, in addition to those that are made from them.
        answers: Contract of what each call answers, by its name.
    """
    try:
        told = _static(route, answers or {})
    except RecursionError:
        return []  # a schema or an expression that is nested deeper than can be judged
    trees = [tree_of(expression.text) for _, expression in route.expressions()]
    asked = asked_in(each for each in trees if each is not None)
    wrong = {each.pointer for each in told if not each.finding.warning}
    for contract in route.accepted.values():
        tried = documents(contract, examples(contract), asked)
        found = try_route(route, contract, tried, answers or {})
        told += [each for each in found if not _covers(each.pointer, wrong)]
    return list(dict.fromkeys(told))


def _covers(pointer: str, wrong: set[str]) -> bool:
    """Tell whether something is wrong at a place, or within it, already."""
    return any(each == pointer or each.startswith(f"{pointer}/") for each in wrong)


def _static(route: CompiledRoute, answers: Answers) -> list[Told]:
    """Return what can be told from the types alone."""
    data = union(*(type_of_schema(each.schema) for each in route.accepted.values()))
    world = World(data=data, variables={"message": MESSAGE}, accepted=data, contract=data)
    walk = Walk(route.accepted, answers)
    if route.resequence is not None:
        walk.scalar(route.resequence.by, "/resequence/by", world, KEY)
        number: dict[type, str] = {Number: "a number"}
        walk.scalar(route.resequence.number, "/resequence/number", world, number)
    if route.order is not None and route.order.expression is not None:
        judge_order(route.order.expression, walk, world)
    if route.where is not None:
        world = replace(world, gates=(walk.condition(route.where.expression, "/where", world),))
    world = walk.through(route.steps, world)
    if route.delay is not None:
        check_delay(route.delay, walk, world)
    if route.aggregate is not None:
        world = through_aggregate(route.aggregate, walk, world)
    arms: list[Arm | None] = []
    for branch in route.branches:
        pointer = f"/{branch.name}/when"
        guard = branch.guard
        arms.append(None if guard is None else walk.condition(guard.expression, pointer, world))
        _sent(branch, walk, world)
    return [*walk.told, *_together(route, arms, world)]


def _sent(branch: CompiledBranch, walk: Walk, world: World) -> None:
    """Judge what a branch sends, and where."""
    if branch.chosen is not None:
        names = tuple(name_of(target.destination) for target in branch.targets)
        key = "slip" if branch.slips else "expr"
        walk.chosen(branch.chosen, names, f"/{branch.name}/to/{key}", world)
    wanted = world.contract or world.accepted
    if branch.contract is not None:
        wanted = type_of_schema(branch.contract.schema)
    if branch.mapping is not None:
        pointer = f"/{branch.name}/map"
        walk.keeps(walk.mapping(branch.mapping, pointer, world), wanted, pointer, branch.mapping)
    elif branch.contract is not None or world.contract is None:
        key = "as" if branch.contract is not None else "to"
        walk.keeps(world.data, wanted, f"/{branch.name}/{key}")


def _together(route: CompiledRoute, arms: list[Arm | None], world: World) -> Iterator[Told]:
    """Judge the branches together."""
    branches = route.branches
    last = branches[-1].otherwise
    tests = arms[:-1] if last else arms  # `else` may be there for what is not known yet
    if not route.send_all:
        for number, finding in unreachable(tests, world):
            key = "" if tests[number] is None else "/when"
            yield Told(pointer=f"/{branches[number].name}{key}", finding=finding)
        if last and None in tests:
            message = "never reached: a branch before it always holds; give that one a `when`"
            finding = Finding(code="unreachable-branch", message=message)
            yield Told(pointer=f"/{branches[-1].name}", finding=finding)
    guarded = [each for each in arms if each is not None]
    if len(guarded) == len(arms):
        first = f"/{branches[0].name}/when"
        yield from (Told(pointer=first, finding=each) for each in uncovered(guarded, world))
