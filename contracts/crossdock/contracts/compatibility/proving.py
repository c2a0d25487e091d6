"""Proves that one schema accepts everything that another does.

The proof for a schema as a value is the validator's own (`jsonschema_rs.CanonicalSchema.covers`).
It does not see through schemas that contain themselves. Those are proven by induction over the
depth of a document: where both lead to themselves at the same place inside a value, that place is
compared on its own, and the rest without it.
"""

from __future__ import annotations

from typing import Final

import jsonschema_rs
from jsonschema_rs.canonical import CanonicalizationError, Containment, Satisfiability

from crossdock.contracts.compatibility.aligning import aligned
from crossdock.contracts.compatibility.canonical import canonical
from crossdock.contracts.compatibility.document import DRAFT_2020, Node
from crossdock.contracts.compatibility.effects import Effect, worst
from crossdock.contracts.compatibility.expanding import Expansion, TooComplexError
from crossdock.contracts.compatibility.keywords import ANNOTATIONS, meaning
from crossdock.contracts.compatibility.references import UnusableReferenceError
from crossdock.contracts.compatibility.witnesses import accepts, witness
from crossdock.contracts.schema_walk import Schema

_MAX_PROOFS: Final = 2_000
_MAX_SCHEMAS: Final = 100_000  # in one comparison: a few seconds
_EFFECTS: Final = {"yes": Effect.KEEPS, "no": Effect.BREAKS, "unknown": Effect.UNDECIDED}

_Place = tuple[str, ...]


class Prover:
    """Compares places of two documents, in either direction."""

    def __init__(self) -> None:
        """Begin with nothing assumed."""
        self._assumed: set[tuple[int, str, str]] = set()
        self._open: set[tuple[int, str, str]] = set()
        self._left = 0
        self._space = _MAX_SCHEMAS

    def effect(self, source: Node, target: Node) -> Effect:
        """Tell whether the target accepts whatever the source does."""
        self._assumed.clear()
        self._open.clear()
        self._left = _MAX_PROOFS
        if source.document.mixed or target.document.mixed:
            return Effect.UNDECIDED
        try:
            return self._effect(source, target)
        except (TooComplexError, UnusableReferenceError, RecursionError):
            return Effect.UNDECIDED

    def _effect(self, source: Node, target: Node) -> Effect:
        self._left -= 1
        if self._left < 0:
            raise TooComplexError("too much to prove")
        if not (source.document.recurs(source) or target.document.recurs(target)):
            return self._covers(source, target)
        source, target = source.resolved(), target.resolved()
        key = (id(source.document), source.pointer, target.pointer)
        if key in self._open:  # about the same value again: that would be proving it by itself
            return Effect.UNDECIDED
        self._open.add(key)
        found = self._by_shape(source, target)
        self._open.discard(key)
        return found

    def _by_shape(self, source: Node, target: Node) -> Effect:
        if _is_only(source, "anyOf") and _is_only(target, "anyOf"):
            return self._by_branches(source, target, "anyOf")
        if _is_only(source, "oneOf") and _is_only(target, "oneOf"):
            return self._by_branches(source, target, "oneOf")
        return self._by_places(source, target)

    def _by_places(self, source: Node, target: Node) -> Effect:
        """Compare what lies inside on its own, and the rest without it."""
        ours, theirs = _places(source), _places(target)
        pairs = [
            (one, other)
            for place in ours.keys() & theirs.keys()
            for one, other in _paired(ours[place], theirs[place])
            if one.document.recurs(one) or other.document.recurs(other)
        ]
        found = self._covers(
            source,
            target,
            frozenset(one.pointer for one, _ in pairs),
            frozenset(other.pointer for _, other in pairs),
        )
        return worst(found, *(self._inside(one, other) for one, other in pairs))

    def _inside(self, source: Node, target: Node) -> Effect:
        """Compare about a value inside: what is being proven is known of all smaller values."""
        source, target = source.resolved(), target.resolved()
        key = (id(source.document), source.pointer, target.pointer)
        if key in self._assumed:
            return Effect.KEEPS
        self._assumed.add(key)
        outside, self._open = self._open, set()
        found = self._effect(source, target)
        self._open = outside
        return found

    def _by_branches(self, source: Node, target: Node, keyword: str) -> Effect:
        """Each branch against the one at its position.

        In `oneOf`, accepting more in one branch may be accepting less in the whole, unless no value
        fits two of them.
        """
        ours = [source.child(keyword, str(at)) for at in range(len(source.get(keyword)))]
        theirs = [target.child(keyword, str(at)) for at in range(len(target.get(keyword)))]
        if len(ours) != len(theirs):
            return Effect.UNDECIDED
        pairs = list(zip(ours, theirs, strict=True))
        effects = [self._effect(one, other) for one, other in pairs]
        if keyword == "oneOf" and not _apart(theirs):
            effects += [self._effect(other, one) for one, other in pairs]
        return worst(*effects)

    def _covers(
        self,
        source: Node,
        target: Node,
        ours: frozenset[str] = frozenset(),
        theirs: frozenset[str] = frozenset(),
    ) -> Effect:
        modern = source.document.draft != target.document.draft
        draft = DRAFT_2020 if modern else source.document.draft
        wide = self._written(
            Expansion(source.document, cut=True, known=ours, modern=modern), source
        )
        narrow = self._written(
            Expansion(target.document, cut=False, known=theirs, modern=modern), target
        )
        found = covers(narrow, wide, draft)
        if found is Effect.UNDECIDED:
            narrow, wide = aligned(narrow, wide)
            found = covers(narrow, wide, draft)
        if found is Effect.UNDECIDED and not ours and not theirs:
            return Effect.BREAKS if _has_witness(wide, narrow, draft) else found
        return found

    def _written(self, expansion: Expansion, node: Node) -> Schema:
        if self._space <= 0:
            raise TooComplexError("too much was compared already")
        try:
            return expansion.write(node)
        finally:
            self._space -= expansion.size


def _apart(branches: list[Node]) -> bool:
    """Tell whether it is proven that no value fits two of them."""
    wide = [Expansion(each.document, cut=True, modern=True).write(each) for each in branches]
    try:
        forms = [canonical(each, DRAFT_2020) for each in wide]
        return all(
            one.intersect(other).satisfiability() == Satisfiability.NO
            for at, one in enumerate(forms)
            for other in forms[at + 1 :]
        )
    except (CanonicalizationError, jsonschema_rs.ValidationError, ValueError):
        return False


def _has_witness(source: Schema, target: Schema, draft: int) -> bool:
    try:
        accepted, taken = accepts(source, draft), accepts(target, draft)
    except (jsonschema_rs.ValidationError, ValueError):
        return False
    return witness(source, target, draft, lambda v: accepted(v) and not taken(v)) is not None


def covers(target: Schema, source: Schema, draft: int) -> Effect:
    """Tell whether a schema accepts whatever another does; both without references."""
    if meaning(source) == meaning(target):
        return Effect.KEEPS
    try:
        found: Containment = canonical(target, draft).covers(canonical(source, draft))
    except (CanonicalizationError, jsonschema_rs.ValidationError, ValueError):
        return Effect.UNDECIDED
    return _EFFECTS[found.value]


def _places(node: Node) -> dict[_Place, list[Node]]:
    """Return the schemas for values inside this one that hold whenever there is such a value."""
    found: dict[_Place, list[Node]] = {}
    waiting, seen = [node], {node.pointer}
    while waiting:
        here = waiting.pop()
        for place, child in _own_places(here):
            found.setdefault(place, []).append(child)
        for part in here.parts():
            if part.pointer not in seen:
                seen.add(part.pointer)
                waiting.append(part)
    return found


def _own_places(node: Node) -> list[tuple[_Place, Node]]:
    if isinstance(node.schema, bool):
        return []
    properties, patterns = node.named("properties"), node.named("patternProperties")
    found: list[tuple[_Place, Node]] = [(("properties", k), v) for k, v in properties.items()]
    found += [(("patternProperties", k), v) for k, v in patterns.items()]
    if "additionalProperties" in node.keywords:
        others = ("additionalProperties", *sorted(properties), "", *sorted(patterns))
        found.append((others, node.child("additionalProperties")))
    prefix, rest = node.prefix(), node.rest()
    found += [(("item", str(at)), each) for at, each in enumerate(prefix)]
    if rest is not None:
        found.append((("items", str(len(prefix))), rest))
    return found


def _paired(ours: list[Node], theirs: list[Node]) -> list[tuple[Node, Node]]:
    """Pair when it is clear which belongs to which."""
    return [(ours[0], theirs[0])] if len(ours) == len(theirs) == 1 else []


def _is_only(node: Node, keyword: str) -> bool:
    return set(node.keywords) - ANNOTATIONS == {keyword}
