"""Key-value buckets: streams named and used as NATS' clients name and use theirs.

nats-py's own ``KeyValue`` writes and reads one key at a time. Here many are written as one atomic
batch and read in one request, and the last value of a key is read where it was agreed upon.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
from nats.errors import Error as NatsError
from nats.errors import MaxPayloadError

from crossdock.contracts import Disconnected, Halt, Reject
from crossdock.mesh.bus.bucket_limits import BucketLimits
from crossdock.mesh.bus.committing import MAX_BATCH, MAX_BATCH_BYTES, Committer, Outgoing
from crossdock.mesh.bus.reading import Stored, read_last, read_stream

if TYPE_CHECKING:
    from nats.aio.client import Client

_TIMEOUT: Final = 5.0
_NOT_FOUND: Final = 404
_OVERTAKEN: Final = frozenset({10071, 10164})  # wrong last sequence
_ALREADY_THERE: Final = 10058
_AT_ONCE: Final = 100  # 1 MiB each at most: what one answer may bring before the client is slow
_HEADROOM: Final = 4096  # headers and subject of a message


class Bucket:
    """One key-value bucket.

    Attributes:
        name: Its name.
    """

    def __init__(self, client: Client, name: str) -> None:
        self._client = client
        self._stream = f"KV_{name}"
        self._prefix = f"$KV.{name}."
        self.name = name

    @property
    def largest(self) -> int:
        """Bytes of the largest value that the broker takes."""
        return self._client.max_payload - _HEADROOM

    async def ensure(self, limits: BucketLimits) -> None:
        """Make the bucket, or bring its limits up to date. Safe to repeat.

        Raises:
            Disconnected: The broker does not answer.
            Halt: It refuses the bucket.
        """
        config = limits.config(self._stream, self._prefix)
        found = await self._ask("STREAM.INFO", {})
        if "error" in found:
            answer = await self._ask("STREAM.CREATE", config)
            if answer.get("error", {}).get("err_code") == _ALREADY_THERE:
                return  # another was faster
        elif any(found["config"].get(key) != value for key, value in config.items()):
            answer = await self._ask("STREAM.UPDATE", found["config"] | config)
        else:
            return
        if "error" in answer:
            why = answer["error"].get("description")
            raise Halt(f"the broker refuses bucket {self.name}: {why}")

    async def last(self, key: str) -> Stored | None:
        """Return the last value of a key as its leader has it, None when there is none.

        Raises:
            Disconnected: The broker does not answer.
        """
        async with _broker("read"):
            answer = await self._client.request(
                f"$JS.API.STREAM.MSG.GET.{self._stream}",
                msgspec.json.encode({"last_by_subj": self._prefix + key}),
                timeout=_TIMEOUT,
            )
            found = msgspec.json.decode(answer.data, type=_Answer)
        if found.message is not None:
            message = found.message
            return Stored(
                subject=message.subject,
                sequence=message.seq,
                time=message.time,
                headers={},
                data=message.data,
            )
        if found.error is None or found.error.code != _NOT_FOUND:
            raise Disconnected(f"bucket {self.name} cannot be read")
        return None

    async def many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Return the values of those keys that have one; a replica that is behind may miss some.

        Raises:
            Disconnected: The broker does not answer.
        """
        found: dict[str, bytes] = {}
        wanted = [self._prefix + key for key in keys]
        while wanted:
            now, wanted = wanted[:_AT_ONCE], wanted[_AT_ONCE:]
            while now:
                page = await read_last(self._client, self._stream, now)
                got = {each.subject: each.data for each in page}
                found.update({name.removeprefix(self._prefix): got[name] for name in got})
                now = [each for each in now if each not in got] if got else []
        return found

    async def history(self, key: str) -> list[Stored]:
        """Return the values of a key that are kept, oldest first; of all keys like it with ``*``.

        Raises:
            Disconnected: The broker does not answer.
        """
        if "error" in await self._ask("STREAM.INFO", {}):
            return []
        read = read_stream(self._client, self._stream, subject=self._prefix + key)
        return [each async for each in read]

    async def keys(self, pattern: str) -> set[str]:
        """Return the keys that there are, like ``blob.*``.

        Raises:
            Disconnected: The broker does not answer.
        """
        found: set[str] = set()
        while True:
            request = {"subjects_filter": self._prefix + pattern, "offset": len(found)}
            info = await self._ask("STREAM.INFO", request)
            page = info.get("state", {}).get("subjects") or {}
            found.update(name.removeprefix(self._prefix) for name in page)
            if not page or len(found) >= info.get("total", 0):
                return found

    async def last_sequence(self) -> int | None:
        """Return the sequence of its last value; None when the bucket is not there.

        Raises:
            Disconnected: The broker does not answer.
        """
        info = await self._ask("STREAM.INFO", {})
        if "error" not in info:
            return int(info["state"]["last_seq"])
        if info["error"].get("code") == _NOT_FOUND:
            return None
        raise Disconnected(f"bucket {self.name} cannot be read")

    async def put(self, key: str, value: bytes) -> None:
        """Store one value; raises as :meth:`put_many` does."""
        await self.put_many({key: value})

    async def put_many(self, values: Mapping[str, bytes]) -> None:
        """Store values; each is on disk when this returns. When it raises, some of them may be.

        Raises:
            Disconnected: The broker does not answer.
            Retry: The bucket is full.
            Reject: A value is larger than the broker takes.
        """
        committer = Committer(self._client, self._stream)
        try:
            batch: list[Outgoing] = []
            size = 0
            for key, value in values.items():
                if batch and (len(batch) == MAX_BATCH or size + len(value) > MAX_BATCH_BYTES):
                    await committer.store(batch)
                    batch, size = [], 0
                batch.append(Outgoing(self._prefix + key, {}, value))
                size += len(value)
            if batch:
                await committer.store(batch)
        finally:
            await committer.close()

    async def swap(self, key: str, value: bytes, last: int) -> bool:
        """Store a value if the last one is still the one of this sequence; False when it is not.

        Without an answer the question is asked again, and may then be refused because of ourselves:
        so two values must never be equal, and ours being the last one now means that it was done.

        Args:
            key: The key.
            value: Unlike every other.
            last: Sequence of its last value, 0 for none.

        Raises:
            Disconnected: The broker does not answer; whether it was done is unknown.
            Reject: The broker refuses the value.
        """
        headers = {"Nats-Expected-Last-Subject-Sequence": str(last)}
        async with _broker("changed"):
            answer = await self._client.request(
                self._prefix + key, value, timeout=_TIMEOUT, headers=headers
            )
            error = msgspec.json.decode(answer.data, type=_Answer).error
        if error is None:
            return True
        if error.err_code not in _OVERTAKEN:
            raise Reject(f"bucket {self.name} refuses the change: {error.description}")
        now = await self.last(key)
        return now is not None and now.data == value

    async def forget(self, key: str, *, before: int = 0) -> None:
        """Remove the values of a key: all, or those that were stored before a sequence.

        Raises:
            Disconnected: The broker does not answer.
        """
        part = {"seq": before} if before else {}
        await self._ask("STREAM.PURGE", {"filter": self._prefix + key, **part})

    @contextlib.asynccontextmanager
    async def notices(self, subject: str) -> AsyncIterator[asyncio.Event]:
        """Give an event that is set whenever a new value is told of; it may miss one."""
        told = asyncio.Event()

        async def tell(_: object) -> None:
            told.set()

        async with _broker("followed"):
            subscription = await self._client.subscribe(subject, cb=tell)
        try:
            yield told
        finally:
            with contextlib.suppress(NatsError):
                await subscription.unsubscribe()

    async def _ask(self, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        async with _broker("changed"):
            answer = await self._client.request(
                f"$JS.API.{verb}.{self._stream}", msgspec.json.encode(body), timeout=_TIMEOUT
            )
            result: dict[str, Any] = msgspec.json.decode(answer.data)
        return result


class _Error(msgspec.Struct):
    code: int = 0
    err_code: int = 0
    description: str = ""


class _Message(msgspec.Struct):
    subject: str
    seq: int
    time: str = ""
    data: bytes = b""


class _Answer(msgspec.Struct):
    message: _Message | None = None
    error: _Error | None = None


@contextlib.asynccontextmanager
async def _broker(what: str) -> AsyncIterator[None]:
    """Turn the client's errors into ours."""
    try:
        yield
    except MaxPayloadError as error:
        raise Reject("the value is larger than the broker takes") from error
    except (NatsError, msgspec.DecodeError) as error:
        raise Disconnected(f"a bucket cannot be {what}: {type(error).__name__}") from error
