"""What calls of functions give, and which arguments they cannot have."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from crossdock.mesh.jsonata_syntax import nodes as n
from crossdock.router.checking.comparing import kind_name
from crossdock.router.checking.functions import (
    ALWAYS_THERE,
    MAY_GIVE_NOTHING,
    SIGNATURES,
    Parameter,
    Signature,
    as_list,
    same_items,
    signature,
    types_named,
)
from crossdock.router.checking.making import items, may_be_list, optional, sequence, union
from crossdock.router.checking.types import (
    ANYTHING,
    FUNCTION,
    NOTHING,
    WHOLE,
    Function,
    Object,
    Type,
)

if TYPE_CHECKING:
    from crossdock.router.checking.inference import Inference
    from crossdock.router.checking.scope import Scope

_CHOOSING: Final = frozenset({"distinct", "reverse", "shuffle", "sort"})
_PER_ITEM: Final = frozenset({"map", "filter", "single"})


class Calls:
    """The part of an inference that knows functions."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    def call(self, node: n.Call, scope: Scope) -> Type:
        """Return the type of what a call gives."""
        return self._call(node.function, node.arguments, scope, None)

    def applied(self, node: n.Binary, scope: Scope) -> Type:
        """Return the type of ``value ~> function``: the value is the first argument."""
        first = self._inference.of(node.left, scope)
        if any(isinstance(each, Function) for each in first.kinds):
            return ANYTHING  # two functions made into one
        if isinstance(node.right, n.Call):
            return self._call(node.right.function, node.right.arguments, scope, first)
        if isinstance(node.right, n.Variable):
            return self._call(node.right, (), scope, first)
        self._inference.of(node.right, scope)
        return ANYTHING

    def _call(
        self, function: n.Node, arguments: tuple[n.Node, ...], scope: Scope, first: Type | None
    ) -> Type:
        name = function.name if isinstance(function, n.Variable) else ""
        found = None if scope.find(name) or name in self._inference.assigned else signature(name)
        given = [] if first is None else [first]
        if found is not None and name in _PER_ITEM:
            return self._per_item(name, given, arguments, scope)
        given += [self._inference.of(each, scope) for each in arguments]
        if found is None:
            return self._other(function, scope)
        if any(isinstance(each, n.Placeholder) for each in arguments):
            return FUNCTION
        places = [function.at] * (first is not None) + [each.at for each in arguments]
        if self._inference.tells and self._is_counted(name, found, len(given), function.at):
            self._check(name, found, given, places, scope.context)
        if name == "merge" and len(arguments) == 1 and isinstance(arguments[0], n.ListOf):
            return self._merged(arguments[0], scope)
        return _result(name, found, given)

    def _other(self, function: n.Node, scope: Scope) -> Type:
        """Judge a call of something that is no built-in function."""
        if isinstance(function, n.Name):
            if function.name in SIGNATURES:
                message = f"a function begins with $: write ${function.name}"
                self._inference.tell("unknown-function", message, function.at)
            return ANYTHING
        if isinstance(function, n.Variable):
            known = scope.find(function.name) or function.name in self._inference.assigned
            if not known and self._inference.complete:
                near = get_close_matches(function.name[:80], SIGNATURES, n=1)
                hint = f"; did you mean ${near[0]}?" if near else ""
                message = f"no function ${function.name[:80]}{hint}"
                self._inference.tell("unknown-function", message, function.at)
            return ANYTHING
        self._inference.of(function, scope)
        return ANYTHING

    def _per_item(
        self, name: str, given: list[Type], arguments: tuple[n.Node, ...], scope: Scope
    ) -> Type:
        """Judge what a function is done to each item: its parameter is an item."""
        if not given and arguments:
            given = [self._inference.of(arguments[0], scope)]
            arguments = arguments[1:]
        there = items(given[0]) if given else ANYTHING
        made = ANYTHING
        for each in arguments:
            if isinstance(each, n.Lambda):
                parameters = [there, WHOLE, as_list(there)] if there.kinds else []
                made = self._inference.body(each, parameters, scope)
            else:
                self._inference.of(each, scope)
        if name == "map":
            return ANYTHING if made.is_unknown else union(sequence(items(made)), sequence(made))
        return optional(there) if name == "single" else sequence(there)

    def _is_counted(self, name: str, found: Signature, count: int, at: int) -> bool:
        """Judge how many arguments there are."""
        if count >= found.least and (found.most is None or count <= found.most):
            return True
        message = f"${name} takes {found.counts}, and {count} are given"
        self._inference.tell("argument-count", message, at)
        return False

    def _check(
        self, name: str, found: Signature, given: list[Type], places: list[int], context: Type
    ) -> None:
        if _fits_context(found, given, context):
            return
        for parameter, argument, place in zip(found.parameters, given, places, strict=False):
            if parameter.refuses(argument):
                given_is = _given(parameter, argument)
                message = (
                    f"${name} needs {parameter.what}, and {given_is}: every such message would be "
                    "a dead letter"
                )
                self._inference.tell("argument-type", message, place)

    def _merged(self, listed: n.ListOf, scope: Scope) -> Type:
        """Return the type of ``$merge([one, other])``: the fields of both, the later ones win."""
        quiet = len(self._inference.findings)
        parts = [self._inference.of(each, scope) for each in listed.items]
        del self._inference.findings[quiet:]
        fields: dict[str, Type] = {}
        rest: Type | None = None
        for part in parts:
            only = part.kinds[0] if len(part.kinds) == 1 else None
            if not isinstance(only, Object):
                return Type((Object(rest=ANYTHING),))
            for name, found in only.fields.items():
                before = fields.get(name, rest or NOTHING)
                fields[name] = union(found.present, before) if found.may_miss else found
            if only.rest is not None:
                rest = union(rest or NOTHING, only.rest)
                fields = {
                    name: found if name in only.fields else union(found, only.rest)
                    for name, found in fields.items()
                }
        return Type((Object(fields, rest),))


def _fits_context(found: Signature, given: list[Type], context: Type) -> bool:
    """Tell whether the first argument may have been left out, and be the context."""
    parameters = found.parameters
    if not parameters or not parameters[0].context or len(given) == len(parameters):
        return False
    shifted = zip(parameters, [context, *given], strict=False)
    return not any(parameter.refuses(argument) for parameter, argument in shifted)


def _given(parameter: Parameter, argument: Type) -> str:
    if "a" in parameter.letters and may_be_list(argument):
        return f"here each is {kind_name(items(argument))}"
    return f"this is {kind_name(argument.present)}"


def _result(name: str, found: Signature, given: list[Type]) -> Type:
    if name in _CHOOSING:
        return same_items(given[0]) if given else ANYTHING
    if name == "append":
        return sequence(items(union(*given)))
    if name == "type" and len(given) == 1:
        return types_named(given[0])
    if name in ALWAYS_THERE or found.result.is_unknown:
        return found.result
    # One that takes the context may find it to be anything, so it may give nothing.
    complete = len(given) == len(found.parameters) and not any(each.may_miss for each in given)
    is_sure = complete and name not in MAY_GIVE_NOTHING
    return found.result if is_sure else optional(found.result)
