"""What the parts of a schema are called, and where its references lead (draft 2020-12, 9.2)."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import unquote, urldefrag

import msgspec

from crossdock.contracts.schema_uri import joined
from crossdock.contracts.schema_walk import Schema, steps_of, subschemas

_Schema = dict[str, Any]
_REFERENCES: Final = ("$ref", "$dynamicRef")
_ANCHORS: Final = ("$anchor", "$dynamicAnchor")


class Reference(msgspec.Struct, frozen=True):
    """One reference in a schema.

    Attributes:
        text: As written.
        uri: What it means, without the fragment; relative when the schema has no base.
    """

    text: str
    uri: str


class SchemaIndex:
    """The names in one schema.

    Attributes:
        base: Absolute URI of the whole: its ``$id``, else the one it was given.
        references: Every reference in it, as far as it is to a resource and not to a place in its
            own.
    """

    def __init__(self, schema: _Schema, base: str = "") -> None:
        """Take the schema.

        Args:
            schema: Of draft 2020-12 or draft-07.
            base: URI that it is known by, beside its own ``$id``.
        """
        self.references: list[Reference] = []
        self._bases: dict[int, str] = {}
        self._named: dict[str, _Schema] = {base: schema, "": schema}
        waiting: list[tuple[Schema, str]] = [(schema, base)]
        while waiting:
            part, around = waiting.pop()
            if isinstance(part, dict):
                here = self._take(part, around)
                waiting += [(each, here) for _, each in subschemas(part)]
        self.base = self._bases[id(schema)]

    def names(self) -> set[str]:
        """Return the URIs of everything that has one, with anchors as fragments."""
        return set(self._named)

    def resolve(self, reference: str, part: _Schema) -> _Schema | None:
        """Return what a reference in a part of the schema leads to, None when nothing is there."""
        uri, fragment = urldefrag(joined(self._bases.get(id(part), self.base), reference))
        if fragment and not fragment.startswith("/"):
            return self._named.get(f"{uri}#{fragment}")
        found: Any = self._named.get(uri)
        for key in steps_of(unquote(fragment)):
            if isinstance(found, list) and key.isdecimal() and int(key) < len(found):
                found = found[int(key)]
            else:
                found = found.get(key) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else None

    def _take(self, part: _Schema, base: str) -> str:
        """Note the names and references of one part; return the base of what is in it."""
        identity = part.get("$id")
        if isinstance(identity, str):
            uri, fragment = urldefrag(joined(base, identity))
            if fragment:  # draft-07's way to write an anchor
                self._named[f"{base}#{fragment}"] = part
            else:
                base = uri
                self._named[base] = part
        for keyword in _ANCHORS:
            if isinstance(anchor := part.get(keyword), str):
                self._named[f"{base}#{anchor}"] = part
        for keyword in _REFERENCES:
            if isinstance(text := part.get(keyword), str) and not text.startswith("#"):
                self.references.append(Reference(text, urldefrag(joined(base, text))[0]))
        self._bases[id(part)] = base
        return base
