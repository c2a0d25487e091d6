"""JSON Patch (RFC 6902): repairing data, within bounds, and telling what changed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import jsonpatch
import msgspec
from jsonpointer import JsonPointerException

from crossdock.contracts import Reject
from crossdock.contracts.masking import MASK, is_personal
from crossdock.mesh.exact_numbers import inexact_number

MAX_BYTES: Final = 16 * 1024
"""Of a patch: it is kept in a header of the dead letter."""
_MAX_RESULT: Final = 16 * 1024**2
_MOST_CHARACTERS: Final = 60


class Change(msgspec.Struct, frozen=True):
    """One place that a repair changed.

    Attributes:
        pointer: JSON Pointer.
        before: As JSON; None when it was not there.
        after: As JSON; None when it is not there any more.
    """

    pointer: str
    before: str | None
    after: str | None


def apply(data: bytes, patch: bytes | str) -> bytes:
    """Return data with a patch applied.

    Raises:
        Reject: The data is not JSON, the patch is none, or it does not fit the data. The reason
            names places and no values (I6).
    """
    operations = _operations(patch)
    value = _decoded(data, "the data is not JSON: repair it with --data")
    inexact = inexact_number(data, value)
    if inexact is not None:
        raise Reject.of("the data cannot be patched without a loss", [inexact])
    for number, operation in enumerate(operations):
        value = _applied(value, operation, number)
    return msgspec.json.encode(value)


def changes(before: bytes, after: bytes, personal: Sequence[str] = ()) -> Iterator[Change]:
    """Yield what differs between two JSON documents.

    Args:
        before: The first.
        after: The second.
        personal: JSON Pointers to what is hidden.
    """
    old, new = msgspec.json.decode(before), msgspec.json.decode(after)
    for pointer, one, other in _differences(old, new, ""):
        hidden = is_personal(pointer, personal)
        yield Change(pointer, _shown(one, hidden=hidden), _shown(other, hidden=hidden))


def _operations(patch: bytes | str) -> list[Any]:
    if len(patch) > MAX_BYTES:
        raise Reject(f"the patch is larger than {MAX_BYTES} bytes: give the whole data with --data")
    found = _decoded(patch, "the patch is not JSON")
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise Reject('a patch is a list: [{"op": "replace", "path": "/total", "value": 1}]')
    return found


def _decoded(data: bytes | str, reason: str) -> Any:  # noqa: ANN401 - JSON is untyped
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Reject(reason) from error


def _applied(value: Any, operation: Any, number: int) -> Any:  # noqa: ANN401 - JSON is untyped
    name = f"operation {number + 1} of the patch"
    try:
        result = jsonpatch.JsonPatch([operation]).apply(value)
    except jsonpatch.JsonPatchTestFailed as error:
        raise Reject(f"{name}: the data is not what its test says") from error
    except jsonpatch.InvalidJsonPatch as error:
        raise Reject(f"{name} is none: it wants op, path and, for some, value or from") from error
    except (jsonpatch.JsonPatchException, JsonPointerException, TypeError, ValueError) as error:
        raise Reject(f"{name}: the data has no such place") from error
    if len(msgspec.json.encode(result)) > _MAX_RESULT:  # copies may double it each time (I8)
        raise Reject(f"{name} makes the data larger than {_MAX_RESULT} bytes")
    return result


class _Missing:
    """Stands for what is not there."""


_MISSING: Final = _Missing()


def _differences(old: Any, new: Any, pointer: str) -> Iterator[tuple[str, Any, Any]]:  # noqa: ANN401 - JSON is untyped
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(each for each in new if each not in old)]:
            below = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
            yield from _differences(old.get(key, _MISSING), new.get(key, _MISSING), below)
    elif isinstance(old, list) and isinstance(new, list):
        for at in range(max(len(old), len(new))):
            one = old[at] if at < len(old) else _MISSING
            other = new[at] if at < len(new) else _MISSING
            yield from _differences(one, other, f"{pointer}/{at}")
    elif old != new or type(old) is not type(new):
        yield pointer, old, new


def _shown(value: Any, *, hidden: bool) -> str | None:  # noqa: ANN401 - JSON is untyped
    if value is _MISSING:
        return None
    text = MASK if hidden else msgspec.json.encode(value).decode()
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}…"
