"""How two JSON values differ, told for a person."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from crossdock.mesh.expression import Json


def json_differences(want: Json, found: Json, pointer: str = "") -> Iterator[tuple[str, str]]:
    """Tell where two JSON values differ: a JSON Pointer, and how."""
    if isinstance(want, dict) and isinstance(found, dict):
        for key in sorted(want.keys() | found.keys()):
            below = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
            if key not in found:
                yield below, f"expected {_shown(want[key])}, but it is missing"
            elif key not in want:
                yield below, f"not expected, but it is {_shown(found[key])}"
            else:
                yield from json_differences(want[key], found[key], below)
    elif isinstance(want, list) and isinstance(found, list):
        if len(want) != len(found):
            yield pointer, f"expected {len(want)} items, but there are {len(found)}"
        for at, (one, other) in enumerate(zip(want, found, strict=False)):
            yield from json_differences(one, other, f"{pointer}/{at}")
    elif want != found or isinstance(want, bool) != isinstance(found, bool):
        yield pointer, f"expected {_shown(want)}, but it is {_shown(found)}"


def _shown(value: Json) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - a line for a person
