"""The stream of data that is kept apart from its messages: put, hold, get, remove.

Data is kept under its digest, in parts of one size, with an entry that says that it is there. Parts
and entry are one atomic batch, so there is never a part of something. The sequence of the entry is
the time of its last use: who is about to publish a check writes the entry anew, expecting the one
that he has read; who removes data removes that very entry, by its sequence. So of the two one wins
and the other knows.

Not NATS' own object store, whose client writes part by part under a random name: what was
interrupted stays for ever, the same data is there as often as it is sent, and nothing decides
between one who uses data and one who removes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
from nats.errors import Error as NatsError

from crossdock.contracts import Disconnected, Reject, Retry, Subjects
from crossdock.contracts.claim_check import ClaimCheck
from crossdock.mesh.bus.latest import read_each, read_newest
from crossdock.mesh.bus.reading import read_stream
from crossdock.mesh.bus.removing import remove_one
from crossdock.mesh.bus.swapping import Swap, Swapper

if TYPE_CHECKING:
    from nats.aio.client import Client

KIND: Final = "data"
PART: Final = 256 * 1024
"""Bytes of each part but the last; never changed, because parts of one digest must fit together."""
_TIMEOUT: Final = 30.0  # until a batch of the largest data is on the disk
_TRIES: Final = 10
_AT_ONCE: Final = 2  # writes: what is under way is in the memory twice
_PAUSE: Final = 0.02
_GONE: Final = "the data that its dataref names is not there any more"
_DAMAGED: Final = "the data that its dataref names is damaged"


class DataStore:
    """What is kept apart in one mesh."""

    def __init__(self, client: Client, subjects: Subjects) -> None:
        self._client = client
        self._subjects = subjects
        self._stream = subjects.stream(KIND)
        self._swapper = Swapper(client, self._stream, timeout=_TIMEOUT, at_once=_AT_ONCE)

    async def hold(self, check: ClaimCheck, data: bytes | None = None) -> bool:
        """Make sure that data is there, and stays for as long as it may take to publish its check.

        Args:
            check: The check.
            data: The data, which is stored if it is not there yet; None when it has to be.

        Returns:
            Whether it had to be stored.

        Raises:
            Disconnected: The broker does not answer.
            Retry: It has no room.
            Reject: The data is not there; or it can never be stored.
        """
        entry = self._subjects.data_entry(check.digest)
        noted = str(check.size).encode()
        for tried in range(_TRIES):
            await asyncio.sleep(tried * _PAUSE)
            there = await read_newest(self._client, self._stream, entry)
            if there is None and data is None:
                raise Reject(_GONE)
            swaps = [Swap(entry, noted, {}, 0 if there is None else there.sequence)]
            if there is None and data is not None:
                swaps = [*self._parts(check, data), *swaps]
            if await self._swapper.swap(swaps) is not None:
                return there is None
        raise Retry("others use the same data at the same time, again and again")

    async def get(self, check: ClaimCheck) -> bytes:
        """Return data.

        Raises:
            Disconnected: The broker does not answer.
            Reject: It is not there, or not what it was.
        """
        subjects = self._part_subjects(check)
        found = {
            subject: stored.data
            for subject, stored in (await read_each(self._client, self._stream, subjects)).items()
        }
        for subject in subjects:
            if subject not in found:  # the replica that was asked may be behind: ask the leader
                newest = await read_newest(self._client, self._stream, subject)
                if newest is None:
                    raise Reject(_GONE)
                found[subject] = newest.data
        data = b"".join([found.pop(subject) for subject in subjects])
        if not await asyncio.to_thread(check.fits, data):
            raise Reject(_DAMAGED)
        return data

    async def entries(self) -> dict[str, int]:
        """Return the sequence of each entry, by digest.

        Raises:
            Disconnected: The broker does not answer.
        """
        pattern = self._subjects.data_entry("*")
        return {
            each.subject.removeprefix(pattern[:-1]): each.sequence
            async for each in read_stream(self._client, self._stream, subject=pattern)
        }

    async def remove(self, digest: str, sequence: int) -> bool:
        """Remove data, unless its entry was written anew.

        Args:
            digest: Of the data.
            sequence: Of its entry, as it was read.

        Returns:
            Whether it was removed.

        Raises:
            Disconnected: The broker does not answer: it may be removed, or half removed.
        """
        await remove_one(self._client, self._stream, sequence, erase=False)
        entry = self._subjects.data_entry(digest)
        if await read_newest(self._client, self._stream, entry) is not None:
            return False
        await self._purge(digest, sequence)
        return True

    async def remove_remains(self, known: set[str], last: int) -> int:
        """Remove parts without an entry: what is left of a removal that was interrupted.

        Args:
            known: Digests that have an entry.
            last: Last sequence of the stream, read before the entries were.

        Returns:
            How many were found.
        """
        found = 0
        for digest in await self._digests() - known:
            entry = self._subjects.data_entry(digest)
            if await read_newest(self._client, self._stream, entry) is None:
                await self._purge(digest, last + 1)
                found += 1
        return found

    async def _digests(self) -> set[str]:
        first = self._subjects.data_part("*", 0)
        found: set[str] = set()
        while True:
            info = await self._ask("STREAM.INFO", {"subjects_filter": first, "offset": len(found)})
            page = (info.get("state") or {}).get("subjects") or {}
            found.update(each.split(".")[-2] for each in page)
            if not page or len(found) >= info.get("total", 0):
                return found

    async def _purge(self, digest: str, before: int) -> None:
        """Remove the parts that were stored before a sequence: none that comes later."""
        parts = self._subjects.data_part(digest, "*")
        await self._ask("STREAM.PURGE", {"filter": parts, "seq": before})

    async def _ask(self, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = await self._client.request(
                f"$JS.API.{verb}.{self._stream}", msgspec.json.encode(body), timeout=5
            )
            result: dict[str, Any] = msgspec.json.decode(answer.data)
        except (NatsError, msgspec.DecodeError) as error:
            raise Disconnected(
                f"stream {self._stream} does not answer: {type(error).__name__}"
            ) from error
        return result

    def _parts(self, check: ClaimCheck, data: bytes) -> list[Swap]:
        return [
            Swap(subject, data[at * PART : (at + 1) * PART], {})
            for at, subject in enumerate(self._part_subjects(check))
        ]

    def _part_subjects(self, check: ClaimCheck) -> Sequence[str]:
        count = -(-check.size // PART)
        return [self._subjects.data_part(check.digest, number) for number in range(count)]
