"""The last time that was handled, on disk: what catching up starts from."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path


def recall(path: Path) -> datetime | None:
    """Return the remembered time, None when there is none.

    Raises:
        OSError: When the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            text = file.read(64)
    except FileNotFoundError:
        return None
    try:
        return datetime.fromisoformat(text.decode().strip()).astimezone(UTC)
    except ValueError:
        return None  # not ours: begin anew from now


def remember(path: Path, time: datetime) -> None:
    """Remember a time, durably, and whole or not at all.

    Raises:
        OSError: When it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(f".{os.getpid()}.new")
    with new.open("wb") as file:
        file.write(time.isoformat().encode())
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
