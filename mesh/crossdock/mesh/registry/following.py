"""The project of a service that follows the registry."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Final, Self

from crossdock.contracts import Disconnected, Halt, Subjects
from crossdock.mesh.bus import Bus
from crossdock.mesh.last_good import Content
from crossdock.mesh.project.scalars import Secret
from crossdock.mesh.registry.folders import write_files
from crossdock.mesh.registry.revision import Digest, Revision
from crossdock.mesh.registry.store import RevisionStore

log = logging.getLogger("crossdock.registry")

_LOOK_EVERY: Final = 5.0  # a notice may be missed, for example while reconnecting
_AGAIN: Final = 1.0
_TELL_AFTER: Final = 5
_MOST: Final = 10


class LiveSource:
    """Revisions of a mesh, each in a folder of its own below a private one of this process.

    Only files that differ from the revision before are read from the broker.
    """

    def __init__(self, subjects: Subjects, url: Secret, root: Path) -> None:
        self._subjects = subjects
        self._url = url
        self._root = root
        self._first: Revision | None = None
        self._folder: Path | None = None
        self._files: dict[str, Digest] = {}
        self._seen = ""
        self._wanted = 0

    @classmethod
    @contextlib.contextmanager
    def private(cls, subjects: Subjects, url: Secret) -> Iterator[Self]:
        """Give a source whose folder is removed at the end.

        Args:
            subjects: Of the mesh.
            url: Of the broker.
        """
        with tempfile.TemporaryDirectory(prefix="crossdock-live-") as root:  # mode 0700
            yield cls(subjects, url, Path(root))

    async def wait(self) -> None:
        """Return when the mesh has a revision; however long that takes.

        Raises:
            Halt: What is there cannot be read.
        """
        told = ""
        while self._first is None:
            try:
                async with self._connected() as store:
                    self._first = (await store.head()).revision
                why = "nothing was applied yet: use `crossdock apply`"
            except Disconnected as error:
                why = error.reason
            if self._first is None:
                if why != told:
                    log.warning("no revision yet, will look again", extra={"why": why})
                told = why
                await asyncio.sleep(_AGAIN)

    def candidates(self) -> Iterator[Content]:
        """Yield the newest revision and then, should it be wrong, some older ones."""
        if self._first is None:
            raise Halt("the registry has no revision")
        self._seen = self._first.id
        refused: Halt | None = None
        for each in self._newest_first(self._first):
            try:
                content = asyncio.run(self._fetch_alone(each))
            except Halt as error:
                log.warning("revision cannot be read", extra={"why": error.reason})
                refused = refused or error
                continue
            yield content
        if refused is not None:
            raise refused

    async def changes(self, bus: Bus, /) -> AsyncIterator[Content]:
        """Yield each newer revision; survives a broker that is away."""
        store = RevisionStore(bus)
        failures = 0
        while True:
            try:
                async with store.changes() as told:
                    async for content in self._newer(store, told):
                        failures = 0
                        yield content
            except Disconnected as error:
                log.warning("registry not followed, will try again", extra={"why": error.reason})
            except Halt as error:  # damaged, or a replica that has not yet what its leader has
                failures += 1
                if failures == _TELL_AFTER:
                    yield Content(self._root, self._wanted, error.reason)
            await asyncio.sleep(_AGAIN)

    def use(self, content: Content, /) -> None:
        """Remove the folders of all other revisions, but the last one that was read."""
        for each in self._root.iterdir():
            if each not in (content.folder, self._folder):
                shutil.rmtree(each, ignore_errors=True)

    async def _newer(self, store: RevisionStore, told: asyncio.Event) -> AsyncIterator[Content]:
        while True:
            told.clear()
            head = (await store.head()).revision
            if head is not None and head.id != self._seen:
                self._wanted = head.number
                content = await self._fetch(store, head)
                self._seen = head.id
                yield content
                continue
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(told.wait(), _LOOK_EVERY)

    def _newest_first(self, first: Revision) -> Iterator[Revision]:
        yield first
        older = asyncio.run(self._history())
        yield from (each for each in older[:_MOST] if each.number < first.number)

    async def _history(self) -> list[Revision]:
        async with self._connected() as store:
            return await store.history()

    async def _fetch_alone(self, revision: Revision) -> Content:
        while True:
            try:
                async with self._connected() as store:
                    return await self._fetch(store, revision)
            except Disconnected as error:
                log.warning("revision not read, will try again", extra={"why": error.reason})
                await asyncio.sleep(_AGAIN)

    async def _fetch(self, store: RevisionStore, revision: Revision) -> Content:
        """Write a revision to its folder."""
        files = await store.files(revision)
        have = {}
        if self._folder is not None:
            have = {digest: self._folder / path for path, digest in self._files.items()}
        contents = await store.contents(set(files.values()) - have.keys())
        folder = self._root / f"{revision.number}-{revision.id}"
        await asyncio.to_thread(write_files, folder, files, contents, have)
        self._folder, self._files = folder, files
        return Content(folder, revision.number)

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[RevisionStore]:
        bus = await Bus.connect(self._url.reveal(), self._subjects, name="crossdock-live")
        try:
            yield RevisionStore(bus)
        finally:
            await bus.close()
