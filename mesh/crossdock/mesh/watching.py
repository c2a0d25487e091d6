"""Changes of a project folder, as they are saved."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TypeAlias

from watchfiles import Change, awatch

FOLDERS = ("contracts", "routes", "processes", "calls", "workers", "apis", "steps")
_AT_THE_TOP = (".yaml", ".yml")  # a log or an export of a person is no change of the project
_QUIET_MS = 100  # an editor or a checkout saves several files: wait until it is quiet
_LONGEST_MS = 1000
# Not every file system tells of changes (network, mounted volumes); so we look now and then, the
# more seldom the more files there are: it is to take less than a hundredth of a processor.
_LOOK_EVERY = 5.0
_A_FILE = 0.01
_FIRST_LOOK = 0.3

Snapshot: TypeAlias = frozenset[tuple[str, int, int]]


def snapshot(folder: Path) -> Snapshot:
    """Return what tells one state of a project's files from another: names, times, sizes."""
    return frozenset(_files(folder))


def _files(folder: Path) -> list[tuple[str, int, int]]:
    found: list[tuple[str, int, int]] = []
    places = [(str(folder), False), *((str(folder / name), True) for name in FOLDERS)]
    for place, deep in places:
        for at, folders, names in os.walk(place):
            if not deep:
                folders.clear()  # the broker's store is beside the project's own folders
            for name in filter(is_of_project, names):
                if not deep and not name.endswith(_AT_THE_TOP):
                    continue
                with contextlib.suppress(OSError):  # gone meanwhile
                    stat = os.stat(os.path.join(at, name))  # noqa: PTH116, PTH118 - thousands
                    found.append((f"{at}/{name}", stat.st_mtime_ns, stat.st_size))
    return found


async def project_changes(folder: Path, known: Snapshot) -> AsyncIterator[None]:
    """Yield whenever files of the project differ from those known and it is quiet again.

    Runs until it is cancelled.

    Args:
        folder: The project folder.
        known: Its state when it was read; what has changed since then counts.
    """
    wait = _FIRST_LOOK
    while True:
        # A folder may appear or be replaced (a mounted volume does that): then watch anew.
        inside = _folders(folder)
        async with _watched(folder, inside) as changed:
            while inside == _folders(folder):
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), wait)
                changed.clear()
                now = await asyncio.to_thread(snapshot, folder)
                wait = max(_LOOK_EVERY, _A_FILE * len(now))
                if now != known:
                    known = now
                    yield


def _folders(folder: Path) -> list[str]:
    return [str(folder / name) for name in FOLDERS if (folder / name).is_dir()]


@contextlib.asynccontextmanager
async def _watched(folder: Path, inside: list[str]) -> AsyncIterator[asyncio.Event]:
    changed = asyncio.Event()
    stop = asyncio.Event()

    async def watch(paths: list[str], *, recursive: bool) -> None:
        async for _ in awatch(
            *paths,
            watch_filter=_filter,
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


def _filter(_change: Change, path: str) -> bool:
    return is_of_project(path.rpartition("/")[2])


def is_of_project(name: str) -> bool:
    """Tell whether a file of this name is one: not hidden, not an editor's own."""
    return not name.startswith(".") and not name.endswith(("~", ".swp", ".tmp"))
