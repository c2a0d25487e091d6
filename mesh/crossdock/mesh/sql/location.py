"""Where a database is: a SQLAlchemy URL, restricted to what the adapters are tested with."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from crossdock.contracts import Halt

_DRIVERS: Final = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"}


def locate(text: str, folder: Path) -> URL:
    """Read a database URL.

    Args:
        text: ``sqlite:///PATH`` or ``postgresql://USER:PASSWORD@HOST:PORT/DATABASE``.
        folder: Where a relative SQLite path starts.

    Raises:
        Halt: When it is no URL, or of another database; the text is not told, for it may hold a
            password (I6).
    """
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise Halt(
            "url is not a database URL: write sqlite:///PATH or "
            "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
        ) from None  # the cause quotes the URL
    driver = _DRIVERS.get(url.get_backend_name())
    if driver is None:
        raise Halt("url names a database that is not supported: use sqlite or postgresql")
    url = url.set(drivername=driver)
    return _sqlite_file(url, folder) if driver.startswith("sqlite") else url


def shown(url: URL) -> str:
    """Return what may be told of a URL: neither user, nor password, nor options (I6)."""
    if url.get_backend_name() == "sqlite":
        return f"SQLite file {url.database}"
    return f"PostgreSQL database {url.database} at {url.host}:{url.port or 5432}"


def _sqlite_file(url: URL, folder: Path) -> URL:
    name = url.database or ""
    if name in {"", ":memory:"} or name.startswith("file:"):
        raise Halt("url must name a SQLite file: sqlite:///PATH; memory is not durable")
    return url.set(database=str(folder / name))
