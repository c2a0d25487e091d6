"""Which adapters are installed: found through the entry-point group ``crossdock.adapters``.

Nothing is imported before it is asked for, so an adapter whose extra is missing harms no other.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib.metadata import EntryPoint, entry_points
from typing import Final

import msgspec

from crossdock.contracts import Halt
from crossdock.workers.adapter import Adapter

GROUP: Final = "crossdock.adapters"

_EXTRAS: Final = {
    "httpx": "http",
    "sqlalchemy": "sql",
    "psycopg": "postgresql",
    "paho": "mqtt",
    "cronsim": "cron",
}


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """One installed adapter.

    Attributes:
        name: As written in a worker file.
        adapter: The adapter, None when it cannot be loaded.
        problem: Why it cannot be loaded and what to do, ``""`` when it can.
    """

    name: str
    adapter: Adapter | None = None
    problem: str = ""


def find_adapter(name: str) -> Adapter:
    """Return the adapter of a name.

    Raises:
        Halt: When there is none, or what it needs is not installed: with what to do.
    """
    found = _entry_points()
    if name not in found:
        near = get_close_matches(name, found, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(found))}"
        raise Halt(f"no adapter is named {name[:80]!r}: {hint}")
    return _load(found[name])


def adapters() -> tuple[Listed, ...]:
    """Return all installed adapters by name; those that cannot be loaded say why."""
    return tuple(_listed(point) for _, point in sorted(_entry_points().items()))


def _entry_points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def _listed(point: EntryPoint) -> Listed:
    try:
        return Listed(name=point.name, adapter=_load(point))
    except Halt as error:
        return Listed(name=point.name, problem=error.reason)


def _load(point: EntryPoint) -> Adapter:
    try:
        adapter = point.load()
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        extra = _EXTRAS.get(missing)
        cure = f"pip install 'crossdock[{extra}]'" if extra else f"install what has {error.name}"
        raise Halt(f"adapter {point.name} needs a package that is not there: {cure}") from error
    except (ImportError, AttributeError) as error:
        raise Halt(f"adapter {point.name} cannot be loaded from {point.value}") from error
    if not isinstance(adapter, Adapter) or adapter.name != point.name:
        raise Halt(f"{point.value} is not the adapter {point.name}: export an Adapter of that name")
    return adapter
