"""Infers the type of what an expression gives, and finds what cannot be meant in it.

What is told is true of every message that the contract accepts; what is not understood is let pass.
How paths map over lists and make sequences of one into the one follows JSONata's documentation; the
tests hold the inferred types against what the engine gives on JSONata's public test suite.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, TypeGuard

import msgspec

from crossdock.mesh.jsonata_syntax import nodes as n
from crossdock.router.checking import operators
from crossdock.router.checking.calls import Calls
from crossdock.router.checking.comparing import kind_name
from crossdock.router.checking.finding import Finding
from crossdock.router.checking.functions import SIGNATURES
from crossdock.router.checking.making import (
    items,
    list_of,
    may_be_list,
    of_value,
    optional,
    union,
)
from crossdock.router.checking.paths import Paths
from crossdock.router.checking.scope import Scope
from crossdock.router.checking.trees import Tree
from crossdock.router.checking.types import (
    ANYTHING,
    FUNCTION,
    NOTHING,
    NUMBER,
    WHOLE,
    Object,
    Text,
    Type,
    Unknown,
    truth,
)
from crossdock.router.checking.world import World


class Inferred(msgspec.Struct, frozen=True):
    """What is known of an expression.

    Attributes:
        type: A type that holds every value that it can give.
        findings: What is wrong in it.
    """

    type: Type
    findings: list[Finding]


def infer(tree: Tree, world: World, *, tells: bool = True) -> Inferred:
    """Infer what an expression gives.

    Args:
        tree: The expression.
        world: What is known where it stands.
        tells: Whether what is wrong is looked for, too: that takes most of the time.
    """
    if tree.binds:
        return Inferred(ANYTHING, [])
    inference = Inference(tree, complete=world.complete, tells=tells)
    found = inference.of(tree.root, Scope(world.data, world.data, dict(world.variables)))
    return Inferred(found, list(dict.fromkeys(inference.findings)))


class Inference:
    """Walks one expression."""

    def __init__(self, tree: Tree, *, complete: bool, tells: bool) -> None:
        self.findings: list[Finding] = []
        self.complete = complete
        self.tells = tells
        self.assigned = tree.assigned
        self._calls = Calls(self)
        self._paths = Paths(self)
        self._rules: dict[type, Callable[[Any, Scope], Type]] = {
            n.Literal: lambda node, _: of_value(node.value),
            n.Regex: lambda *_: FUNCTION,
            n.Placeholder: lambda *_: ANYTHING,
            n.Wildcard: lambda *_: ANYTHING,
            n.Name: self._paths.name,
            n.Variable: self._variable,
            n.Dot: self._paths.path,
            n.Filter: self._paths.path,
            n.KeepList: self._paths.keep_list,
            n.Sort: self._paths.sort,
            n.Group: self._paths.group,
            n.Binary: self._binary,
            n.Negative: self._negative,
            n.Conditional: self._conditional,
            n.Range: self._range,
            n.ListOf: self._list,
            n.ObjectOf: self._object,
            n.Block: self._block,
            n.Assign: self._assign,
            n.Call: self._calls.call,
            n.Lambda: self._lambda,
            n.Transform: lambda *_: FUNCTION,
        }

    def of(self, node: n.Node, scope: Scope) -> Type:
        """Return the type of what a node gives."""
        return self._rules[type(node)](node, scope)

    def tell(self, code: str, message: str, at: int, *, warning: bool = False) -> None:
        """Note what is wrong."""
        self.findings.append(Finding(code=code, message=message, at=at, warning=warning))

    def _variable(self, node: n.Variable, scope: Scope) -> Type:
        if node.name in ("", "$"):
            return scope.root if node.name else scope.context
        found = scope.find(node.name)
        if found is not None:
            return found
        if node.name in SIGNATURES:
            return FUNCTION
        if node.name not in self.assigned and self.complete and self.tells:
            near = get_close_matches(node.name[:80], scope.names(), n=1)
            hint = f"; did you mean ${near[0]}?" if near else ": assign it first, with :="
            self.tell("unknown-variable", f"nothing sets ${node.name[:80]}{hint}", node.at)
        return ANYTHING

    def _binary(self, node: n.Binary, scope: Scope) -> Type:
        if node.operator == "~>":
            return self._calls.applied(node, scope)
        left = self.of(node.left, scope)
        if node.operator in ("and", "or"):
            right = self._if_reached(node.right, scope, truth(left) != {node.operator == "or"})
            return (operators.both if node.operator == "and" else operators.either)(left, right)
        if node.operator == "in" and _is_written(node.right):
            return self._among(left, node.right)
        right = self.of(node.right, scope)
        if node.operator == "&":
            return operators.joined(left, right)
        if node.operator in ("?:", "??"):
            return union(left.present, right)
        found, findings = self._judged(node, left, right)
        self.findings += findings
        return found

    def _judged(self, node: n.Binary, left: Type, right: Type) -> operators.Judged:
        if node.operator in ("=", "!="):
            return operators.equality(node.operator, left, right, self._place(node))
        if node.operator == "in":
            return operators.membership(left, right, self._place(node))
        if node.operator in operators.COMPARISONS:
            return operators.order(node.operator, left, right, self._place(node))
        return operators.arithmetic(node.operator, left, right, self._place(node))

    def _place(self, node: n.Node) -> int | None:
        return node.at if self.tells else None

    def _among(self, left: Type, members: n.ListOf) -> Type:
        """Judge ``in`` with each written member: one that no message has is never found."""
        found = of_value(value=False)
        for each in members.items:
            value = of_value(getattr(each, "value", None))
            same, findings = operators.membership(left, value, self._place(each))
            self.findings += findings
            found = operators.either(found, same)
        return found

    def _negative(self, node: n.Negative, scope: Scope) -> Type:
        operand = self.of(node.operand, scope)
        literal = isinstance(node.operand, n.Literal) and isinstance(node.operand.value, float)
        if literal and isinstance(node.operand, n.Literal):
            return of_value(-float(node.operand.value or 0))
        wrong = operators.not_a_number("-", operand, node.at)
        if wrong:
            self.findings.append(wrong)
        return optional(NUMBER) if operand.may_miss else NUMBER

    def _conditional(self, node: n.Conditional, scope: Scope) -> Type:
        condition = truth(self.of(node.condition, scope))
        then = self._if_reached(node.then, scope, True in condition)
        otherwise = NOTHING
        if node.otherwise is not None:
            otherwise = self._if_reached(node.otherwise, scope, False in condition)
        return union(*([then] * (True in condition)), *([otherwise] * (False in condition)))

    def _if_reached(self, node: n.Node, scope: Scope, is_reached: bool) -> Type:  # noqa: FBT001 - private
        """Judge what may not be evaluated at all: then nothing is wrong with it."""
        told = len(self.findings)
        found = self.of(node, scope)
        if not is_reached:
            del self.findings[told:]
        return found

    def _range(self, node: n.Range, scope: Scope) -> Type:
        for each in (node.first, node.last):
            wrong = operators.not_a_number("..", self.of(each, scope), node.at)
            if wrong:
                self.findings.append(wrong)
        return list_of(WHOLE)

    def _list(self, node: n.ListOf, scope: Scope) -> Type:
        found = [self.of(each, scope) for each in node.items]
        nested = [isinstance(each, n.ListOf) for each in node.items]
        kept = [each if whole else items(each) for each, whole in zip(found, nested, strict=True)]
        least = sum(
            1
            for each, whole in zip(found, nested, strict=True)
            if whole or not (each.may_miss or may_be_list(each))
        )
        return list_of(union(*kept), least)

    def _object(self, node: n.ObjectOf, scope: Scope) -> Type:
        fields: dict[str, Type] = {}
        rest: Type | None = None
        for key, value in node.pairs:
            name = self.of(key, scope)
            given = self.of(value, scope)
            self._key(key, name, fields)
            text = name.kinds[0] if len(name.kinds) == 1 else None
            if isinstance(text, Text) and text.values is not None and len(text.values) == 1:
                fields[next(iter(text.values))] = _grouped(given, scope.context)
            else:
                rest = union(rest or NOTHING, given)
        if rest is not None:
            fields = {each: union(found, rest) for each, found in fields.items()}
        return Type((Object(fields, rest),))

    def _key(self, node: n.Node, name: Type, before: dict[str, Type]) -> None:
        there = name.present
        if there.kinds and not any(isinstance(each, Text | Unknown) for each in there.kinds):
            message = f"a key must be a text, and this is {kind_name(there)}"
            self.tell("argument-type", message, node.at)
        if isinstance(node, n.Literal) and node.value in before:
            message = f"the key {str(node.value)[:80]!r} is there twice: remove one"
            self.tell("duplicate-key", message, node.at)

    def _block(self, node: n.Block, scope: Scope) -> Type:
        inner = scope.inside({})
        found = NOTHING
        for each in node.expressions:
            if isinstance(each, n.Assign):
                found = self.of(each.value, inner)
                inner.assign(each.name, found)
            else:
                found = self.of(each, inner)
        return found

    def _assign(self, node: n.Assign, scope: Scope) -> Type:
        found = self.of(node.value, scope)
        scope.assign(node.name, ANYTHING)  # whether it happens is not known here
        return found

    def _lambda(self, node: n.Lambda, scope: Scope) -> Type:
        self.body(node, [], scope)
        return FUNCTION

    def body(self, node: n.Lambda, given: list[Type], scope: Scope) -> Type:
        """Return what a function's body gives for arguments; those not given may be anything."""
        known = dict.fromkeys(node.parameters, ANYTHING)
        known |= dict(zip(node.parameters, given, strict=False))
        return self.of(node.body, scope.inside(known))


def _is_written(node: n.Node) -> TypeGuard[n.ListOf]:
    """Tell whether a list is written out, value by value."""
    return isinstance(node, n.ListOf) and all(isinstance(each, n.Literal) for each in node.items)


def _grouped(given: Type, context: Type) -> Type:
    """Return the type of a value in an object that is made from a list: it may have no item."""
    return optional(given) if may_be_list(context) else given
