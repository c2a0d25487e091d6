"""Makes values that a schema accepts, among them those at its limits; always the same ones.

Best effort: what comes out is tried with the validator by whoever asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Any, Final

import jsonschema_rs
from jsonschema_rs import canonical as forms
from jsonschema_rs.canonical import CanonicalizationError

from crossdock.contracts.compatibility.hints import Hints
from crossdock.contracts.compatibility.texts import of_format, of_pattern

_MOST: Final = 40
_FEW: Final = 6
_DEEPEST: Final = 6
_LONGEST: Final = 200
_ANY_TEXT: Final = ("", "a", "ab", "0", "A", "Ä", " ", "a b")
_ANY_NUMBER: Final = (0, 1, -1, 0.5, 2, 10, -1.5, 1000)
_BY_TYPE: Final[dict[str, tuple[Any, ...]]] = {
    "null": (None,),
    "boolean": (True, False),
    "integer": (0, 1, -1, 10),
    "number": (0, 0.5, 1, -1.5),
    "string": ("a", "", "ab"),
    "array": ([], [0], ["a", "a"], [None, None, None]),
    "object": ({}, {"other": 0}, {"other": "a", "another": None}),
}
_ENDS: Final = ("a", "aaaa", "0", " ")
_COARSE: Final = 1e12  # beyond it, the next double is far away
_NAMES: Final = ("other", "another", "x")

Form = jsonschema_rs.CanonicalSchema


class Sampler:
    """Makes values for schemas in their normal form."""

    def __init__(self, hints: Hints) -> None:
        """Take what is worth trying beside what the schema itself says."""
        self._hints = hints

    def values(self, form: Form, depth: int = 0) -> list[Any]:
        """Return some values, the plainest first; at most 40."""
        if depth > _DEEPEST:
            return []
        return list(islice(self._of(form, depth), _MOST))

    def _of(self, form: Form, depth: int) -> Iterator[Any]:
        match form.view():
            case forms.ConstView(value):
                return iter((value,))
            case forms.TypedGroupView(_, body):
                return self._of(body, depth)
            case forms.MultiTypeView(types):
                return _alternating(self._any_of_type(each) for each in types)
            case forms.AnyOfView(found) | forms.OneOfView(found) | forms.AllOfView(found):
                return _alternating(self.values(each, depth) for each in found)
            case view:
                return self._of_type(view, depth)

    def _of_type(self, view: forms.CanonicalViewType, depth: int) -> Iterator[Any]:
        match view:
            case forms.EnumView(values):
                return iter(values)
            case forms.StringView():
                return self._texts(view)
            case forms.NumberView() | forms.IntegerView():
                return self._numbers(view)
            case forms.ArrayView():
                return self._arrays(view, depth)
            case forms.ObjectView():
                return self._objects(view, depth)
            case _:  # true, not, a reference, or what has no normal form
                return self._anything()

    def _anything(self) -> Iterator[Any]:
        yield from self._hints.values
        yield from _alternating(self._any_of_type(each) for each in _BY_TYPE)

    def _any_of_type(self, name: str) -> Iterator[Any]:
        yield from _BY_TYPE[name]
        if name == "string":
            yield from (each for each in self._hints.values if isinstance(each, str))
            yield from chain.from_iterable(of_pattern(each) for each in self._hints.patterns)
            yield from chain.from_iterable(of_format(each) for each in self._hints.formats)
            yield from ("a" * each for each in _around(self._hints.lengths))
        elif name in ("number", "integer"):
            yield from _around(self._hints.numbers)
        elif name == "array":
            yield from ([0] * each for each in _around(self._hints.counts))
        elif name == "object":
            yield from ({each: value} for each in self._hints.names for value in (0, "a", None))

    def _texts(self, view: forms.StringView) -> Iterator[str]:
        least, most = view.min_length or 0, view.max_length
        for text in self._raw_texts(view):
            longer = text + "a" * (least - len(text)) if least <= _LONGEST else text
            if least <= len(longer) and (most is None or len(longer) <= most):
                yield longer

    def _raw_texts(self, view: forms.StringView) -> Iterator[str]:
        yield from chain.from_iterable(of_format(each) for each in view.formats)
        found = list(chain.from_iterable(of_pattern(each) for each in view.patterns))
        yield from found
        yield from (text + end for text in found for end in _ENDS)
        limits = [view.min_length or 0, view.max_length or 0, *self._hints.lengths]
        yield from ("a" * each for each in _around(limits[:2]) if each <= _LONGEST)
        yield from (each for each in self._hints.values if isinstance(each, str))
        yield from ("a" * each for each in _around(limits[2:]) if each <= _LONGEST)
        yield from _ANY_TEXT
        named = (*self._hints.patterns, *view.excluded_patterns)
        yield from chain.from_iterable(of_pattern(each) for each in named)
        yield from chain.from_iterable(of_format(each) for each in self._hints.formats)

    def _numbers(self, view: forms.NumberView | forms.IntegerView) -> Iterator[float]:
        least, most = _limit(view.minimum), _limit(view.maximum)
        for value in self._raw_numbers(view):
            within = (least is None or value >= least) and (most is None or value <= most)
            if within:
                yield value

    def _raw_numbers(self, view: forms.NumberView | forms.IntegerView) -> Iterator[float]:
        whole = isinstance(view, forms.IntegerView)
        limits = [each for each in (_limit(view.minimum), _limit(view.maximum)) if each is not None]
        hints = [*self._hints.numbers, *(e for e in self._hints.values if _is_number(e))]
        factors = [_plain(each) for each in view.multiple_of]
        for start in chain(_around(limits), _ANY_NUMBER, _around(hints)):
            for factor in factors if abs(start) < _COARSE else ():
                near = round(start / factor)
                yield from (each * factor for each in (near, near + 1, near - 1))
            if not factors:
                yield int(start) if whole else start
                yield from () if whole else (start + 0.5,)

    def _arrays(self, view: forms.ArrayView, depth: int) -> Iterator[list[Any]]:
        prefix = [self.values(each, depth + 1)[:_FEW] for each in view.prefix_items]
        rest = [0, "a"] if view.items is None else self.values(view.items, depth + 1)[:_FEW]
        wanted = [self.values(each.schema, depth + 1)[:_FEW] for each in view.contains]
        least, most = view.min_items or 0, view.max_items
        counts = [max(least, len(wanted), 1), least, len(prefix), len(prefix) + 1, most or 0]
        for count in dict.fromkeys(_around([*counts, *self._hints.counts])):
            if least <= count <= min(most if most is not None else _LONGEST, _LONGEST):
                yield from self._lists(int(count), prefix, rest, wanted)

    def _lists(
        self, count: int, prefix: list[list[Any]], rest: list[Any], wanted: list[list[Any]]
    ) -> Iterator[list[Any]]:
        choices = [prefix[at] if at < len(prefix) else rest for at in range(count)]
        if any(not each for each in choices):
            return
        plain = [each[0] for each in choices]
        yield plain
        yield [each[at % len(each)] for at, each in enumerate(choices)]
        for at, each in enumerate(choices[:_FEW]):
            yield from ([*plain[:at], value, *plain[at + 1 :]] for value in each[1:])
        for values in wanted:
            yield from ([*plain[:-1], value] for value in values if count)
        yield from (list(range(count)), [str(at) for at in range(count)])

    def _objects(self, view: forms.ObjectView, depth: int) -> Iterator[dict[str, Any]]:
        listed = {name: self.values(each, depth + 1) for name, each in view.properties.items()}
        others = self._others(view, depth)
        plain = {
            name: values[0]
            for name in view.required
            if (values := listed.get(name, others.get(name, [0, "a"])))
        }
        plain |= self._filling(view, plain, others, view.min_properties or 0)
        yield plain
        for name, values in chain(listed.items(), others.items()):
            yield from ({**plain, name: value} for value in values[:_FEW])
        full = {**plain, **{name: values[0] for name, values in listed.items() if values}}
        yield full
        yield from ({k: v for k, v in full.items() if k != name} for name in full)
        for name, values in listed.items():
            yield from ({**full, name: value} for value in values)
        for count in self._hints.counts:
            for size in (count, count + 1):
                yield {**plain, **self._filling(view, plain, others, size)}

    def _others(self, view: forms.ObjectView, depth: int) -> dict[str, list[Any]]:
        """Return properties that are not listed, with what they may be."""
        found: dict[str, list[Any]] = {}
        for pattern, form in view.pattern_properties.items():
            found |= dict.fromkeys(of_pattern(pattern), self.values(form, depth + 1))
        others = view.additional_properties
        values = [0, "a", None, {}, []] if others is None else self.values(others, depth + 1)
        named = [] if view.property_names is None else self.values(view.property_names, depth + 1)
        names = [each for each in named if isinstance(each, str)]
        for name in [*names, *self._hints.names, *_NAMES, "", "a" * 20]:
            found.setdefault(name, values)
        for each in view.violations:
            found |= self._violating(each, depth)
        return {name: each for name, each in found.items() if name not in view.properties}

    def _violating(
        self,
        view: forms.NameFailsView | forms.UndeclaredValueFailsView | forms.PatternValueFailsView,
        depth: int,
    ) -> dict[str, list[Any]]:
        try:
            if isinstance(view, forms.NameFailsView):
                names = self.values(view.schema.negate(), depth + 1)
                return {each: [0, "a"] for each in names if isinstance(each, str)}
            if isinstance(view, forms.PatternValueFailsView):
                values = self.values(view.schema.negate(), depth + 1)
                return dict.fromkeys(of_pattern(view.pattern), values)
            return dict.fromkeys(_NAMES, self.values(view.additional.negate(), depth + 1))
        except CanonicalizationError:
            return {}

    def _filling(
        self, view: forms.ObjectView, there: dict[str, Any], others: dict[str, list[Any]], size: int
    ) -> dict[str, Any]:
        """Return properties that make an object as large as it must be."""
        free = [name for name in (*view.properties, *others) if name not in there]
        free += [f"n{at}" for at in range(size)]
        return {
            name: others.get(name, [0])[0] if others.get(name, [0]) else 0
            for name in free[: max(0, size - len(there))]
        }


def _around(limits: Iterable[float]) -> Iterator[Any]:
    for each in limits:
        yield each
        yield from (each + 1, each - 1)
        if not isinstance(each, int):
            yield from (each + 0.1, each - 0.1)


def _alternating(sources: Iterable[Iterable[Any]]) -> Iterator[Any]:
    """Take from each source in turn, so that none crowds out the others."""
    waiting = [iter(each) for each in sources]
    while waiting:
        still = []
        for each in waiting:
            for value in islice(each, 1):
                yield value
                still.append(each)
        waiting = still


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _limit(value: Any) -> Any:  # noqa: ANN401 - int, float, Decimal or None
    return None if value is None else _plain(value)


def _plain(value: Any) -> Any:  # noqa: ANN401 - int, float or Decimal
    return value if isinstance(value, int | float) else float(value)
