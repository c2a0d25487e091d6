"""A project with one route that delays what comes in, for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import indent

from crossdock.contracts.expiry import write_time
from running_router import project


def delaying(folder: Path, delay: str, steps: str = "") -> Path:
    project(folder, steps)
    route = folder / "routes" / "r.yaml"
    text = route.read_text() if steps else route.read_text().replace("steps:\n", "")
    route.write_text(f"{text}\ndelay:\n{indent(delay, '  ')}\n")
    return folder


def soon(seconds: float) -> str:
    return write_time(datetime.now(UTC) + timedelta(seconds=seconds))
