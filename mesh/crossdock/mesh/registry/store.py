"""Revisions of a project in a key-value bucket of its mesh.

``blob.DIGEST`` is a content: of a file, or of a list of files; it never changes. ``head`` is the
revision that holds, and its older values are the history. Contents are stored first, then ``head``
is changed by compare and set: so whoever is killed anywhere leaves the old head whole, and of two
who apply at once one wins. See docs/adr/0005-a-revision-is-the-whole-project.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final

import msgspec

from crossdock.contracts import Disconnected, Halt, Problem, Reject
from crossdock.mesh.bus import BucketLimits, Bus
from crossdock.mesh.fail_points import reach
from crossdock.mesh.project.settings import BrokerSettings
from crossdock.mesh.registry.revision import (
    MAX_FILES,
    Digest,
    Files,
    Note,
    Revision,
    following,
    make_lists,
    pack,
    read_list,
    read_lists,
    read_revision,
    unpack,
)

KEPT: Final = 100
_BUCKET: Final = "registry"
_HEAD: Final = "head"
_BLOB: Final = "blob."
_MAX_BYTES: Final = 512 * 1024 * 1024
_TRIES: Final = 3
_AGAIN: Final = 0.5


class Overtaken(Reject):
    """Somebody else made a revision meanwhile.

    Attributes:
        winner: Theirs.
    """

    def __init__(self, winner: Revision) -> None:
        note = winner.note
        super().__init__(
            f"conflict: {note.author} made revision {winner.number} at {winner.time} "
            f"({note.reason}) while yours was being made; see `crossdock plan`, then do it again"
        )
        self.winner = winner


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """What holds now.

    Attributes:
        revision: The newest revision; None before the first.
        sequence: Where it is stored; 0 before the first.
    """

    revision: Revision | None = None
    sequence: int = 0

    @property
    def number(self) -> int:
        """Number of the revision, 0 before the first."""
        return 0 if self.revision is None else self.revision.number


class RevisionStore:
    """The revisions of one mesh."""

    def __init__(self, bus: Bus) -> None:
        self._bucket = bus.bucket(_BUCKET)
        self._notice = f"{bus.subjects.mesh}.registry.{_HEAD}"

    def changes(self) -> AbstractAsyncContextManager[asyncio.Event]:
        """Give an event that is set whenever there is a new revision; it may miss one.

        Raises:
            Disconnected: The broker is away.
        """
        return self._bucket.notices(self._notice)

    async def prepare(self, settings: BrokerSettings) -> None:
        """Make the bucket, or bring its limits up to date.

        Raises:
            Disconnected: The broker does not answer.
            Halt: It refuses.
        """
        limits = BucketLimits(
            replicas=settings.replicas,
            max_bytes=min(_MAX_BYTES, int(settings.max_bytes) // 2),
            history=KEPT,
            notice=(_HEAD, self._notice),
        )
        await self._bucket.ensure(limits)

    async def head(self) -> Head:
        """Return what holds now.

        Raises:
            Disconnected: The broker does not answer.
            Halt: What is there is no revision.
        """
        found = await self._bucket.last(_HEAD)
        if found is None:
            return Head()
        return Head(revision=read_revision(found.data), sequence=found.sequence)

    async def history(self) -> list[Revision]:
        """Return the revisions that are kept, newest first.

        Raises:
            Disconnected: The broker does not answer.
            Halt: What is there is no revision.
        """
        return [read_revision(each.data) for each in await self._bucket.history(_HEAD)][::-1]

    async def files(self, revision: Revision | None) -> dict[str, Digest]:
        """Return the files of a revision, none of no revision.

        Raises:
            Disconnected: The broker does not answer.
            Halt: They are not there, or damaged.
        """
        if revision is None:
            return {}
        lists = await self.contents(revision.lists)
        files = read_lists(lists.values())
        if len(files) != revision.files:
            raise Halt(f"revision {revision.number} is damaged: it does not have all its files")
        return files

    async def contents(self, digests: Iterable[Digest]) -> dict[Digest, bytes]:
        """Return contents by digest.

        Raises:
            Disconnected: The broker does not answer.
            Halt: One of them is not there, or damaged.
        """
        wanted = dict.fromkeys(digests)
        stored = await self._bucket.many(_BLOB + each for each in wanted)
        found: dict[Digest, bytes] = {}
        for each in wanted:
            if _BLOB + each not in stored:
                raise Halt(f"the registry does not hold content {each[:12]}")
            found[each] = unpack(stored[_BLOB + each], each)
        return found

    async def add(self, base: Head, files: Files, new: Mapping[Digest, bytes], note: Note) -> Head:
        """Make a revision that follows ``base``; it holds when this returns.

        Args:
            base: What held when the decision was made.
            files: All files of the revision.
            new: Contents that may not be there yet.
            note: Who and why.

        Raises:
            Overtaken: Something else holds by now; nothing was changed.
            Disconnected: The broker does not answer. Whether it was done is unknown, if so it was
                done as a whole.
            Retry: The registry is full; nothing was changed.
            Halt: The files are more or larger than a revision may have; nothing was changed.
        """
        try:
            before = await self.files(base.revision)
        except Halt:  # damaged: all is written anew, which repairs it
            before = {}
        changed = sum(1 for path in {*files, *before} if files.get(path) != before.get(path))
        revision = following(base.revision, note, files, changed)
        lists = make_lists(files)
        # What the base does not name may be swept away by another at any time: so it is written
        # again, and then its sequence is after the base's, which no sweep touches.
        named = {*before.values(), *(base.revision.lists if base.revision else ())}
        missing = {*files.values(), *lists} - (named & await self._there())
        contents = {**new, **lists}
        contents |= await self.contents(missing - contents.keys())
        packed = {each: pack(contents[each]) for each in missing}
        self._refuse_large(files, packed)
        await self._bucket.put_many({_BLOB + each: packed[each] for each in missing})
        reach("contents-stored")
        await self._swap(base, msgspec.json.encode(revision))
        reach("head-changed")
        return await self.head()

    async def sweep(self, head: Head) -> int:
        """Remove contents that no revision has, and return how many.

        Safe beside others who apply: only what was stored before ``head`` goes, and who applies
        after it has written anew everything that is not of ``head`` itself.

        Raises:
            Disconnected: The broker does not answer.
            Halt: The history cannot be read: then nothing is removed.
        """
        lists = {digest for each in await self.history() for digest in each.lists}
        named = set(lists)
        for each in (await self.contents(lists)).values():
            named.update(read_list(each).values())
        unnamed = await self._there() - named
        for digest in unnamed:
            await self._bucket.forget(_BLOB + digest, before=head.sequence)
        return len(unnamed)

    async def _there(self) -> set[Digest]:
        return {each.removeprefix(_BLOB) for each in await self._bucket.keys(f"{_BLOB}*")}

    async def _swap(self, base: Head, value: bytes) -> None:
        for again in range(_TRIES):
            try:
                done = await self._bucket.swap(_HEAD, value, base.sequence)
            except Disconnected:
                if again == _TRIES - 1:
                    raise
                await asyncio.sleep(_AGAIN)
                continue
            if not done:
                winner = (await self.head()).revision
                if winner is None:
                    raise Disconnected("the registry was removed meanwhile")
                raise Overtaken(winner)
            return

    def _refuse_large(self, files: Files, packed: Mapping[Digest, bytes]) -> None:
        if len(files) > MAX_FILES:
            raise Halt(f"a revision has at most {MAX_FILES} files; this one would have more")
        most = self._bucket.largest
        large = {digest for digest, stored in packed.items() if len(stored) > most}
        problems = [
            Problem(message=f"compressed larger than {most} bytes: split it", place=f"{path}:1")
            for path, digest in sorted(files.items())
            if digest in large
        ]
        if problems:
            raise Halt.of("the broker cannot take the project", problems)
