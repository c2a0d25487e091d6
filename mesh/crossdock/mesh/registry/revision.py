"""What a revision is: which files, by their digests, and who made it when and why."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, Literal
from uuid import uuid4

import msgspec

from crossdock.contracts import Halt
from crossdock.mesh.registry.paths import belongs

MAX_FILES: Final = 100_000
MAX_FILE: Final = 1024 * 1024  # as much as a schema may have
MAX_AUTHOR: Final = 200
MAX_REASON: Final = 1000
_A_LIST: Final = 512  # files in one list, about
_MAX_LIST: Final = 8 * 1024 * 1024

Digest = str
"""SHA-256 of a content, in hexadecimal digits."""
Files = Mapping[str, Digest]
"""The files of a revision: by path, the digest of the content."""
Origin = Literal["apply", "publish", "rollback"]


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """Who makes a revision, and why.

    Attributes:
        author: A person or a program.
        reason: Why, in their words.
        origin: The command.
        forced: What was overruled with ``--force``, "" when nothing was.
    """

    author: str
    reason: str
    origin: Origin = "apply"
    forced: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be shown on a line.

        Raises:
            ValueError: With a text for the person who wrote it.
        """
        for what, text, most in (
            ("author", self.author, MAX_AUTHOR),
            ("reason", self.reason, MAX_REASON),
        ):
            if not text.strip() or len(text) > most or not text.isprintable():
                raise ValueError(f"{what}: write one line of at most {most} characters")


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """One state of a project, as it was applied.

    Attributes:
        number: 1 for the first of a mesh.
        id: Unlike that of any other.
        time: When it was made, RFC 3339, by the clock of who made it.
        note: Who made it and why.
        lists: Digests of the lists of its files.
        files: How many files it has.
        changed: How many files differ from the revision before.
    """

    number: int
    id: str
    time: str
    note: Note
    lists: tuple[Digest, ...]
    files: int
    changed: int


def following(before: Revision | None, note: Note, files: Files, changed: int) -> Revision:
    """Return the revision of some files that comes after another one."""
    return Revision(
        number=1 if before is None else before.number + 1,
        id=uuid4().hex,
        time=f"{datetime.now(UTC).isoformat(timespec='seconds')[:-6]}Z",
        note=note,
        lists=tuple(make_lists(files)),
        files=len(files),
        changed=changed,
    )


_revision = msgspec.json.Decoder(Revision)
_list = msgspec.json.Decoder(dict[str, str])


def read_revision(data: bytes) -> Revision:
    """Read a revision.

    Raises:
        Halt: It is none.
    """
    try:
        return _revision.decode(data)
    except (msgspec.DecodeError, ValueError) as error:
        raise Halt("the registry holds a revision that cannot be read") from error


def digest_of(content: bytes) -> Digest:
    """Return the digest of a content."""
    return hashlib.sha256(content).hexdigest()


def pack(content: bytes) -> bytes:
    """Return a content as it is stored."""
    return zlib.compress(content)


def unpack(stored: bytes, digest: Digest, most: int = _MAX_LIST) -> bytes:
    """Return a content that was stored.

    Args:
        stored: From :func:`pack`.
        digest: What the content must have.
        most: Bytes that it may have (I8).

    Raises:
        Halt: It is not that content.
    """
    reader = zlib.decompressobj()
    try:
        content = reader.decompress(stored, most)
    except zlib.error as error:
        raise Halt(f"the registry holds damaged content {digest[:12]}") from error
    if digest_of(content) != digest:
        raise Halt(f"the registry holds damaged content {digest[:12]}")
    return content


def make_lists(files: Files) -> dict[Digest, bytes]:
    """Return the lists of some files by digest.

    A file is always in the list that its name chooses, so a change of a few files out of thousands
    makes few new lists, and all others are shared by the revisions.
    """
    count = 1
    while count * _A_LIST < len(files):
        count *= 2
    parts: list[dict[str, str]] = [{} for _ in range(count)]
    for path in sorted(files):
        chosen = int.from_bytes(hashlib.sha256(path.encode()).digest()[:4], "big") % count
        parts[chosen][path] = files[path]
    lists = [msgspec.json.encode(each) for each in parts]
    return {digest_of(each): each for each in lists}


def read_list(data: bytes) -> dict[str, Digest]:
    """Return the files of one list, which need not be those of a project.

    Raises:
        Halt: It is none.
    """
    try:
        return _list.decode(data)
    except msgspec.DecodeError as error:
        raise Halt("the registry holds a list of files that cannot be read") from error


def read_lists(lists: Iterable[bytes]) -> dict[str, Digest]:
    """Return the files of a revision.

    Args:
        lists: All of its lists.

    Raises:
        Halt: One of them is none, or names a file that no project has.
    """
    files: dict[str, Digest] = {}
    for each in lists:
        files.update(read_list(each))
    bad = next((path for path in files if not belongs(path)), None)
    if bad is not None or len(files) > MAX_FILES:
        raise Halt(f"the registry lists a file that no project has: {(bad or 'too many')[:80]!r}")
    return files
