"""The last message on a subject: quickly, or surely the newest."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from nats.errors import Error as NatsError

from crossdock.contracts import Disconnected
from crossdock.mesh.bus.fast_client import parse_header_lines
from crossdock.mesh.bus.reading import Stored, as_stored

if TYPE_CHECKING:
    from nats.aio.client import Client

_TIMEOUT = 5.0
_PIPELINE = 256
_NOT_FOUND = 404


async def read_each(client: Client, stream: str, subjects: Sequence[str]) -> dict[str, Stored]:
    """Return the last message on each of some subjects; those that have one.

    One request each, in a pipeline: the server's answer for many at once (``multi_last``) took ten
    times as long for few subjects among 100,000. With replicas, an answer may be a little old.

    Raises:
        Disconnected: The broker does not answer.
    """
    found: dict[str, Stored] = {}
    for start in range(0, len(subjects), _PIPELINE):
        part = subjects[start : start + _PIPELINE]
        requests = [
            client.request(f"$JS.API.DIRECT.GET.{stream}.{subject}", b"", timeout=_TIMEOUT)
            for subject in part
        ]
        answers = await asyncio.gather(*requests, return_exceptions=True)
        for answer in answers:
            if isinstance(answer, NatsError):
                why = type(answer).__name__
                raise Disconnected(f"stream {stream} cannot be read: {why}") from answer
            if isinstance(answer, BaseException):
                raise answer
            if not (answer.headers or {}).get("Status"):
                stored = as_stored(answer)
                found[stored.subject] = stored
    return found


async def read_newest(client: Client, stream: str, subject: str) -> Stored | None:
    """Return the last message on a subject as the leader of the stream has it, so never an old one.

    Raises:
        Disconnected: The broker does not answer.
    """
    request = msgspec.json.encode({"last_by_subj": subject})
    try:
        msg = await client.request(f"$JS.API.STREAM.MSG.GET.{stream}", request, timeout=_TIMEOUT)
        answer = msgspec.json.decode(msg.data, type=_Answer)
    except (NatsError, msgspec.DecodeError) as error:
        raise Disconnected(f"stream {stream} cannot be read: {type(error).__name__}") from error
    if answer.error is not None and answer.error.code != _NOT_FOUND:
        raise Disconnected(f"stream {stream} cannot be read: {answer.error.description}")
    if answer.message is None:
        return None
    found = answer.message
    lines = parse_header_lines(found.hdrs.partition(b"\r\n")[2])
    return Stored(
        subject=found.subject, sequence=found.seq, time=found.time, headers=lines, data=found.data
    )


class _Error(msgspec.Struct):
    code: int = 0
    description: str = ""


class _Found(msgspec.Struct):
    subject: str
    seq: int
    time: str
    hdrs: bytes = b""
    data: bytes = b""


class _Answer(msgspec.Struct):
    error: _Error | None = None
    message: _Found | None = None
