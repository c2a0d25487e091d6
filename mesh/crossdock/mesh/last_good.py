"""The last content of a project that could be used, wherever the project comes from."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import msgspec

from crossdock.contracts import Halt
from crossdock.mesh.bus import Bus
from crossdock.mesh.watching import project_changes, snapshot

log = logging.getLogger("crossdock.reload")

Loaded = TypeVar("Loaded")
Check = Callable[[Path], Awaitable[object]]


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
        """Yield each newer content until cancelled."""
        ...

    def use(self, content: Content, /) -> None:
        """Take note that this content is used, and what was used before is not any more."""
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

    def use(self, _content: Content, /) -> None:
        """Do nothing: it is always the same folder."""


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
            self.value = loaded  # what was there before may go
            await apply(loaded)
            self._accept(content)
            await asyncio.to_thread(self._source.use, content)
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
            self._source.use(content)
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
