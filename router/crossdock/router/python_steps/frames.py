"""What a router and the process of its Python steps say to each other: frames of MessagePack."""

from __future__ import annotations

import struct
from typing import Any, Final, Literal

import msgspec

HEADER: Final = struct.Struct(">I")
"""Length of the frame that follows, in bytes."""
MAX_FRAME: Final = 64 * 1024**2
THREADS: Final = 8
"""Calls of functions that are not async that the process works on at once."""


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """A step that was found in a file.

    Attributes:
        name: How routes call it.
        accepts: Contract of what it takes.
        emits: Contract of what it gives.
        timeout: Longest time for one call in seconds; None for what the project says.
        is_async: Whether it is a coroutine function; any other needs a thread for a call.
        place: ``steps/FILE.py:LINE``.
    """

    name: str
    accepts: str
    emits: str
    timeout: float | None
    is_async: bool
    place: str


class Wrong(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with a file of steps.

    Attributes:
        place: ``steps/FILE.py:LINE``.
        message: What is wrong, and what to do.
    """

    place: str
    message: str


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """The first frame of the process: what it has found.

    Attributes:
        steps: What can be called.
        wrong: What cannot be used.
    """

    steps: tuple[Described, ...]
    wrong: tuple[Wrong, ...]


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """Call a step.

    Attributes:
        id: Of this call.
        step: Name of the step.
        data: Of the message.
        attributes: Of the message.
    """

    id: int
    step: str
    data: Any
    attributes: dict[str, Any]


class Cancel(msgspec.Struct, frozen=True, tag="cancel"):
    """Give a call up: its time, or that of its caller, is over. A thread goes on all the same.

    Attributes:
        id: Of the call.
    """

    id: int


class Told(msgspec.Struct, frozen=True, tag="told"):
    """What a step returned.

    Attributes:
        id: Of the call.
        data: What it returned; None when nothing goes on.
    """

    id: int
    data: Any


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """How a step failed.

    Attributes:
        id: Of the call.
        kind: Which instruction.
        reason: One line for a person; never a value of the payload (I6).
        after: Seconds to wait, for ``retry``, when the step said so.
    """

    id: int
    kind: Literal["reject", "retry", "disconnected", "halt"]
    reason: str
    after: float | None = None


ToHost = Ask | Cancel
FromHost = Ready | Told | Failed

_encoder = msgspec.msgpack.Encoder()
decode_to_host = msgspec.msgpack.Decoder(ToHost).decode
decode_from_host = msgspec.msgpack.Decoder(FromHost).decode


def frame(value: ToHost | FromHost) -> bytes:
    """Return a value as a frame.

    Raises:
        ValueError: It is too large.
        TypeError: It holds what JSON cannot express.
    """
    body = _encoder.encode(value)
    if len(body) > MAX_FRAME:
        raise ValueError(f"more than {MAX_FRAME} bytes")
    return HEADER.pack(len(body)) + body
