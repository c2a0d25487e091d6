"""Changes of a project folder, as they are saved, and its last good content."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Generic, TypeVar

from watchfiles import Change, awatch

from crossdock.contracts import Halt

log = logging.getLogger("crossdock.reload")

FOLDERS = ("contracts", "routes", "workers", "apis", "steps")
_QUIET_MS = 100  # an editor or a checkout saves several files: wait until it is quiet
_LONGEST_MS = 1000

Loaded = TypeVar("Loaded")


async def project_changes(folder: Path) -> AsyncIterator[None]:
    """Yield whenever files of the project have changed and it is quiet again.

    Only what belongs to a project is watched, not the broker's store beside it. Runs until it is
    cancelled.
    """
    while True:
        # A folder may appear or be replaced (a mounted volume does that): then watch anew.
        inside = [str(folder / name) for name in FOLDERS if (folder / name).is_dir()]
        async with _first_change(folder, inside) as changed:
            while True:
                await changed.wait()
                changed.clear()
                yield
                if inside != [str(folder / name) for name in FOLDERS if (folder / name).is_dir()]:
                    break


@contextlib.asynccontextmanager
async def _first_change(folder: Path, inside: list[str]) -> AsyncIterator[asyncio.Event]:
    changed = asyncio.Event()
    stop = asyncio.Event()

    async def watch(paths: list[str], *, recursive: bool) -> None:
        async for _ in awatch(
            *paths,
            watch_filter=_is_of_project,
            debounce=_LONGEST_MS,
            step=_QUIET_MS,
            stop_event=stop,
            recursive=recursive,
        ):
            changed.set()

    tasks = [asyncio.create_task(watch([str(folder)], recursive=False))]
    if inside:
        tasks.append(asyncio.create_task(watch(inside, recursive=True)))
    try:
        yield changed
    finally:
        stop.set()
        await asyncio.gather(*tasks, return_exceptions=True)


def _is_of_project(_change: Change, path: str) -> bool:
    name = Path(path).name
    return not name.startswith((".#", ".crossdock")) and not name.endswith(("~", ".swp", ".tmp"))


class LastGood(Generic[Loaded]):
    """The last content of a project folder that could be used.

    Attributes:
        value: That content.
        problems: How many problems the files have now, 0 when ``value`` is what they say.
    """

    def __init__(self, folder: Path, load: Callable[[Path], Loaded]) -> None:
        """Load the content.

        Args:
            folder: The project folder.
            load: Reads it; called in a thread. Raises Halt, with every problem, when it is wrong.

        Raises:
            Halt: The content is wrong from the start.
        """
        self._folder = folder
        self._load = load
        self.value = load(folder)
        self.problems = 0

    async def follow(self, apply: Callable[[Loaded], Awaitable[None]]) -> None:
        """Apply each new good content, until cancelled; a bad one is logged and changes nothing."""
        async for _ in project_changes(self._folder):
            try:
                loaded = await asyncio.to_thread(self._load, self._folder)
            except Halt as error:
                self.problems = max(1, len(error.problems))
                for each in error.problems:
                    log.warning("project file refused", extra={"problem": str(each)})
                log.warning("change not applied", extra={"why": error.reason})
                continue
            self.problems = 0
            await apply(loaded)
            self.value = loaded
            log.info("change applied")
