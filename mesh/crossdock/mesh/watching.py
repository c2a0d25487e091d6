"""Changes of a project folder, as they are saved, and its last good content."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Generic, Protocol, TypeAlias, TypeVar

import msgspec
from watchfiles import Change, awatch

from crossdock.contracts import Halt

if TYPE_CHECKING:
    from crossdock.mesh.bus import Bus  # not at run time: the supervisor follows folders, too

log = logging.getLogger("crossdock.reload")

FOLDERS = ("contracts", "routes", "calls", "workers", "apis", "steps")
_AT_THE_TOP = (".yaml", ".yml")  # a log or an export of a person is no change of the project
_QUIET_MS = 100  # an editor or a checkout saves several files: wait until it is quiet
_LONGEST_MS = 1000
# Not every file system tells of changes (network, mounted volumes); so we look now and then.
_LOOK_EVERY = 5.0
_FIRST_LOOK = 0.3

Snapshot: TypeAlias = frozenset[tuple[str, int, int]]
Loaded = TypeVar("Loaded")
Check = Callable[[Path], Awaitable[object]]


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
                wait = _LOOK_EVERY
                changed.clear()
                now = await asyncio.to_thread(snapshot, folder)
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


class Content(msgspec.Struct, frozen=True):
    """One state of a project.

    Attributes:
        folder: Where it can be read.
        revision: Its number in the registry; 0 when it does not come from there.
        unreadable: Why it cannot be read, "" when it can.
    """

    folder: Path
    revision: int = 0
    unreadable: str = ""


class Source(Protocol):
    """Where a project comes from, and what it becomes."""

    def candidates(self) -> Iterator[Content]:
        """Yield what to begin with: the newest first, then older ones, should that be wrong.

        Called once, before there is an event loop; yields at least one.
        """
        ...

    def changes(self, bus: Bus, /) -> AsyncIterator[Content]:
        """Yield each newer content until cancelled; what was yielded before may be gone then."""
        ...


class FolderSource:
    """A folder in which a person works."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known = snapshot(folder)

    def candidates(self) -> Iterator[Content]:
        """Return the folder: what is wrong in it now was not right before."""
        yield Content(self._folder)

    async def changes(self, _bus: Bus, /) -> AsyncIterator[Content]:
        """Yield the folder whenever its files have changed."""
        async for _ in project_changes(self._folder, self._known):
            yield Content(self._folder)


class LastGood(Generic[Loaded]):
    """The last content of a project that could be used.

    Attributes:
        value: That content.
        revision: Number of its revision; 0 when it does not come from the registry.
        newest: Number of the newest revision that was looked at.
        problems: How many problems the newest content has, 0 when ``value`` is made of it.
        reason: Why the newest content is not used, "" when it is.
    """

    def __init__(
        self, source: Source, load: Callable[[Path], Loaded], check: Check | None = None
    ) -> None:
        """Load the content.

        Args:
            source: Where the project comes from.
            load: Reads it; called in a thread. Raises Halt, with every problem, when it is wrong.
            check: Looks at a change as a whole before it is loaded; raises Halt likewise. What one
                service reads may be right in itself and not fit what the others read.

        Raises:
            Halt: No content can be used.
        """
        self._source = source
        self._load = load
        self._check = check
        self.revision = self.newest = 0
        self.problems = 0
        self.reason = ""
        self.value = self._first()

    async def follow(self, apply: Callable[[Loaded], Awaitable[None]], bus: Bus) -> None:
        """Apply each new good content, until cancelled; a bad one is logged and changes nothing."""
        async for content in self._source.changes(bus):
            try:
                loaded = await self._read(content)
            except Halt as error:
                self._refuse(content, error)
                continue
            await apply(loaded)
            self.value = loaded
            self._accept(content)
            log.info("change applied", extra=_told(content))

    async def _read(self, content: Content) -> Loaded:
        if content.unreadable:
            raise Halt(content.unreadable)
        if self._check is not None:
            await self._check(content.folder)
        return await asyncio.to_thread(self._load, content.folder)

    def _first(self) -> Loaded:
        refused: list[tuple[Content, Halt]] = []
        for content in self._source.candidates():
            try:
                if content.revision and self._check is not None:
                    # What others refuse while they run must not run because of a restart.
                    asyncio.run(_awaited(self._check(content.folder)))
                loaded = self._load(content.folder)
            except Halt as error:
                refused.append((content, error))
                continue
            self._accept(content)
            if refused:
                self._refuse(*refused[0])
            return loaded
        raise refused[0][1]

    def _accept(self, content: Content) -> None:
        self.newest = self.revision = content.revision
        self.problems, self.reason = 0, ""

    def _refuse(self, content: Content, error: Halt) -> None:
        self.newest = content.revision
        self.problems = max(1, len(error.problems))
        self.reason = error.reason
        for each in error.problems:
            log.warning("project file refused", extra={"problem": str(each)})
        log.warning("change not applied", extra={"why": error.reason, **_told(content)})


async def _awaited(result: Awaitable[object]) -> None:
    await result


def _told(content: Content) -> dict[str, int]:
    return {"revision": content.revision} if content.revision else {}
