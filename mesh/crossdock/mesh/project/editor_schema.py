"""JSON Schema of a project file as editors want it: with what each key means, and its default.

The checks need no words, so :mod:`crossdock.mesh.project.type_schema` has none; here they are taken
from the docstrings of the same types. Nothing is said twice, so nothing can differ.
"""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec.inspect as mi

from crossdock.mesh.project.type_schema import HINT, schema_of

_ATTRIBUTE: Final = re.compile(r"(\w+): (.*)")
_MARKUP: Final = re.compile(r"``(.+?)``")
_REFERENCE: Final = "#/$defs/"


def editor_schema(settings: type, title: str, within: str = "") -> dict[str, Any]:
    """Return the JSON Schema, draft 2020-12, of a type, described.

    Args:
        settings: A msgspec type that project files are made of.
        title: What an editor calls it.
        within: Before the names in ``$defs``, for a schema that becomes a part of another.
    """
    schema = copy.deepcopy(schema_of(settings))
    types = {_full_name(each): each for each in _structs(mi.type_info(settings))}
    short = _short_names(schema["$defs"])
    names = {full: within + each for full, each in short.items()}
    definitions = {
        names[full]: _described(definition, types[full])
        for full, definition in schema["$defs"].items()
    }
    root = schema.pop("$ref").removeprefix(_REFERENCE)
    whole: dict[str, Any] = {
        **{key: each for key, each in schema.items() if key != "$defs"},
        "title": title,
        **definitions.pop(names[root]),
        "$defs": definitions,
    }
    renamed: dict[str, Any] = _renamed(whole, names, names[root])
    return renamed


def _described(definition: dict[str, Any], info: mi.StructType) -> dict[str, Any]:
    summary, said = _docstring(info.cls)
    for base in info.cls.__mro__[1:-1]:
        said = _docstring(base)[1] | said
    for each in info.fields:
        known = definition["properties"][each.encode_name]
        words = said.get(each.name)
        if words:
            known["description"] = words
        if isinstance(each.default, str | bool | int | float) and not _is_scalar(each.type):
            known["default"] = each.default
    return {"description": summary, **definition}


def _docstring(cls: type) -> tuple[str, dict[str, str]]:
    """Return the summary of a class, and what it says of each attribute."""
    lines = inspect.cleandoc(cls.__doc__ or "").splitlines()
    said: dict[str, str] = {}
    name = ""
    at = lines.index("Attributes:") + 1 if "Attributes:" in lines else len(lines)
    for line in lines[at:]:
        found = _ATTRIBUTE.match(line.removeprefix("    "))
        if found and not line.startswith("     "):
            name = found[1]
            said[name] = found[2]
        elif name:
            said[name] = f"{said[name]} {line.strip()}".strip()
    plain = {key: _MARKUP.sub(r"`\1`", text) for key, text in said.items()}
    return _MARKUP.sub(r"`\1`", lines[0] if lines else ""), plain


def _is_scalar(info: mi.Type) -> bool:
    """Tell whether a default would have to be written in another form: a duration, a size."""
    return isinstance(info, mi.CustomType)


def _structs(info: mi.Type) -> Iterator[mi.StructType]:
    """Return every struct that a type is made of, itself included."""
    waiting: list[mi.Type] = [info]
    seen: set[type] = set()
    while waiting:
        each = waiting.pop()
        if isinstance(each, mi.StructType):
            if each.cls in seen:
                continue
            seen.add(each.cls)
            yield each
            waiting += [field.type for field in each.fields]
        else:
            waiting += _parts(each)


def _parts(info: mi.Type) -> list[mi.Type]:
    if isinstance(info, mi.Metadata):
        return [info.type]
    if isinstance(info, mi.UnionType):
        return list(info.types)
    if isinstance(info, mi.CollectionType):
        return [info.item_type]
    if isinstance(info, mi.TupleType):
        return list(info.item_types)
    return [info.value_type] if isinstance(info, mi.DictType) else []


def _full_name(info: mi.StructType) -> str:
    return f"{info.cls.__module__}.{info.cls.__qualname__}"


def _short_names(definitions: dict[str, Any]) -> dict[str, str]:
    short = [each.rpartition(".")[2] for each in definitions]
    return {
        full: name if short.count(name) == 1 else full
        for full, name in zip(definitions, short, strict=True)
    }


def _renamed(value: Any, names: dict[str, str], root: str) -> Any:  # noqa: ANN401 - JSON
    """Return a schema with short names, and its hints where editors look for them."""
    if isinstance(value, list):
        return [_renamed(each, names, root) for each in value]
    if not isinstance(value, dict):
        return value
    found = {key: _renamed(each, names, root) for key, each in value.items() if key != HINT}
    if HINT in value and "pattern" in value:
        found["patternErrorMessage"] = value[HINT]
    reference = value.get("$ref")
    if isinstance(reference, str):
        name = names[reference.removeprefix(_REFERENCE)]
        found["$ref"] = "#" if name == root else _REFERENCE + name
    return found
