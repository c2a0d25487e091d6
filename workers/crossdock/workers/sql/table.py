"""A table as the database describes it."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, inspect
from sqlalchemy.exc import NoSuchTableError

from crossdock.contracts import Halt


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """What an adapter must know of a table.

    Attributes:
        name: As a person writes it: ``schema.table``.
        quoted: As a statement needs it.
        columns: Name of each column and how a statement needs it.
        unique: Sets of columns whose values are unique together.
    """

    name: str
    quoted: str
    columns: dict[str, str]
    unique: frozenset[frozenset[str]]

    def require(self, names: tuple[str, ...], setting: str) -> None:
        """Raise Halt unless each name is a column."""
        for name in names:
            if name not in self.columns:
                raise Halt(f"settings/{setting}: table {self.name} has no column {name!r}")


def describe(connection: Connection, table: str, schema: str | None) -> Table:
    """Ask the database for a table or view.

    Raises:
        Halt: When there is none of that name.
    """
    name = f"{schema}.{table}" if schema else table
    found = inspect(connection)
    quote = connection.dialect.identifier_preparer.quote
    try:
        columns = [column["name"] for column in found.get_columns(table, schema)]
        keys = [found.get_pk_constraint(table, schema)["constrained_columns"]]
        keys += [each["column_names"] for each in found.get_unique_constraints(table, schema)]
        keys += [
            [column or "" for column in each["column_names"]]
            for each in found.get_indexes(table, schema)
            if each["unique"] and not each.get("dialect_options", {}).get("postgresql_where")
        ]
    except NoSuchTableError:
        raise Halt(f"settings/table: there is no table {name}; create it first") from None
    return Table(
        name=name,
        quoted=qualified(connection, table, schema),
        columns={column: quote(column) for column in columns},
        unique=frozenset(frozenset(key) for key in keys if key),
    )


def qualified(connection: Connection, table: str, schema: str | None) -> str:
    """Return the name of a table as a statement needs it."""
    quote = connection.dialect.identifier_preparer.quote
    return f"{quote(schema)}.{quote(table)}" if schema else quote(table)
