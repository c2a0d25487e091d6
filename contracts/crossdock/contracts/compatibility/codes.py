"""Every kind of difference, with what it means and whom it usually breaks.

The names follow the vocabulary that Confluent's and Apicurio's registries share, in lower case.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

Usually = Literal["backward", "forward", "both", "nobody", "depends"]


_DIRECTIONS: Final[dict[bool, tuple[Usually, Usually]]] = {
    True: ("backward", "forward"),
    False: ("forward", "backward"),
}


class Code(msgspec.Struct, frozen=True):
    """One kind of difference.

    Attributes:
        name: Its code.
        meaning: A clause; ``{old}`` and ``{new}`` stand for what the schemas say.
        usually: Whom it breaks when nothing else in the schemas makes up for it.
    """

    name: str
    meaning: str
    usually: Usually


def _bounds(keyword: str, what: str, *, upper: bool) -> list[Code]:
    less, more = _DIRECTIONS[upper]
    limit = f"{'upper' if upper else 'lower'} limit"
    return [
        Code(f"{keyword}-added", f"{what} has now the {limit} {{new}}", "backward"),
        Code(f"{keyword}-removed", f"{what} has no longer the {limit} {{old}}", "forward"),
        Code(f"{keyword}-increased", f"the {limit} of {what} rose from {{old}} to {{new}}", more),
        Code(f"{keyword}-decreased", f"the {limit} of {what} fell from {{old}} to {{new}}", less),
    ]


def _changes(subject: str, what: str, *words: str) -> list[Code]:
    texts: dict[str, tuple[str, Usually]] = {
        "added": (f"{what} was added", "backward"),
        "removed": (f"{what} was removed", "forward"),
        "extended": (f"{what} allows more", "forward"),
        "narrowed": (f"{what} allows less", "backward"),
        "changed": (f"{what} is another one", "both"),
    }
    return [Code(f"{subject}-{word}", *texts[word]) for word in words]


_ANNOTATIONS: Final = [
    Code(f"{name}-changed", f"the {text} is another one", "nobody")
    for name, text in (
        ("id", "identifier"),
        ("title", "title"),
        ("description", "description"),
        ("default", "default, which no validator fills in,"),
        ("draft", "draft of JSON Schema"),
    )
]
_VALUES: Final = [
    Code("type-extended", "values of more types are allowed", "forward"),
    Code("type-narrowed", "values of fewer types are allowed", "backward"),
    Code("type-changed", "the type changed from {old} to {new}", "both"),
    Code("enum-array-added", "only listed values are allowed now", "backward"),
    Code("enum-array-removed", "any value is allowed, no longer only listed ones", "forward"),
    Code("enum-array-extended", "values were added to the list of allowed ones", "forward"),
    Code("enum-array-narrowed", "values were removed from the list of allowed ones", "backward"),
    Code("enum-array-changed", "the list of allowed values is another one", "both"),
]
_NUMBERS: Final = [
    *_bounds("maximum", "the number", upper=True),
    *_bounds("minimum", "the number", upper=False),
    *_bounds("exclusive-maximum", "the number", upper=True),
    *_bounds("exclusive-minimum", "the number", upper=False),
    Code("multiple-of-added", "the number must now be a multiple of {new}", "backward"),
    Code("multiple-of-removed", "the number need not be a multiple of {old} any more", "forward"),
    Code("multiple-of-expanded", "it must be a multiple of {new}, before of {old}", "backward"),
    Code("multiple-of-reduced", "it must be a multiple of {new}, before of {old}", "forward"),
    Code("multiple-of-changed", "it must be a multiple of {new}, before of {old}", "both"),
]
_STRINGS: Final = [
    *_bounds("max-length", "the length", upper=True),
    *_bounds("min-length", "the length", upper=False),
    *_changes("pattern", "the pattern of the text", "added", "removed", "changed"),
    *_changes("format", "the format of the text", "added", "removed", "changed"),
    *_changes("content-encoding", "the encoding of the text", "added", "removed", "changed"),
    *_changes("content-media-type", "the media type of the text", "added", "removed", "changed"),
]
_OBJECTS: Final = [
    Code("required-attribute-added", "a property must be there now", "backward"),
    Code(
        "required-attribute-with-default-added",
        "a property must be there now; its default does not help, since no validator fills it in",
        "backward",
    ),
    Code("required-attribute-removed", "a property need not be there any more", "forward"),
    *_bounds("max-properties", "the number of properties", upper=True),
    *_bounds("min-properties", "the number of properties", upper=False),
    Code("additional-properties-added", "properties that are not listed are allowed", "forward"),
    Code("additional-properties-removed", "only listed properties are allowed now", "backward"),
    Code("additional-properties-extended", "properties not listed may be anything", "forward"),
    Code("additional-properties-narrowed", "properties not listed have a schema now", "backward"),
    Code(
        "optional-property-added-to-open-content-model",
        "a property has a schema now, which could be anything before",
        "backward",
    ),
    Code(
        "required-property-added-to-open-content-model",
        "a property has a schema and must be there now",
        "backward",
    ),
    Code(
        "property-with-empty-schema-added-to-open-content-model",
        "a property is listed that was allowed before",
        "nobody",
    ),
    Code(
        "optional-property-added-to-unopen-content-model",
        "a property is allowed that was refused before",
        "forward",
    ),
    Code(
        "required-property-added-to-unopen-content-model",
        "a property must be there that was refused before",
        "both",
    ),
    Code(
        "property-removed-from-open-content-model",
        "a property may be anything, which had a schema",
        "forward",
    ),
    Code(
        "property-removed-from-closed-content-model",
        "a property is refused that was allowed before",
        "backward",
    ),
    Code(
        "property-with-false-removed-from-closed-content-model",
        "a property that was refused is not listed any more, and still refused",
        "nobody",
    ),
    Code(
        "property-removed-is-covered-by-partially-open-content-model",
        "a property is not listed any more; what is said of others allows what it could be",
        "depends",
    ),
    Code(
        "property-removed-not-covered-by-partially-open-content-model",
        "a property is not listed any more; what is said of others refuses some of it",
        "backward",
    ),
    Code(
        "property-added-is-covered-by-partially-open-content-model",
        "a property is listed now; it allows what was said of it as one of the others",
        "depends",
    ),
    Code(
        "property-added-not-covered-by-partially-open-content-model",
        "a property is listed now; it refuses some of what was said of it as one of the others",
        "backward",
    ),
    *_changes("pattern-property", "a schema for names of a pattern", "added", "removed"),
    *_changes(
        "property-names",
        "the rule for names",
        "added",
        "removed",
        "extended",
        "narrowed",
        "changed",
    ),
    *_changes("dependency-array", "what a property asks for", "added", "removed", "changed"),
    Code("dependency-array-extended", "a property asks for more properties", "backward"),
    Code("dependency-array-narrowed", "a property asks for fewer properties", "forward"),
    *_changes("dependency-schema", "a schema that a property asks for", "added", "removed"),
    *_changes(
        "unevaluated-properties",
        "the rule for all other properties",
        "extended",
        "narrowed",
        "changed",
    ),
    Code("unevaluated-properties-added", "all other properties are allowed", "forward"),
    Code("unevaluated-properties-removed", "all other properties are refused now", "backward"),
]
_ARRAYS: Final = [
    *_bounds("max-items", "the number of items", upper=True),
    *_bounds("min-items", "the number of items", upper=False),
    *_changes("unique-items", "that no item comes twice", "added", "removed"),
    Code("additional-items-added", "more items are allowed", "forward"),
    Code("additional-items-removed", "no more items are allowed now", "backward"),
    Code("additional-items-extended", "items may be anything", "forward"),
    Code("additional-items-narrowed", "items have a schema now", "backward"),
    Code("item-added-to-open-content-model", "an item has a schema now", "backward"),
    Code(
        "item-with-empty-schema-added-to-open-content-model",
        "an item is listed that was allowed before",
        "nobody",
    ),
    Code("item-added-to-closed-content-model", "an item more is allowed", "forward"),
    Code(
        "item-added-is-covered-by-partially-open-content-model",
        "an item is listed now; it allows what was said of the others",
        "depends",
    ),
    Code(
        "item-added-not-covered-by-partially-open-content-model",
        "an item is listed now; it refuses some of what was said of the others",
        "backward",
    ),
    Code("item-removed-from-open-content-model", "an item may be anything", "forward"),
    Code("item-removed-from-closed-content-model", "an item is refused now", "backward"),
    Code(
        "item-with-false-removed-from-closed-content-model",
        "an item that was refused is not listed any more, and still refused",
        "nobody",
    ),
    Code(
        "item-removed-is-covered-by-partially-open-content-model",
        "an item is not listed any more; what is said of the others allows it",
        "depends",
    ),
    Code(
        "item-removed-not-covered-by-partially-open-content-model",
        "an item is not listed any more; what is said of the others refuses some of it",
        "backward",
    ),
    *_changes(
        "contains", "what an item must be", "added", "removed", "extended", "narrowed", "changed"
    ),
    *_bounds("max-contains", "the number of items of that kind", upper=True),
    *_bounds("min-contains", "the number of items of that kind", upper=False),
    *_changes(
        "unevaluated-items", "the rule for all other items", "extended", "narrowed", "changed"
    ),
    Code("unevaluated-items-added", "all other items are allowed", "forward"),
    Code("unevaluated-items-removed", "all other items are refused now", "backward"),
]
_COMBINED: Final = [
    Code("product-type-extended", "one more schema must hold", "backward"),
    Code("product-type-narrowed", "one schema less must hold", "forward"),
    Code("sum-type-extended", "one more schema may hold instead", "forward"),
    Code("sum-type-narrowed", "one schema less may hold instead", "backward"),
    Code("combined-type-extended", "how schemas combine, {old} before, is {new} now", "forward"),
    Code("combined-type-changed", "how schemas combine, {old} before, is {new} now", "backward"),
    Code("combined-type-subschemas-changed", "the combined schemas are other ones", "both"),
    Code("not-type-added", "some values are forbidden now", "backward"),
    Code("not-type-removed", "values are no longer forbidden", "forward"),
    Code("not-type-extended", "more values are forbidden", "backward"),
    Code("not-type-narrowed", "fewer values are forbidden", "forward"),
    Code("not-type-changed", "other values are forbidden", "both"),
    Code("conditional-added", "some values must keep one more schema", "backward"),
    Code("conditional-removed", "some values need not keep one more schema", "forward"),
    Code("conditional-changed", "which values must keep which schema changed", "both"),
]
_OTHER: Final = [
    Code("undecided", "whether every document stays valid cannot be proven", "both"),
]

#: Every code, by its name.
CODES: Final = {
    each.name: each
    for group in (_ANNOTATIONS, _VALUES, _NUMBERS, _STRINGS, _OBJECTS, _ARRAYS, _COMBINED, _OTHER)
    for each in group
}
