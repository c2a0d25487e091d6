"""Takes types through the steps of a route, and tells what is wrong with each step."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from msgspec.structs import replace

from crossdock.contracts import Contract
from crossdock.mesh.expression import Expression
from crossdock.router.checking.branching import check_condition
from crossdock.router.checking.comparing import describe, kind_name, overlap
from crossdock.router.checking.conforming import breaks
from crossdock.router.checking.filtering import dropped, kept, missing
from crossdock.router.checking.finding import Finding
from crossdock.router.checking.inference import infer
from crossdock.router.checking.intersecting import intersection
from crossdock.router.checking.making import items, list_of, of_value, optional, union
from crossdock.router.checking.schema_types import type_of_schema
from crossdock.router.checking.told import Told
from crossdock.router.checking.trees import place_of, tree_of
from crossdock.router.checking.types import (
    ANYTHING,
    TEXT,
    WHOLE,
    Bool,
    List,
    Number,
    Object,
    Text,
    Type,
    Unknown,
)
from crossdock.router.checking.world import Answers, Arm, World
from crossdock.router.flow import PureStep
from crossdock.router.steps.content_filter import ContentFilter
from crossdock.router.steps.detour import Detour
from crossdock.router.steps.enricher import Enricher
from crossdock.router.steps.expiration import Expiration
from crossdock.router.steps.function import Function
from crossdock.router.steps.idempotent_receiver import IdempotentReceiver
from crossdock.router.steps.mesh_enricher import MeshEnricher
from crossdock.router.steps.message_filter import MessageFilter
from crossdock.router.steps.normalizer import Normalizer
from crossdock.router.steps.scatter_gather import ScatterGather
from crossdock.router.steps.splitter import Splitter
from crossdock.router.steps.translator import Translator
from crossdock.router.steps.wire_tap import WireTap

KEY: Final[dict[type, str]] = {Text: "a text", Number: "a number", Bool: "true or false"}
"""What a key may be."""
NULL: Final = of_value(None)
_PART: Final = Type((Object({"index": WHOLE, "count": WHOLE}),))


class Walk:
    """Walks the steps of one route, in their order; collects what is wrong."""

    def __init__(self, accepted: dict[str, Contract], answers: Answers) -> None:
        self.told: list[Told] = []
        self._accepted = accepted
        self._answers = answers
        self._rules: dict[type, Callable[[Any, World], World]] = {
            Translator: self._translator,
            ContentFilter: self._content_filter,
            MessageFilter: self._message_filter,
            Splitter: self._splitter,
            Enricher: self._enricher,
            MeshEnricher: self._mesh_enricher,
            Function: self._function,
            Normalizer: self._normalizer,
            Expiration: lambda _, world: world,
            IdempotentReceiver: self._idempotent_receiver,
            WireTap: lambda _, world: world,
            ScatterGather: self._scatter,
            Detour: self._detour,
        }

    def through(self, steps: tuple[PureStep, ...], world: World) -> World:
        """Return what is known behind the steps."""
        for step in steps:
            world = self._rules.get(type(step), self._other)(step, world)
        return world

    def condition(self, expression: Expression, pointer: str, world: World) -> Arm:
        """Judge a condition."""
        tree = tree_of(expression.text)
        if tree is None:
            return Arm(tree=None)
        found = infer(tree, world).findings
        arm = Arm(tree=tree, told=any(not each.warning for each in found))
        self._tell(pointer, [*found, *check_condition(arm, world)])
        return arm

    def mapping(self, expression: Expression, pointer: str, world: World) -> Type:
        """Judge an expression that makes data, and return the type of what it makes."""
        tree = tree_of(expression.text)
        if tree is None:
            return ANYTHING
        found = infer(tree, world)
        self._tell(pointer, found.findings)
        wrong = any(not each.warning for each in found.findings)
        return ANYTHING if wrong else found.type  # one fault is told once, not what follows from it

    def scalar(
        self, expression: Expression, pointer: str, world: World, wanted: dict[type, str]
    ) -> Type:
        """Judge an expression that has to give one of some kinds of values: a key, a number.

        Args:
            expression: The expression.
            pointer: Where it stands.
            world: What is known there.
            wanted: Each kind, and what it is called.
        """
        given = self.mapping(expression, pointer, world)
        there = given.present.kinds
        if there and not any(isinstance(each, (*wanted, Unknown)) for each in there):
            message = (
                f"gives {kind_name(given.present)}, and {' or '.join(wanted.values())} is wanted: "
                "every such message would be a dead letter"
            )
            self._tell(pointer, [Finding(code="argument-type", message=message)])
        return given

    def keeps(
        self, given: Type, wanted: Type, pointer: str, expression: Expression | None = None
    ) -> None:
        """Judge whether data can keep a contract.

        Args:
            given: Type of the data.
            wanted: What the contract allows.
            pointer: Where the data is made, or where the contract is named.
            expression: What makes the data.
        """
        tree = None if expression is None else tree_of(expression.text)
        found = list(breaks(given, wanted))
        if tree is None and len(found) > 1:  # nobody made these fields here: it is one fault
            found = [((), f"{found[0][1]} (and {len(found) - 1} more like this): add a `map`")]
        for path, message in found:
            at = 0 if tree is None else place_of(tree, path)
            finding = Finding(code="mapping-breaks-contract", message=message, at=at)
            self._tell(pointer, [finding])

    def tell(self, pointer: str, finding: Finding) -> None:
        """Note what is wrong at a place."""
        self._tell(pointer, [finding])

    def _tell(self, pointer: str, findings: list[Finding]) -> None:
        self.told += [Told(pointer=pointer, finding=each) for each in findings]

    def _other(self, step: PureStep, world: World) -> World:
        """Let a step pass whose result is not known."""
        for pointer, expression in step.expressions():
            self.mapping(expression, pointer, world)
        return replace(world, data=ANYTHING, complete=False, contract=None, gates=())

    def _translator(self, step: Translator, world: World) -> World:
        made = self.mapping(step.mapping, f"/{step.name}/map", world)
        return self._changed(world, made, step.contract, f"/{step.name}/map", step.mapping)

    def _changed(
        self,
        world: World,
        data: Type,
        contract: Contract | None,
        pointer: str,
        expression: Expression | None = None,
    ) -> World:
        wanted = None
        if contract is not None:
            wanted = type_of_schema(contract.schema)
            self.keeps(data, wanted, pointer, expression)
            both = intersection(data, wanted)
            data = both if both.kinds else wanted
        return replace(world, data=data, contract=wanted, gates=())

    def _function(self, step: Function, world: World) -> World:
        """A function takes what its contract says, and makes what its contract says."""
        if world.contract is None or world.contract != type_of_schema(step.takes.schema):
            self.keeps(world.data, type_of_schema(step.takes.schema), f"/{step.name}/python")
        made = type_of_schema(step.emits.schema)
        return replace(world, data=made, contract=made, gates=())

    def _content_filter(self, step: ContentFilter, world: World) -> World:
        pointer = f"/{step.name}/{step.pattern}"
        for path in missing(world.data, step.fields):
            message = f"no field {'.'.join(path)!r} is there to {step.pattern}"
            self._tell(pointer, [Finding(code="unknown-field", message=message)])
        data = (kept if step.keeps else dropped)(world.data, step.fields)
        return self._changed(world, data, step.contract, pointer)

    def _message_filter(self, step: MessageFilter, world: World) -> World:
        arm = self.condition(step.guard.expression, f"/{step.name}/where", world)
        return replace(world, gates=(*world.gates, arm))

    def _enricher(self, step: Enricher, world: World) -> World:
        self.mapping(step.question, f"/{step.name}/enrich/with", world)
        return self._answered(step, self._answer(step.settings.call or ""), world)

    def _mesh_enricher(self, step: MeshEnricher, world: World) -> World:
        pointer = f"/{step.name}/enrich/with"
        self._changed(world, self.mapping(step.question, pointer, world), step.contract, pointer)
        return self._answered(step, type_of_schema(step.answers.schema), world)

    @staticmethod
    def _answered(step: Enricher, answer: Type, world: World) -> World:
        settings = step.settings
        if settings.on_error == "skip":
            answer = optional(answer)
        if settings.on_error == "default":
            answer = union(answer, of_value(settings.default))
        return replace(world, variables=world.variables | {settings.into: answer})

    def _answer(self, call: str) -> Type:
        """Return the type of what a call answers: ``null`` where there is nothing."""
        contract = self._answers.get(call)
        return ANYTHING if contract is None else union(type_of_schema(contract.schema), NULL)

    def _idempotent_receiver(self, step: IdempotentReceiver, world: World) -> World:
        self.scalar(step.key, f"/{step.name}/once/key", world, KEY | {List: "a list"})
        return world

    def _scatter(self, step: ScatterGather, world: World) -> World:
        for client, question in step.questions.items():
            self.mapping(question, f"/{step.name}/scatter/ask/{client}", world)
        told = list_of(
            Type((Object({"from": TEXT, "answer": union(*map(self._answer, step.questions))}),))
        )
        return replace(world, variables=world.variables | {step.settings.into: told})

    def _normalizer(self, step: Normalizer, world: World) -> World:
        wanted = type_of_schema(step.contract.schema)
        for ref, mapping in step.written:
            pointer = f"/{step.name}/normalize/{ref.replace('~', '~0').replace('/', '~1')}"
            given = replace(world, data=union(*(self._inputs(step, mapping))))
            self.keeps(self.mapping(mapping, pointer, given), wanted, pointer, mapping)
        return replace(world, data=wanted, contract=wanted, gates=())

    def _inputs(self, step: Normalizer, mapping: Expression) -> Iterator[Type]:
        """Return the types of what a mapping is for."""
        for name, contract in self._accepted.items():
            if step.mappings.get(name) is mapping:
                yield type_of_schema(contract.schema)

    def chosen(
        self, expression: Expression, names: tuple[str, ...], pointer: str, world: World
    ) -> None:
        """Judge an expression that chooses among destinations."""
        given = items(self.mapping(expression, pointer, world))
        if given.kinds and not overlap(given, union(*map(of_value, names))):
            message = f"gives {describe(given)}, and `among` lists {', '.join(names)}"
            self._tell(pointer, [Finding(code="dangling-destination", message=message)])

    def _splitter(self, step: Splitter, world: World) -> World:
        pointer = f"/{step.name}/split"
        parts = items(self.mapping(step.parts, pointer, world))
        inner = replace(world, variables=world.variables | {"whole": world.data, "part": _PART})
        inner = self._changed(inner, parts, step.contract, pointer)
        inner = self.through(step.steps, inner)
        if step.join is None:
            return inner
        return replace(
            world,
            variables=world.variables | {step.join: list_of(inner.data)},
            complete=inner.complete,
        )

    def _detour(self, step: Detour, world: World) -> World:
        """Messages come here both ways: what follows must be right for either."""
        taken = self.through(step.steps, world)
        names = taken.variables.keys() | world.variables.keys()
        return replace(
            taken,
            data=union(taken.data, world.data),
            variables={each: _either(each, taken.variables, world.variables) for each in names},
            contract=taken.contract if taken.contract == world.contract else None,
            gates=world.gates,
        )


def _either(name: str, *ways: dict[str, Type]) -> Type:
    """Return the type of a variable that may come both ways, or one way only."""
    found = [way[name] for way in ways if name in way]
    return union(*found) if len(found) == len(ways) else optional(found[0])
