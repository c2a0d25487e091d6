"""The revisions of a process that its instances keep: each goes on as it began."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeVar

from crossdock.contracts import Halt, Reject
from crossdock.router.processes.compiled import CompiledProcess

T = TypeVar("T")
_WHICH: Final = "revision {} of the process, with which its instance began,"


class Find(Protocol):
    """Finds a revision that is not the present one."""

    async def __call__(self, revision: str) -> CompiledProcess | None:
        """Return it; None when it is not kept.

        Raises:
            Halt: It cannot be used any more.
            Disconnected: The broker does not answer.
        """
        ...


class _Missing(Exception):
    """A revision has to be found first."""

    def __init__(self, revision: str) -> None:
        super().__init__(revision)
        self.revision = revision


class Versions:
    """The process as it is, and as it was for instances that began before."""

    def __init__(self, present: CompiledProcess, find: Find) -> None:
        """Remember the present one, and how others are found."""
        self._known = {present.revision: present, "": present}
        self._find = find

    def get(self, revision: str) -> CompiledProcess:
        """Return the process in a revision; ``""`` for the present one.

        Raises:
            _Missing: It has to be found first: see :meth:`with_all`.
        """
        try:
            return self._known[revision]
        except KeyError:
            raise _Missing(revision) from None

    def all(self) -> list[CompiledProcess]:
        """Return those that are known, the present one first."""
        return [each for name, each in self._known.items() if name]

    async def load(self, revision: str) -> CompiledProcess:
        """Return the process in a revision, once it is found.

        Raises:
            Reject: It is not kept, or cannot be used any more.
            Disconnected: The broker does not answer.
        """
        if revision not in self._known:
            try:
                found = await self._find(revision)
            except Halt as error:
                raise Reject(f"{_WHICH.format(revision)}: {error.reason}") from error
            if found is None:
                raise Reject(f"{_WHICH.format(revision)} is not kept any more")
            self._known[revision] = found
        return self._known[revision]

    async def with_all(self, work: Callable[[], Awaitable[T]]) -> T:
        """Do work that needs revisions; it is done again when one had to be found for it.

        Raises:
            CrossdockError: What the work raises, or a revision cannot be found.
        """
        while True:
            try:
                return await work()
            except _Missing as missing:
                await self.load(missing.revision)
