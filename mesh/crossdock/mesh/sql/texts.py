"""Texts where Python's own types cannot hold all that SQL can."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Connection

from crossdock.mesh.sql.values import sqlite_text

_AS_TEXT: Final = ("date", "time", "timetz", "timestamp", "timestamptz", "interval")


def prepare_texts(connection: Connection) -> None:
    """Make the driver of a connection return texts for times, and for text that is not UTF-8."""
    driver: Any = connection.connection.dbapi_connection
    if connection.dialect.name == "sqlite":
        driver.text_factory = sqlite_text
        return
    from crossdock.mesh.sql.postgresql import Text, Time  # noqa: PLC0415 - an extra of its own

    for name in _AS_TEXT:
        driver.adapters.register_loader(name, Time if name.startswith("timestamp") else Text)
