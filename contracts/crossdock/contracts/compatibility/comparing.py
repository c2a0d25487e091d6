"""Walks two versions of a schema side by side and tells every difference.

What each difference does is proven, not looked up: a rule of the new schema breaks readers of old
documents unless the old schema, at that place, accepts only what keeps the rule. Above that stands
the proof for the whole: where it succeeds, no difference breaks, whatever it looks like alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from crossdock.contracts.compatibility.arrays import compare_arrays
from crossdock.contracts.compatibility.codes import CODES
from crossdock.contracts.compatibility.combined import compare_combined
from crossdock.contracts.compatibility.dependencies import compare_dependencies
from crossdock.contracts.compatibility.difference import Difference
from crossdock.contracts.compatibility.document import Document, Node
from crossdock.contracts.compatibility.effects import Effect
from crossdock.contracts.compatibility.keywords import meaning, tagged
from crossdock.contracts.compatibility.objects import compare_objects, compare_unevaluated
from crossdock.contracts.compatibility.pair import Change, Pair
from crossdock.contracts.compatibility.proving import Prover
from crossdock.contracts.compatibility.scalars import compare_numbers, compare_strings
from crossdock.contracts.compatibility.values import compare_annotations, compare_values
from crossdock.contracts.schema_walk import Schema

_SHOWN: Final = 60
_FAMILIES: Final = (
    compare_values,
    compare_numbers,
    compare_strings,
    compare_objects,
    compare_dependencies,
    compare_arrays,
    compare_combined,
)


def compare(old: Schema, new: Schema) -> list[Difference]:
    """Tell every difference between two versions of a schema, and what it does to whom.

    Nothing is told to be safe that could not be proven: when no difference is known to break,
    and the whole is not proven either, there is one with the code ``undecided``.

    Args:
        old: A schema that compiles: draft 2020-12 or draft-07, whole in itself.
        new: The same.
    """
    return _Comparison(Document(old), Document(new)).differences()


def accepts_all_of(old: Schema, new: Schema) -> bool:
    """Tell whether it is proven that a schema accepts whatever another does: the quick question.

    Args:
        old: What is accepted here …
        new: … is to be accepted here.
    """
    if meaning(old) == meaning(new):
        return True
    return Prover().effect(Document(old).root, Document(new).root).safe


class _Comparison:
    """One comparison of two documents."""

    def __init__(self, old: Document, new: Document) -> None:
        self._old = old
        self._new = new
        self._prover = Prover()
        self._seen: set[tuple[str, str]] = set()
        self._equal = 0
        self._found: list[Difference] = []

    def differences(self) -> list[Difference]:
        """Compare, and return what was found, by place."""
        same = meaning(self._old.root.schema) == meaning(self._new.root.schema)
        backward = Effect.KEEPS if same else self.effect(self._old.root, self._new.root)
        forward = Effect.KEEPS if same else self.effect(self._new.root, self._old.root)
        self._equal += same
        self.pair(self._old.root, self._new.root)
        if self._old.draft != self._new.draft:
            self._add("draft-changed", "/$schema", Change(self._old.draft, self._new.draft))
        self._settle("backward", backward)
        self._settle("forward", forward)
        return sorted(explained(self._found), key=lambda each: (each.pointer, each.code))

    def effect(self, source: Node, target: Node) -> Effect:
        """Tell whether one place accepts whatever another does."""
        return self._prover.effect(source, target)

    def pair(self, old: Node, new: Node) -> None:
        """Compare two places, and what lies below them."""
        old, new = old.resolved(), new.resolved()
        if (old.pointer, new.pointer) in self._seen or _are_identical(old, new):
            return
        self._seen.add((old.pointer, new.pointer))
        here = Pair(old, new, self)
        compare_annotations(here)
        equal = self._equal > 0 or self._are_equal(old, new)
        self._equal += equal
        if False in (old.schema, new.schema):
            if old.schema != new.schema:
                code = "type-narrowed" if new.schema is False else "type-extended"
                here.report(code, Change(old.schema, new.schema, new.pointer, old, new))
        else:
            mark = self.mark()
            for family in _FAMILIES:
                family(here)
            compare_unevaluated(here, mark)
        self._equal -= equal

    def report(self, pair: Pair, code: str, change: Change) -> None:
        """Note a difference; nothing is different where the whole is the same."""
        if self._equal:
            return
        self._add(
            code,
            change.pointer,
            change,
            backward=self._rule(pair.old, change.new_rule),
            forward=self._rule(pair.new, change.old_rule),
        )

    def mark(self) -> int:
        """Return how many differences are noted."""
        return len(self._found)

    def report_rest(self, pair: Pair, code: str, change: Change, mark: int) -> None:
        """Note a difference, unless those noted since a mark tell already whom it breaks."""
        told = self._found[mark:]
        backward = self._rule(pair.old, change.new_rule)
        forward = self._rule(pair.new, change.old_rule)
        backward_told = backward.safe or any(not each.backward.safe for each in told)
        forward_told = forward.safe or any(not each.forward.safe for each in told)
        if not (backward_told and forward_told):
            self.report(pair, code, change)

    def annotate(self, code: str, change: Change) -> None:
        """Note a difference that means nothing to a validator."""
        self._add(code, change.pointer, change)

    def _rule(self, source: Node, rule: Node | None) -> Effect:
        if rule is None:
            return Effect.KEEPS
        found = self.effect(source, rule)
        if found is Effect.UNDECIDED:  # less to look at may be easier to prove
            return self.effect(source.only(*rule.keywords, "type"), rule)
        return found

    def _are_equal(self, old: Node, new: Node) -> bool:
        return self.effect(old, new).safe and self.effect(new, old).safe

    def _add(
        self,
        code: str,
        pointer: str,
        change: Change,
        *,
        backward: Effect = Effect.KEEPS,
        forward: Effect = Effect.KEEPS,
    ) -> None:
        difference = Difference(
            code=code,
            pointer=pointer,
            old=change.old,
            new=change.new,
            backward=backward,
            forward=forward,
        )
        self._found.append(difference)

    def _settle(self, direction: str, proven: Effect) -> None:
        """Let what is proven of the whole stand above what its parts look like."""
        if proven.safe:
            self._found = [
                msgspec.structs.replace(each, **{direction: proven}) for each in self._found
            ]
        elif all(getattr(each, direction).safe for each in self._found):
            self._found.append(Difference(code="undecided", pointer="", **{direction: proven}))


def _are_identical(old: Node, new: Node) -> bool:
    """Tell, cheaply, that nothing differs here."""
    if old.document.draft != new.document.draft or tagged(old.schema) != tagged(new.schema):
        return False
    return not old.refers()


def explained(differences: Iterable[Difference]) -> list[Difference]:
    """Return the differences, each with its sentence."""
    return [msgspec.structs.replace(each, why=_why(each)) for each in differences]


def _why(difference: Difference) -> str:
    meaning_ = CODES[difference.code].meaning.format(
        old=_shown(difference.old), new=_shown(difference.new)
    )
    text = meaning_[0].upper() + meaning_[1:]
    backward, forward = difference.backward, difference.forward
    if backward.safe and forward.safe:
        return f"{text}: every document stays valid, either way."
    if forward.safe:
        return f"{text}: old documents {_may(backward)} be refused by new readers."
    if backward.safe:
        return f"{text}: new documents {_may(forward)} be refused by old readers."
    return f"{text}: old and new documents {_may(backward, forward)} be refused by the other side."


def _may(*effects: Effect) -> str:
    return "can" if Effect.BREAKS in effects else "may"


def _shown(value: Any) -> str:  # noqa: ANN401 - a keyword's value
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
