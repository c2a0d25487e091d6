"""From what a file holds to a frozen type, with every problem at once."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from functools import lru_cache
from itertools import islice
from typing import Any, TypeVar

import jsonschema_rs
import msgspec
import msgspec.inspect as mi

from crossdock.contracts import Problem
from crossdock.contracts.violations import Violation, violations
from crossdock.mesh.project.document import MAX_PROBLEMS, Document, Path_
from crossdock.mesh.project.problems import ProjectError
from crossdock.mesh.project.scalars import Duration, Secret, Size
from crossdock.mesh.project.type_schema import HINT, schema_of

T = TypeVar("T")


def convert(document: Document, settings: type[T], path: Path_ = ()) -> T:
    """Return the typed value of a document, or of a part of it.

    Args:
        document: The file.
        settings: A frozen msgspec type.
        path: Where in the file the part is; one that is not there counts as an empty object, since
            all of its keys may have defaults.

    Raises:
        ProjectError: With every problem: first those of form; when the form is right, those that
            ``__post_init__`` finds.
    """
    value = document.value
    for key in path:
        value = value.get(key, {}) if isinstance(value, dict) else value[key]
    problems = _form(document, value, settings, path)
    if not problems:
        try:
            return msgspec.convert(value, settings, dec_hook=scalar)
        except msgspec.ValidationError as error:
            found = list(_refusals(value, mi.type_info(settings))) or [((), str(error))]
            problems = [document.problem(text, (*path, *at)) for at, text in found]
    raise ProjectError.of("a project file cannot be used", problems[:MAX_PROBLEMS])


def scalar(kind: type, value: object) -> Any:  # noqa: ANN401 - msgspec's hook
    """Read a duration, size or secret: the hook for ``msgspec.convert``.

    Raises:
        ValueError: With a text for the person who wrote it.
    """
    if issubclass(kind, Duration | Size | Secret):
        return kind.parse(value if isinstance(value, str) else "")  # "" gives the hint
    raise NotImplementedError(kind)


def _form(document: Document, value: object, settings: type, path: Path_) -> list[Problem]:
    if value is None:
        return [document.problem("nothing is there: fill it in, or remove it", path)]
    found = violations(_validator(settings).iter_errors(value))
    problems = [_problem(document, each, settings, path) for each in islice(found, MAX_PROBLEMS)]
    return sorted(problems, key=lambda each: int(each.place.rpartition(":")[2]))


@lru_cache(maxsize=256)
def _validator(settings: type) -> jsonschema_rs.Validator:
    return jsonschema_rs.Draft202012Validator(
        schema_of(settings), validate_formats=True, offline=True
    )


def _problem(document: Document, found: Violation, settings: type, path: Path_) -> Problem:
    around = _schema_at(settings, found.schema_path[:-1])
    message = found.message
    if found.keyword == "additionalProperties":
        message = _unknown(str(found.path[-1]), list(around.get("properties", ())))
    elif found.keyword == "required":
        message = f"missing key {found.limit!r}: add it"
    elif found.keyword in ("type", "pattern", "format") and HINT in around:
        message = around[HINT]
    elif found.keyword == "propertyNames":
        message = f"a key is not allowed: {found.message}"
    return document.problem(message, (*path, *found.path), found.keyword)


def _schema_at(settings: type, path: Path_) -> dict[str, Any]:
    schema: Any = schema_of(settings)
    for step in path:
        schema = schema[step]
    return schema if isinstance(schema, dict) else {}


def _unknown(name: str, known: list[str]) -> str:
    near = get_close_matches(name[:80], known, n=1)
    if near:
        return f"unknown key {name[:80]!r}; did you mean {near[0]!r}?"
    return f"unknown key {name[:80]!r}; known are {', '.join(sorted(known)) or 'none'}"


def _refusals(value: Any, info: mi.Type) -> Iterator[tuple[Path_, str]]:  # noqa: ANN401 - JSON-like
    """Find each innermost part that its type refuses; the form is right already."""
    meant = _meant(value, info)
    inner = False
    for key, part, kind in _parts(value, meant):
        for path, text in _refusals(part, kind):
            inner = True
            yield (key, *path), text
    if not inner and isinstance(meant, mi.StructType | mi.CustomType):
        try:
            msgspec.convert(value, meant.cls, dec_hook=scalar)
        except msgspec.ValidationError as error:
            yield (), str(error.__cause__ or error)


def _meant(value: Any, info: mi.Type) -> mi.Type | None:  # noqa: ANN401 - same
    """Return the one type of a union, under its metadata, that the value is of."""
    if isinstance(info, mi.Metadata):
        return _meant(value, info.type)
    if isinstance(info, mi.UnionType):
        return next((each for each in info.types if _meant(value, each)), None)
    if isinstance(info, mi.StructType):
        fits = isinstance(value, dict) and value.get(info.tag_field) == info.tag
        return info if fits else None
    if isinstance(info, mi.DictType):
        return info if isinstance(value, dict) else None
    if isinstance(info, mi.CollectionType):
        return info if isinstance(value, list) else None
    return info if isinstance(info, mi.CustomType) and isinstance(value, str) else None


def _parts(value: Any, info: mi.Type | None) -> Iterator[tuple[str | int, Any, mi.Type]]:  # noqa: ANN401 - same
    if isinstance(info, mi.StructType):
        for field in info.fields:
            if field.encode_name in value:
                yield field.encode_name, value[field.encode_name], field.type
    elif isinstance(info, mi.CollectionType):
        for index, each in enumerate(value):
            yield index, each, info.item_type
    elif isinstance(info, mi.DictType):
        for key, each in value.items():
            yield key, each, info.value_type
