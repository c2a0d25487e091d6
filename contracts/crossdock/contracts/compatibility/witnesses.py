"""Searches a value that one schema accepts and another refuses.

No search proves that there is none. It always tries the same values in the same order, and at most
some thousand of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final

import jsonschema_rs
import msgspec
from jsonschema_rs.canonical import CanonicalizationError

from crossdock.contracts.compatibility.canonical import canonical
from crossdock.contracts.compatibility.document import DRAFT_7, DRAFT_2020
from crossdock.contracts.compatibility.hints import hints_of
from crossdock.contracts.compatibility.sampling import Sampler
from crossdock.contracts.schema_walk import Schema

MAX_TRIED: Final = 2_000
_VALIDATORS: Final = {
    DRAFT_7: jsonschema_rs.Draft7Validator,
    DRAFT_2020: jsonschema_rs.Draft202012Validator,
}


class Witness(msgspec.Struct, frozen=True):
    """A value that was found; it may be null."""

    value: Any

    def __repr__(self) -> str:  # I6
        return "Witness()"


def witness(
    source: Schema, target: Schema, draft: int, differs: Callable[[Any], bool]
) -> Witness | None:
    """Return a value for which something holds, among those at the limits of two schemas.

    Args:
        source: What should accept it, without references.
        target: What should refuse it.
        draft: Their draft.
        differs: Tells whether a value is one.
    """
    for value in islice(_candidates(source, target, draft), MAX_TRIED):
        try:
            if differs(value):
                return Witness(value)
        except ValueError:  # no JSON: a number beyond a double, half a character
            continue
    return None


def accepts(schema: Schema, draft: int) -> Callable[[Any], bool]:
    """Return what tells whether a schema without references accepts a value.

    Raises:
        jsonschema_rs.ValidationError: It is not a schema.
    """
    return _VALIDATORS[draft](schema, validate_formats=True, offline=True).is_valid


def _candidates(source: Schema, target: Schema, draft: int) -> Iterator[Any]:
    sampler = Sampler(hints_of(target, source))
    ours, theirs = _form(source, draft), _form(target, draft)
    if ours is None:
        return
    if theirs is not None:
        for combine in (ours.subtract, ours.intersect):
            try:
                yield from sampler.values(combine(theirs))
            except CanonicalizationError:
                continue
    yield from sampler.values(ours)
    if theirs is not None:
        yield from sampler.values(theirs)


def _form(schema: Schema, draft: int) -> jsonschema_rs.CanonicalSchema | None:
    try:
        return canonical(schema, draft)
    except (CanonicalizationError, jsonschema_rs.ValidationError):
        return None
