"""The one place where a driver's errors become instructions to the runtime.

Texts are our own: the messages of drivers quote values (I6). They are told apart by SQLSTATE
(PostgreSQL, appendix A of its manual) and by result code (SQLite), never by text.
"""

from __future__ import annotations

from typing import Any, Final

from crossdock.contracts import CrossdockError, Disconnected, Halt, Reject, Retry

_AWAY: Final = {"08", "53", "57P01", "57P02", "57P03", "57P05", "58", "25006"}
_PASSES: Final = {"40", "55", "57", "25", "XX"}
_REFUSED: Final = {"21", "22", "23", "44", "54", "42804", "P0", "09", "27", "38", "39"}

_SQLITE_BUSY: Final = {5, 6, 15, 17}  # BUSY, LOCKED, PROTOCOL (of locking), SCHEMA (changed)
_SQLITE_AWAY: Final = {7, 10, 13}  # NOMEM, IOERR, FULL: not the message's fault, and it may pass
_SQLITE_REFUSED: Final = {18, 19, 20, 25}  # TOOBIG, CONSTRAINT, MISMATCH, RANGE
_NAMES_COLUMNS: Final = {
    "SQLITE_CONSTRAINT_NOTNULL",
    "SQLITE_CONSTRAINT_PRIMARYKEY",
    "SQLITE_CONSTRAINT_UNIQUE",
}


def instruction(error: BaseException | None, where: str) -> CrossdockError:
    """Return what the runtime has to do about an error of the driver.

    Args:
        error: As ``sqlite3`` or ``psycopg`` raised it.
        where: What was worked on, for a person.
    """
    cause: Any = error  # the fields of a driver's own exception are not typed
    code = getattr(cause, "sqlite_errorcode", None)
    if code is not None:
        return _of_sqlite(cause, code & 0xFF, where)
    state = getattr(cause, "sqlstate", None)
    if state:
        return _of_postgresql(cause, state, where)
    return _of_driver(cause, where)


def _of_sqlite(cause: Any, code: int, where: str) -> CrossdockError:  # noqa: ANN401 - see above
    name = cause.sqlite_errorname
    if code in _SQLITE_BUSY:
        return Retry(f"{where}: locked by another writer ({name})")
    if code in _SQLITE_AWAY:
        return Disconnected(f"{where}: {name}; check the disk and its free space")
    if code in _SQLITE_REFUSED:
        columns = str(cause).rpartition(": ")[2] if name in _NAMES_COLUMNS else ""
        return Reject(f"{where} refuses the row: {name}{_about(columns)}")
    return Halt(f"{where}: {name}; check the file, its rights, and the table's definition")


def _of_postgresql(cause: Any, state: str, where: str) -> CrossdockError:  # noqa: ANN401 - see above
    def among(states: set[str]) -> bool:
        return state in states or state[:2] in states

    told = f"SQLSTATE {state}, {type(cause).__name__}"
    if among(_AWAY):
        return Disconnected(f"{where}: {told}")
    if among(_REFUSED):
        names = (cause.diag.constraint_name, cause.diag.column_name)
        return Reject(f"{where} refuses the row: {told}{_about(*names)}")
    if among(_PASSES):
        return Retry(f"{where}: {told}")
    return Halt(f"{where}: {told}; check the user's rights and the table's definition")


def _of_driver(cause: object, where: str) -> CrossdockError:
    """What the driver says by itself: it lost the connection, or cannot send a value."""
    told = type(cause).__name__
    kinds = {each.__name__ for each in type(cause).__mro__}  # the names are those of PEP 249
    if kinds & {"DataError", "IntegrityError"}:
        return Reject(f"{where} refuses the row: {told}")
    if kinds & {"OperationalError", "InterfaceError"}:
        return Disconnected(f"{where}: no connection ({told})")
    return Halt(f"{where}: {told}; check the settings")


def _about(*names: str | None) -> str:
    known = [name for name in names if name]
    return f" ({', '.join(known)})" if known else ""
