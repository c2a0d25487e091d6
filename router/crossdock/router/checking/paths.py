"""What paths give: fields, steps, predicates, sorting, grouping."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Final

from crossdock.mesh.jsonata_syntax import nodes as n
from crossdock.router.checking.comparing import kind_name
from crossdock.router.checking.making import items, list_of, may_be_list, optional, sequence, union
from crossdock.router.checking.types import (
    ANYTHING,
    NOTHING,
    List,
    Number,
    Object,
    Type,
    Unknown,
)

if TYPE_CHECKING:
    from crossdock.router.checking.inference import Inference
    from crossdock.router.checking.scope import Scope

_NEAR: Final = 0.8


class Paths:
    """The part of an inference that knows paths."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    def name(self, node: n.Name, scope: Scope) -> Type:
        """Return the type of a field of the context."""
        holders = items(scope.context)
        found = field(holders, node.name)
        if holders.kinds and self._inference.tells:
            self._tell(node, holders, found)
        if may_be_list(scope.context) and not found.is_unknown:
            return sequence(items(found)) if found.present.kinds else NOTHING
        return optional(found) if scope.context.may_miss else found

    def _tell(self, node: n.Name, holders: Type, found: Type) -> None:
        if found.present.kinds:
            self._undeclared(node, holders)
        else:
            self._no_field(node, holders)

    def _no_field(self, node: n.Name, holders: Type) -> None:
        names = _field_names(holders)
        if not names:
            message = f"{kind_name(holders)} has no field {node.name[:80]!r}"
        else:
            near = get_close_matches(node.name[:80], names, n=1)
            there = f"there is {', '.join(names[:8])}"
            hint = f"did you mean {near[0]!r}?" if near else there
            message = f"no field {node.name[:80]!r}; {hint}"
        self._inference.tell("unknown-field", message, node.at)

    def _undeclared(self, node: n.Name, holders: Type) -> None:
        """Warn of a name that a contract does not list, but that is nearly one that it does."""
        names = _field_names(holders)
        open_ = all(isinstance(each, Object) and each.rest is not None for each in holders.kinds)
        if not open_ or node.name in names:
            return
        near = get_close_matches(node.name[:80], names, n=1, cutoff=_NEAR)
        if near:
            message = f"the contract does not list {node.name[:80]!r}; did you mean {near[0]!r}?"
            self._inference.tell("unknown-field", message, node.at, warning=True)

    def path(self, node: n.Dot | n.Filter, scope: Scope) -> Type:
        """Return the type of a path."""
        return self._path(node, scope)[0]

    def _path(self, node: n.Node, scope: Scope) -> tuple[Type, bool]:
        """Return the type of a path, and whether it steps through a list somewhere."""
        if isinstance(node, n.Dot):
            return self._dot(node, scope)
        if isinstance(node, n.Filter):
            return self._filter(node, scope)
        if isinstance(node, n.Name):
            return self.name(node, scope), may_be_list(scope.context)
        return self._inference.of(node, scope), not isinstance(node, n.Variable)

    def _dot(self, node: n.Dot, scope: Scope) -> tuple[Type, bool]:
        source, many = self._path(node.source, scope)
        there = items(source)
        if not there.kinds:
            return NOTHING, many
        many = many or may_be_list(source)
        step = self._inference.of(node.step, scope.at(there))
        if step.is_unknown:
            return ANYTHING, many
        if not many:
            return (optional(step) if source.may_miss else step), False
        if isinstance(node.step, n.ListOf):
            return union(sequence(step), sequence(items(step))), True
        return (union(sequence(items(step)), step, NOTHING), True)

    def _filter(self, node: n.Filter, scope: Scope) -> tuple[Type, bool]:
        source, many = self._path(node.source, scope)
        there = items(source)
        if not there.kinds:
            return NOTHING, many
        predicate = self._inference.of(node.predicate, scope.at(there))
        is_index = all(isinstance(each, Number) for each in predicate.kinds)
        if is_index and not many:
            return optional(there), False
        return sequence(there), True

    def keep_list(self, node: n.KeepList, scope: Scope) -> Type:
        """Return the type of ``source[]``."""
        source = self._inference.of(node.source, scope)
        there = items(source)
        kept = union(list_of(there), list_of(source.present))
        return optional(kept) if there.kinds else NOTHING

    def sort(self, node: n.Sort, scope: Scope) -> Type:
        """Return the type of ``source^(terms)``."""
        there = items(self._inference.of(node.source, scope))
        if there.kinds:
            for term in node.terms:
                self._inference.of(term, scope.at(there))
        return sequence(there)

    def group(self, node: n.Group, scope: Scope) -> Type:
        """Return the type of ``source{key: value}``."""
        there = items(self._inference.of(node.source, scope))
        values = [NOTHING]
        for key, value in node.pairs if there.kinds else ():
            self._inference.of(key, scope.at(there))
            values.append(self._inference.of(value, scope.at(sequence(there, missing=False))))
        return optional(Type((Object(rest=optional(union(*values))),)))


def field(holders: Type, name: str) -> Type:
    """Return what a field of a type holds; through lists in it, undefined where there is none."""
    found = []
    for kind in holders.kinds:
        if isinstance(kind, Object):
            found.append(kind.field(name))
        elif isinstance(kind, List):
            found.append(sequence(items(field(items(kind.item), name))))
        else:
            found.append(ANYTHING if isinstance(kind, Unknown) else NOTHING)
    return union(*found)


def _field_names(holders: Type) -> list[str]:
    objects = [each for each in holders.kinds if isinstance(each, Object)]
    return list(dict.fromkeys(name for each in objects for name in each.fields))
