"""Log files of child processes, kept within a bound."""

from __future__ import annotations

import asyncio
import os
import shutil
from pathlib import Path

LARGEST = 10 * 1024**2
_EVERY = 5.0


async def keep_bounded(folder: Path) -> None:
    """Rotate the logs of a folder for ever: each has at most one older part beside it (I8).

    The files stay open in the processes that append to them, so their content is moved, not they.
    A line written in the moment between may be lost.
    """
    while True:
        await asyncio.to_thread(rotate, folder)
        await asyncio.sleep(_EVERY)


def rotate(folder: Path, largest: int = LARGEST) -> None:
    """Move the content of each log that is larger than ``largest`` bytes to ``<name>.log.1``."""
    for path in folder.glob("*.log"):
        if path.stat().st_size > largest:
            shutil.copyfile(path, path.with_name(path.name + ".1"))
            os.truncate(path, 0)
