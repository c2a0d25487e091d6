"""From what is delivered to rows: pure, no I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

import msgspec

from crossdock.contracts import Reject

Row: TypeAlias = dict[str, Any]
"""Column and value; a column that is not there keeps its default."""


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """How a value becomes a row.

    Attributes:
        known: Columns of the table.
        columns: Column and field; empty when each field fills the column of its name.
        key: Columns that each row must have.
    """

    known: frozenset[str]
    columns: dict[str, str] = {}
    key: tuple[str, ...] = ()

    def row(self, value: object) -> Row:
        """Return the row of a value.

        Raises:
            Reject: When the value has no such row.
        """
        if not isinstance(value, Mapping):
            raise Reject("the value is not an object of fields: a row needs one; use `map`")
        row: Row
        if self.columns:
            row = {c: value[field] for c, field in self.columns.items() if field in value}
        else:
            row = dict(value)
            if unknown := row.keys() - self.known:
                name = min(unknown)[:80]
                raise Reject(f"field {name!r} is no column of the table: map it or leave it out")
        if not row:
            raise Reject("the value has none of the fields that fill a column")
        if missing := [name for name in self.key if row.get(name) is None]:
            raise Reject(f"the value has nothing for key column {missing[0]!r}")
        return row


def runs(rows: Iterable[Row], key: tuple[str, ...]) -> Iterator[list[Row]]:
    """Cut rows into runs, in order, of which each can be one statement.

    Rows of a run fill the same columns, and no key comes twice in it: PostgreSQL refuses to upsert
    one row twice in a statement.
    """
    run: list[Row] = []
    seen: set[bytes] = set()
    for row in rows:
        identity = msgspec.json.encode([row[name] for name in key]) if key else b""
        if run and (row.keys() != run[0].keys() or identity in seen):
            yield run
            run, seen = [], set()
        run.append(row)
        if key:
            seen.add(identity)
    if run:
        yield run
