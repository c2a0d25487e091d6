"""What in a schema is probably not meant, or leaves a reader in doubt. The schema can be used.

A problem's ``keyword`` is its code, and its ``pointer`` leads into the schema.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from itertools import chain
from typing import Any, Final

import msgspec

from crossdock.contracts.errors import Problem
from crossdock.contracts.schema_keywords import KNOWN, OF_TYPE
from crossdock.contracts.schema_overlaps import is_impossible, overlaps
from crossdock.contracts.schema_parts import Part, parts_of, type_of
from crossdock.contracts.violations import escaped

_LARGEST: Final = 2**53
_NUMBERS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")
_OTHERS: Final = ("additionalProperties", "unevaluatedProperties")
_COMBINING: Final = ("$ref", "$dynamicRef", "allOf", "anyOf", "oneOf")
_STYLES: Final = {
    "snake_case": re.compile(r"[a-z0-9]+(_[a-z0-9]+)+\Z"),
    "kebab-case": re.compile(r"[a-z0-9]+(-[a-z0-9]+)+\Z"),
    "camelCase": re.compile(r"[a-z][a-z0-9]*([A-Z][A-Za-z0-9]*)+\Z"),
    "PascalCase": re.compile(r"[A-Z][A-Za-z0-9]*\Z"),
}


def style_problems(schema: dict[str, Any]) -> list[Problem]:
    """Return what is doubtful in a schema that can be used, in its order.

    Args:
        schema: Of draft 2020-12 or draft-07.
    """
    found = list(_draft(schema))
    parts = list(parts_of(schema))
    for part in parts:
        found += _of_part(part)
        found += overlaps(schema, part)
    if is_impossible(schema):
        found.append(
            _problem("", "impossible", "no data can fit it: its parts contradict each other")
        )
    return [*found, *_mixed_names(parts)]


def _draft(schema: dict[str, Any]) -> Iterator[Problem]:
    if "draft-07" in str(schema.get("$schema")):
        message = "draft-07 is accepted, with its own meaning; new schemas are of draft 2020-12"
        yield _problem("/$schema", "draft-07", message)
    elif "$schema" not in schema:
        message = "says no draft, so 2020-12 is meant: add $schema, editors use it"
        yield _problem("", "no-draft", message)


def _of_part(part: Part) -> Iterator[Problem]:
    yield from _unknown_keywords(part)
    yield from _types(part)
    yield from _values(part)
    yield from _pattern(part)
    if not part.asking:
        yield from _open_or_closed(part)
        yield from _required(part)


def _unknown_keywords(part: Part) -> Iterator[Problem]:
    for keyword in part.schema:
        if keyword in KNOWN or keyword.startswith(("x-", "$")):
            continue
        near = get_close_matches(keyword[:80], KNOWN, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "what is ours to say begins with x-"
        message = f"{keyword[:80]!r} is no keyword, so it is ignored: {hint}"
        yield _problem(f"{part.pointer}/{escaped(keyword)}", "unknown-keyword", message)


def _types(part: Part) -> Iterator[Problem]:
    for kind, keywords in OF_TYPE.items():
        said = [each for each in part.schema if each in keywords]
        if not said:
            continue
        at = f"{part.pointer}/{escaped(said[0])}"
        if part.types is None:
            if not part.asking and not any(each in part.schema for each in _COMBINING):
                message = f"holds for a {kind} only, and no type is said: add type: {kind}"
                yield _problem(at, "no-type", f"{said[0]!r} {message}")
        elif not part.types & {kind, "integer" if kind == "number" else kind}:
            types = " or ".join(sorted(part.types))
            message = f"{said[0]!r} says nothing of a value that is {types}: remove it"
            yield _problem(at, "other-type", message)


def _values(part: Part) -> Iterator[Problem]:
    options = part.schema.get("enum")
    at = f"{part.pointer}/enum"
    if isinstance(options, list):
        seen: set[bytes] = set()
        for index, each in enumerate(options):
            encoded = msgspec.json.encode(each, order="deterministic")
            if encoded in seen:
                yield _problem(f"{at}/{index}", "enum-twice", "is there twice: remove one")
            seen.add(encoded)
        kinds = {type_of(each) for each in options} - {"null"}
        if len(kinds - {"integer"} if "number" in kinds else kinds) > 1:
            message = f"mixes values of the types {', '.join(sorted(kinds))}"
            yield _problem(at, "enum-types", message)
    numbers = chain(
        ((word, part.schema.get(word)) for word in (*_NUMBERS, "const")),
        ((f"enum/{at}", each) for at, each in enumerate(options or ())),
    )
    for where, number in numbers:
        if isinstance(number, int) and abs(number) > _LARGEST:
            message = "beyond 2^53: programs that hold numbers as doubles round it; use a string"
            yield _problem(f"{part.pointer}/{where}", "large-integer", message)


def _pattern(part: Part) -> Iterator[Problem]:
    pattern = part.schema.get("pattern")
    if isinstance(pattern, str) and not re.search(r"\^|\\A", pattern) and "$" not in pattern:
        message = "may match anywhere in the text: begin it with ^ and end it with $"
        yield _problem(f"{part.pointer}/pattern", "pattern-anywhere", message)


def _open_or_closed(part: Part) -> Iterator[Problem]:
    schema = part.schema
    if part.whole and "properties" in schema and not any(each in schema for each in _OTHERS):
        if any(each in schema for each in _COMBINING):
            message = "unevaluatedProperties: false (closed) or true (open)"
        else:
            message = "additionalProperties: false (closed) or true (open)"
        text = f"says nothing of other properties, so all are let in: write {message}"
        yield _problem(f"{part.pointer}/properties", "open-or-closed", text)


def _required(part: Part) -> Iterator[Problem]:
    schema = part.schema
    required, properties = schema.get("required"), schema.get("properties")
    if not part.whole or not isinstance(required, list) or any(e in schema for e in _COMBINING):
        return
    declared = properties if isinstance(properties, dict) else {}
    if "patternProperties" in schema or not declared:
        return
    for index, name in enumerate(required):
        if name not in declared:
            near = get_close_matches(str(name)[:80], declared, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "declare it in properties"
            message = f"requires {str(name)[:80]!r}, of which nothing is said: {hint}"
            yield _problem(f"{part.pointer}/required/{index}", "required-unknown", message)


def _mixed_names(parts: list[Part]) -> Iterator[Problem]:
    """Tell once when the names of properties are written in several ways."""
    first: dict[str, tuple[str, str]] = {}
    for part in parts:
        properties = part.schema.get("properties")
        for name in properties if isinstance(properties, dict) else ():
            style = next((word for word, way in _STYLES.items() if way.match(name)), None)
            if style is not None:
                first.setdefault(style, (name, f"{part.pointer}/properties/{escaped(name)}"))
    if len(first) > 1:
        (_, one), (other, (name, at)) = list(first.items())[:2]
        message = (
            f"names are written in several ways: {one[0][:80]!r} and, in {other}, {name[:80]!r}"
        )
        yield _problem(at, "mixed-names", message)


def _problem(pointer: str, code: str, message: str) -> Problem:
    return Problem(message=message, pointer=pointer, keyword=code)
