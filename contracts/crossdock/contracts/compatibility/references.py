"""Makes every `$ref` of a schema a JSON Pointer from its root, whatever it was written as.

JSON Schema 2020-12 core, sections 8.2 (`$id`, `$anchor`, `$ref`, `$dynamicRef`) and 9; in draft-07
an anchor is an `$id` that begins with `#`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from crossdock.contracts.schema_uri import joined
from crossdock.contracts.schema_walk import Schema, pointer_of, subschemas, value_at


class UnusableReferenceError(ValueError):
    """A reference leads nowhere, or where it leads depends on who uses it."""


class References:
    """The places of one schema document that references may name."""

    def __init__(self, root: Schema) -> None:
        """Walk the document.

        Args:
            root: A schema with all its resources embedded.
        """
        self._root = root
        self._pointers: dict[str, str] = {}
        self._dynamic: dict[str, set[str]] = {}
        self._bases: dict[str, str] = {}
        for pointer, base, schema in _resources(root):
            self._note(pointer, base, schema)

    def local(self, pointer: str, schema: dict[str, Any]) -> str | None:
        """Return the JSON Pointer that the `$ref` of a schema leads to, None without one.

        Args:
            pointer: Where the schema stands.
            schema: The schema.

        Raises:
            UnusableReferenceError: It cannot be followed.
        """
        if "$dynamicRef" in schema:
            return self._dynamic_target(self._base(pointer), str(schema["$dynamicRef"]))
        if "$ref" not in schema:
            return None
        return self._target(self._base(pointer), str(schema["$ref"]))

    def _target(self, base: str, reference: str) -> str:
        uri, _, fragment = joined(base, reference).partition("#")
        fragment = unquote(fragment)
        if fragment and not fragment.startswith("/"):
            found = self._pointers.get(f"{uri}#{fragment}")
        else:
            start = self._pointers.get(uri)
            found = None if start is None else start + fragment
        if found is None or not self._is_schema(found):
            raise UnusableReferenceError(f"$ref {reference!r} leads nowhere")
        return found

    def _note(self, pointer: str, base: str, schema: Schema) -> None:
        self._bases[pointer] = base
        if isinstance(schema, bool):
            return
        identifier = schema.get("$id")
        if isinstance(identifier, str) and identifier.startswith("#"):
            self._pointers[base + identifier] = pointer
        if not pointer or (isinstance(identifier, str) and not identifier.startswith("#")):
            self._pointers.setdefault(base, pointer)
        for keyword in ("$anchor", "$dynamicAnchor"):
            if isinstance(schema.get(keyword), str):
                self._pointers[f"{base}#{schema[keyword]}"] = pointer
        if isinstance(schema.get("$dynamicAnchor"), str):
            self._dynamic.setdefault(schema["$dynamicAnchor"], set()).add(pointer)

    def _base(self, pointer: str) -> str:
        while pointer not in self._bases:  # a place that no keyword makes a schema
            pointer = pointer.rpartition("/")[0]
        return self._bases[pointer]

    def _dynamic_target(self, base: str, reference: str) -> str:
        """A dynamic anchor that only one place has leads there, whoever asks."""
        found = self._target(base, reference)
        anchor = unquote(reference.rpartition("#")[2])
        if found in self._dynamic.get(anchor, set()) and len(self._dynamic[anchor]) > 1:
            raise UnusableReferenceError(f"$dynamicRef {reference!r} depends on who uses it")
        return found

    def _is_schema(self, pointer: str) -> bool:
        try:
            return isinstance(value_at(self._root, pointer), dict | bool)
        except LookupError:
            return False


def _resources(root: Schema) -> Iterator[tuple[str, str, Schema]]:
    """Yield every schema with its place and the URI that its references start from."""
    waiting: list[tuple[str, str, Schema]] = [("", "", root)]
    while waiting:
        pointer, base, schema = waiting.pop()
        if isinstance(schema, dict):
            identifier = schema.get("$id")
            if isinstance(identifier, str) and not identifier.startswith("#"):
                base = joined(base, identifier).partition("#")[0]
        yield pointer, base, schema
        waiting += [(pointer + pointer_of(steps), base, each) for steps, each in subschemas(schema)]
