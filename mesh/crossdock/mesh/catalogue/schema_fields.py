"""A JSON Schema as a person reads it: one row for each field, with its type and its rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from typing import Any, Final
from urllib.parse import unquote

import msgspec

from crossdock.mesh.catalogue.description import text_of
from crossdock.mesh.catalogue.embedding import embedded

_MOST: Final = 500
_DEPTH: Final = 16
_SHOWN: Final = 200
_COMBINED: Final = ("allOf", "anyOf", "oneOf")


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a contract's data.

    Attributes:
        path: As people write it: ``customer.country``, ``lines[].sku``; ``""`` for the whole.
        pointer: JSON Pointer into the data, with ``*`` for every item or member.
        type: What may stand there.
        required: Whether it must be there, when what holds it is.
        rules: What else holds for it.
        description: For people.
    """

    path: str
    pointer: str
    type: str
    required: bool
    rules: tuple[str, ...] = ()
    description: str = ""


class _Place(msgspec.Struct, frozen=True):
    """Where a walk is: the names on the way, and the references that it came through."""

    path: str = ""
    pointer: str = ""
    depth: int = 0
    through: frozenset[str] = frozenset()
    form: str = ""

    def member(self, name: str) -> _Place:
        path = f"{self.path}.{name}" if self.path else name
        pointer = f"{self.pointer}/{name.replace('~', '~0').replace('/', '~1')}"
        return _Place(path, pointer, self.depth + 1, self.through, self.form)

    def each(self, mark: str) -> _Place:
        path = f"{self.path}{mark}"
        return _Place(path, f"{self.pointer}/*", self.depth + 1, self.through, self.form)


def fields_of(schema: dict[str, Any]) -> tuple[Field, ...]:
    """Return the fields that a schema tells of, in its order; at most 500.

    Args:
        schema: Whole in itself.
    """
    root = embedded(schema, "#", "")
    return tuple(islice(_Walk(root).inside(root, _Place()), _MOST))


class _Walk:
    """Goes through one schema."""

    def __init__(self, root: dict[str, Any]) -> None:
        self._root = root

    def inside(self, schema: Any, place: _Place) -> Iterator[Field]:  # noqa: ANN401 - JSON-like
        """Yield the fields inside what a schema describes."""
        schema, place = self._followed(schema, place)
        if not schema or place.depth > _DEPTH:
            return
        required = schema.get("required", ())
        for name, part in _mapping(schema.get("properties")).items():
            yield from self._field(part, place.member(name), required=name in required)
        for pattern, part in _mapping(schema.get("patternProperties")).items():
            yield from self._field(part, place.each(f"{{{pattern}}}"), required=False)
        if isinstance(more := schema.get("additionalProperties"), dict):
            yield from self._field(more, place.each("{}"), required=False)
        yield from self._items(schema, place)
        for keyword in _COMBINED:
            yield from self._forms(keyword, schema.get(keyword), place)

    def _items(self, schema: dict[str, Any], place: _Place) -> Iterator[Field]:
        items = schema.get("items")
        first = schema.get("prefixItems", items if isinstance(items, list) else ())
        for index, part in enumerate(first):
            yield from self._field(part, place.each(f"[{index}]"), required=False)
        if isinstance(items, dict):
            yield from self.inside(items, place.each("[]"))

    def _forms(self, keyword: str, parts: object, place: _Place) -> Iterator[Field]:
        if not isinstance(parts, list):
            return
        for index, part in enumerate(parts):
            form = f"form {index + 1} of {len(parts)}" if keyword != "allOf" else place.form
            inner = msgspec.structs.replace(place, form=form, depth=place.depth + 1)
            yield from self.inside(part, inner)

    def _field(self, part: Any, place: _Place, *, required: bool) -> Iterator[Field]:  # noqa: ANN401 - same
        schema, inner = self._followed(part, place)
        rules = [text for key, tell in _RULES.items() if key in schema for text in (tell(schema),)]
        yield Field(
            path=place.path,
            pointer=place.pointer,
            type=self._type(part, place) if part is not False else "never",
            required=required,
            rules=tuple(filter(None, [place.form, *rules])),
            description=text_of(schema.get("description")) or text_of(schema.get("title")),
        )
        if inner is not place or schema is part:
            yield from self.inside(schema, inner)

    def _type(self, part: Any, place: _Place) -> str:  # noqa: ANN401 - same
        schema, inner = self._followed(part, place)
        if not schema:
            return "as above" if _is_reference(part) else "anything"
        kinds = schema.get("type")
        names = kinds if isinstance(kinds, list) else [kinds] if kinds else []
        if "items" in schema and "array" in names and isinstance(schema["items"], dict):
            item = self._type(schema["items"], inner.each("[]")) if inner.depth < _DEPTH else "…"
            names = [f"list of {item}" if each == "array" else each for each in names]
        text = " or ".join(map(str, names)) or ("one of" if "enum" in schema else "")
        text = text or next((f"{key} of several forms" for key in _COMBINED if key in schema), "")
        return text or ("constant" if "const" in schema else "anything")

    def _followed(self, schema: Any, place: _Place) -> tuple[dict[str, Any], _Place]:  # noqa: ANN401 - same
        """Follow references; one that leads back to where the walk came through ends it."""
        while isinstance(schema, dict) and _is_reference(schema):
            reference = schema["$ref"]
            if reference in place.through:
                return {}, place
            place = msgspec.structs.replace(place, through=place.through | {reference})
            beside = {key: value for key, value in schema.items() if key != "$ref"}
            target = target_of(self._root, reference)
            schema = {**target, **beside} if isinstance(target, dict) else beside
        return (schema if isinstance(schema, dict) else {}), place


def _is_reference(schema: object) -> bool:
    return isinstance(schema, dict) and isinstance(schema.get("$ref"), str)


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def target_of(root: dict[str, Any], reference: str) -> object:
    """Return what a reference that is a JSON Pointer from the root leads to; None for nothing."""
    value: Any = root
    for token in filter(None, reference.removeprefix("#").split("/")):
        name = unquote(token).replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        elif isinstance(value, dict):
            value = value.get(name)
        else:
            return None
    return value


def _json(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _listed(values: object) -> str:
    texts = [_json(each) for each in values] if isinstance(values, list) else []
    text = ", ".join(texts)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _between(schema: dict[str, Any], low: str, high: str, unit: str) -> str:
    if high in schema:
        return f"{schema[low]} to {schema[high]}{unit}"
    return f"≥ {schema[low]}{unit}"


_RULES: Final[dict[str, Callable[[dict[str, Any]], str]]] = {
    "const": lambda schema: f"always {_json(schema['const'])[:_SHOWN]}",
    "enum": lambda schema: f"one of {_listed(schema['enum'])}",
    "format": lambda schema: str(schema["format"]),
    "exclusiveMinimum": lambda schema: f"> {schema['exclusiveMinimum']}",
    "minimum": lambda schema: _between(schema, "minimum", "maximum", ""),
    "maximum": lambda schema: "" if "minimum" in schema else f"≤ {schema['maximum']}",
    "exclusiveMaximum": lambda schema: f"< {schema['exclusiveMaximum']}",
    "multipleOf": lambda schema: f"a multiple of {schema['multipleOf']}",
    "minLength": lambda schema: _between(schema, "minLength", "maxLength", " characters"),
    "maxLength": lambda schema: (
        "" if "minLength" in schema else f"≤ {schema['maxLength']} characters"
    ),
    "pattern": lambda schema: f"matches {schema['pattern']}"[:_SHOWN],
    "minItems": lambda schema: _between(schema, "minItems", "maxItems", " items"),
    "maxItems": lambda schema: "" if "minItems" in schema else f"≤ {schema['maxItems']} items",
    "uniqueItems": lambda schema: "no item twice" if schema["uniqueItems"] else "",
    "minProperties": lambda schema: f"≥ {schema['minProperties']} members",
    "maxProperties": lambda schema: f"≤ {schema['maxProperties']} members",
    "additionalProperties": lambda schema: (
        "nothing else in it" if schema["additionalProperties"] is False else ""
    ),
    "deprecated": lambda schema: "deprecated" if schema["deprecated"] is True else "",
    "default": lambda schema: f"default {_json(schema['default'])[:_SHOWN]}",
}
