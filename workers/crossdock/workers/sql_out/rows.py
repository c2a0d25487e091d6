"""From what is delivered to rows: pure, no I/O.

A batch is a thousand values of one shape, so what depends only on the names of a value's fields is
worked out once and kept as a :class:`Layout`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any, Final

import msgspec

from crossdock.contracts import CrossdockError, Reject
from crossdock.workers.adapter import Delivery

_MOST_LAYOUTS: Final = 256


class Layout(msgspec.Struct, frozen=True, eq=False):
    """Which columns the values with certain fields fill, and how.

    Attributes:
        columns: Columns that are filled; the others keep their default.
        cells: Takes the cells of a row from a value.
        key: Takes the cells of the key from the cells of a row.
    """

    columns: tuple[str, ...]
    cells: Callable[[Mapping[str, Any]], tuple[Any, ...]]
    key: Callable[[tuple[Any, ...]], tuple[Any, ...]]


class Row(msgspec.Struct, frozen=True, eq=False, gc=False):
    """One row of one message.

    Attributes:
        position: Of its delivery in the batch.
        id: Of its message.
        layout: What its cells are.
        cells: In the order of the layout's columns.
    """

    position: int
    id: str
    layout: Layout
    cells: tuple[Any, ...]

    def __repr__(self) -> str:  # I6
        return f"Row(id={self.id!r}, columns={self.layout.columns!r})"


class Shape:
    """How values become rows of one table."""

    def __init__(
        self, known: Iterable[str], columns: Mapping[str, str], key: tuple[str, ...]
    ) -> None:
        """Remember the table and the settings.

        Args:
            known: Columns of the table.
            columns: Column and field; empty when each field fills the column of its name.
            key: Columns that each row must have.
        """
        self._known = frozenset(known)
        self._columns = columns
        self._key = key
        self._layouts: dict[tuple[str, ...], Layout] = {}

    def rows(
        self, deliveries: Iterable[Delivery], results: list[CrossdockError | None]
    ) -> Iterator[Row]:
        """Return the rows of the values that have one; put a Reject into the others' results."""
        layouts = self._layouts
        for position, delivery in enumerate(deliveries):
            value = delivery.value
            try:
                fields = _fields(value)
                layout = layouts.get(fields) or self._new_layout(fields)
                cells = layout.cells(value)
                if self._key and None in layout.key(cells):
                    raise Reject(f"the value has null in the key: {', '.join(self._key)}")  # noqa: TRY301 - a call more for each row is measured
                yield Row(position, delivery.id, layout, cells)
            except Reject as refusal:
                results[position] = refusal

    def _new_layout(self, fields: tuple[str, ...]) -> Layout:
        filled = self._filled(fields)
        for name in self._key:
            if name not in filled:
                raise Reject(f"the value has no field for key column {name!r}")
        columns = tuple(filled)
        layout = Layout(
            columns, _taking(filled.values()), _taking(columns.index(name) for name in self._key)
        )
        if len(self._layouts) >= _MOST_LAYOUTS:  # names of fields come from outside: bounded (I8)
            self._layouts.clear()
        return self._layouts.setdefault(fields, layout)

    def _filled(self, fields: tuple[str, ...]) -> dict[str, str]:
        """Return the columns that are filled, and from which field."""
        if self._columns:
            filled = {column: field for column, field in self._columns.items() if field in fields}
        else:
            filled = {field: field for field in fields}
            if unknown := filled.keys() - self._known:
                name = min(unknown)[:80]
                raise Reject(f"field {name!r} is no column of the table: map it or leave it out")
        if not filled:
            raise Reject("the value has none of the fields that fill a column")
        return filled


def _fields(value: Any) -> tuple[str, ...]:  # noqa: ANN401 - any JSON value
    if isinstance(value, dict):
        return tuple(value)
    raise Reject("the value is not an object of fields: a row needs one; use `map`")


def runs(rows: Iterable[Row], *, by_key: bool) -> Iterator[list[Row]]:
    """Cut rows into runs, in order, of which each can be one statement.

    Rows of a run fill the same columns; with ``by_key`` no key comes twice in it: PostgreSQL
    refuses to upsert one row twice in a statement.
    """
    for _, group in groupby(rows, key=attrgetter("layout")):
        if by_key:
            yield from _without_repeats(group)
        else:
            yield list(group)


def _without_repeats(rows: Iterable[Row]) -> Iterator[list[Row]]:
    run: list[Row] = []
    seen: set[bytes] = set()
    for row in rows:
        identity = msgspec.json.encode(row.layout.key(row.cells))
        if identity in seen:
            yield run
            run, seen = [], set()
        run.append(row)
        seen.add(identity)
    yield run


def _taking(keys: Iterable[Any]) -> Callable[[Any], tuple[Any, ...]]:
    """Return what takes several items as a tuple; ``itemgetter`` alone gives one item bare."""
    names = tuple(keys)
    if len(names) > 1:
        return itemgetter(*names)
    return lambda value: tuple(value[name] for name in names)
