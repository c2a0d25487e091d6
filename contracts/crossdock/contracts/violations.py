"""What a JSON Schema validator found, said without any value of the document (I6).

The validator's own messages quote the document; these are built from the schema's side only: the
keyword, its limit, names that the schema declares. ``anyOf`` and ``oneOf`` are taken apart, so that
a person reads what is wrong in the form that was meant, not that no form fitted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import jsonschema_rs
import msgspec

_UNIONS: Final = ("anyOf", "oneOf")
_UNEXPECTED: Final = ("additionalProperties", "unevaluatedProperties")
_POINTER_BYTES: Final = 300
_OPTIONS: Final = 12
_TEXT: Final = 200

_TYPES: Final = {
    "string": "a string",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}

_TEXTS: Final = {
    "minLength": "shorter than {} characters",
    "maxLength": "longer than {} characters",
    "minimum": "less than {}",
    "maximum": "greater than {}",
    "exclusiveMinimum": "not greater than {}",
    "exclusiveMaximum": "not less than {}",
    "multipleOf": "not a multiple of {}",
    "minItems": "fewer than {} items",
    "maxItems": "more than {} items",
    "minProperties": "fewer than {} properties",
    "maxProperties": "more than {} properties",
    "pattern": "does not match the pattern {}",
    "format": "not a valid {}",
    "contentEncoding": "not encoded as {}",
    "contentMediaType": "not content of type {}",
    "uniqueItems": "holds the same item twice",
    "contains": "holds no item of the kind that `contains` asks for",
    "not": "is what `not` forbids",
    "falseSchema": "not allowed here",
    "additionalItems": "more items than allowed",
    "unevaluatedItems": "more items than allowed",
    "additionalProperties": "unexpected property",
    "unevaluatedProperties": "unexpected property",
    "anyOf": "fits none of the allowed forms",
    "oneOf": "fits none, or more than one, of the allowed forms",
}


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """One keyword of the schema that a document breaks.

    Attributes:
        path: Keys and indexes from the root of the document to the place.
        keyword: The JSON Schema keyword.
        message: One line that holds no value of the document.
        limit: What the schema says: the limit, the missing name, the allowed values or types.
        schema_path: Where in the schema the keyword stands.
        evaluation_path: How validation came to it, through references.
        absolute: Its URI, None when the schema has none.
    """

    path: tuple[str | int, ...]
    keyword: str
    message: str
    limit: Any = None
    schema_path: tuple[str | int, ...] = ()
    evaluation_path: tuple[str | int, ...] = ()
    absolute: str | None = None


def pointer(path: Sequence[str | int]) -> str:
    """Return the JSON Pointer (RFC 6901) of a path; one that is too long is cut (I8)."""
    text = "".join("/" + escaped(str(each)) for each in path)
    return text if len(text) <= _POINTER_BYTES else text[:_POINTER_BYTES] + "…"


def escaped(name: str) -> str:
    """Return a name as a step of a JSON Pointer."""
    return name.replace("~", "~0").replace("/", "~1")


def violations(errors: Iterator[jsonschema_rs.ValidationError]) -> Iterator[Violation]:
    """Say each error of the validator in our words; one may give several violations."""
    for error in errors:
        if error.kind.name in _UNIONS:
            yield from _union(error)
        elif error.kind.name in _UNEXPECTED:
            yield from _unexpected(error)
        else:
            yield _single(error)


def _single(error: jsonschema_rs.ValidationError) -> Violation:
    limit = next(iter(error.kind.as_dict().values()), None)
    keyword = error.kind.name
    if keyword == "falseSchema" and error.schema_path[-1:] == ["additionalProperties"]:
        keyword = "maxProperties"  # no property is declared: the validator names none of them
        limit = 0
    return Violation(
        path=tuple(error.instance_path),
        keyword=keyword,
        message=_text(keyword, limit),
        limit=limit,
        **_whereabouts(error),
    )


def _unexpected(error: jsonschema_rs.ValidationError) -> Iterator[Violation]:
    for name in error.kind.as_dict()["unexpected"]:
        yield Violation(
            path=(*error.instance_path, name),
            keyword=error.kind.name,
            message=_TEXTS[error.kind.name],
            **_whereabouts(error),
        )


def _whereabouts(error: jsonschema_rs.ValidationError) -> dict[str, Any]:
    return {
        "schema_path": tuple(error.schema_path),
        "evaluation_path": tuple(error.evaluation_path),
        "absolute": error.absolute_keyword_location,
    }


def _text(
    keyword: str,
    limit: Any,  # noqa: ANN401 - a keyword's limit is a number, a name, a list or an error
) -> str:
    if keyword == "type":
        return "expected " + _either([_TYPES.get(each, each) for each in limit])
    if keyword == "required":
        return f"missing property {limit!r}"
    if keyword == "enum":
        return "not one of the allowed values: " + _listed(limit)
    if keyword == "const":
        return f"must be {_json(limit)}"
    if keyword == "propertyNames":
        inner = _single(limit)
        return f"the name of a property is wrong: {inner.message}"
    return _TEXTS.get(keyword, f"breaks `{keyword}` of the schema").format(limit)[:_TEXT]


def _union(error: jsonschema_rs.ValidationError) -> Iterator[Violation]:
    """Tell what is wrong with the form that was most likely meant."""
    here = tuple(error.instance_path)
    forms: list[list[jsonschema_rs.ValidationError]] = error.kind.as_dict().get("context", [])
    forms = [form for form in forms if form]  # a form that fits (oneOf with several) has no error
    alike = [form for form in forms if not _other_type(form, here)]
    if not alike:
        yield _no_type(error, forms)
        return
    tagged = [form for form in alike if _wrong_tag(form, here) is None]
    if not tagged:
        yield _no_tag(error, alike)
        return
    nearest = min(tagged, key=lambda form: (-_depth(form), len(form)))
    if len(tagged) == 1 or _depth(nearest) > len(here):
        yield from violations(iter(nearest))
    else:  # several forms could be meant: only what they have in common is no guess
        yield from _common(tagged) or [_single(error)]


def _common(forms: list[list[jsonschema_rs.ValidationError]]) -> list[Violation]:
    first, *rest = [list(violations(iter(form))) for form in forms]
    others = [{(each.path, each.message) for each in form} for form in rest]
    return [each for each in first if all((each.path, each.message) in form for form in others)]


def _other_type(form: list[jsonschema_rs.ValidationError], here: tuple[str | int, ...]) -> bool:
    return any(each.kind.name == "type" and tuple(each.instance_path) == here for each in form)


def _wrong_tag(
    form: list[jsonschema_rs.ValidationError], here: tuple[str | int, ...]
) -> jsonschema_rs.ValidationError | None:
    """Return the error by which a tagged form says that another form is meant."""
    for each in form:
        missing = each.kind.name == "required" and tuple(each.instance_path) == here
        if missing and each.schema_path[-1] == "required":
            continue
        one_level_down = len(each.instance_path) == len(here) + 1
        if one_level_down and len(_constants(each)) == 1:
            return each
    return None


def _constants(error: jsonschema_rs.ValidationError) -> list[Any]:
    detail = error.kind.as_dict()
    if error.kind.name == "const":
        return [detail["expected_value"]]
    return list(detail["options"]) if error.kind.name == "enum" else []


def _no_type(
    error: jsonschema_rs.ValidationError, forms: list[list[jsonschema_rs.ValidationError]]
) -> Violation:
    here = tuple(error.instance_path)
    types: list[str] = []
    for each in (each for form in forms for each in form):
        if each.kind.name == "type" and tuple(each.instance_path) == here:
            types += [name for name in each.kind.as_dict()["types"] if name not in types]
    if not types:
        return _single(error)
    return Violation(
        path=here,
        keyword="type",
        message=_text("type", types),
        limit=types,
        **_whereabouts(error),
    )


def _no_tag(
    error: jsonschema_rs.ValidationError, forms: list[list[jsonschema_rs.ValidationError]]
) -> Violation:
    wrong = [each for form in forms if (each := _wrong_tag(form, tuple(error.instance_path)))]
    if len({tuple(each.instance_path) for each in wrong}) > 1:
        return _single(error)
    options = [option for each in wrong for option in _constants(each)]
    return Violation(
        path=tuple(wrong[0].instance_path),
        keyword="enum",
        message=_text("enum", options),
        limit=options,
        **_whereabouts(error),
    )


def _depth(form: list[jsonschema_rs.ValidationError]) -> int:
    return max(len(each.instance_path) for each in form)


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _listed(values: list[Any]) -> str:
    shown = ", ".join(_json(each) for each in values[:_OPTIONS])
    return shown if len(values) <= _OPTIONS else f"{shown} and {len(values) - _OPTIONS} more"


def _json(value: object) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= _TEXT else text[:_TEXT] + "…"
