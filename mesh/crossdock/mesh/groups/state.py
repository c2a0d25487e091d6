"""What is stored of a group: one message a key, and one more for a group that is complete."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final, Literal

import msgspec

from crossdock.contracts import Message
from crossdock.mesh.expression import Json

GROUP_TYPE: Final = "crossdock.group.completed"
"""CloudEvents type of a complete group on its way to the second half of its route."""
MARK: Final = 8
"""Bytes of a mark."""
Reason = Literal["size", "when", "timeout", "sequence", "late", "hand"]


def mark_of(message: Message, part: str = "") -> bytes:
    """Return by what a group knows a member again: 64 bits of source, id and part.

    Args:
        message: That it comes from.
        part: Which of the parts that the route made of the message; ``""`` for the whole of it.
    """
    text = " ".join((*message.identity, part))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=MARK).digest()


class Member(msgspec.Struct, frozen=True, array_like=True):
    """One member of a group.

    Attributes:
        mark: By which it is known again.
        id: Of the message that it comes from.
        order: What it is sorted by; null for the order of arrival.
        data: JSON, as it was decided.
    """

    mark: bytes
    id: str
    order: float | str | None
    data: msgspec.Raw

    def __repr__(self) -> str:  # I6
        return f"Member({self.id!r}, {len(bytes(self.data))} bytes)"


class _Enclosed(msgspec.Struct, frozen=True):
    headers: dict[str, str]
    data: msgspec.Raw


_enclosed = msgspec.json.Decoder(_Enclosed)
_ELSEWHERE: Final = b"null"  # no data that is kept apart is so short


def enclose(message: Message) -> msgspec.Raw:
    """Return a whole message, whose data is JSON, as the data of a member.

    Of one whose data is kept apart, only the check is enclosed.
    """
    data = _ELSEWHERE if message.dataref else message.data
    whole = _Enclosed(message.headers(), msgspec.Raw(data))
    return msgspec.Raw(msgspec.json.encode(whole))


def enclosed(member: Member) -> Message:
    """Return the message that a member holds; see :func:`enclose`.

    Raises:
        msgspec.DecodeError: It holds none.
        ValueError: The same.
    """
    found = _enclosed.decode(bytes(member.data))
    message = Message.from_headers(found.headers, bytes(found.data))
    elsewhere = message.dataref and message.data == _ELSEWHERE
    return msgspec.structs.replace(message, data=b"") if elsewhere else message


class Done(msgspec.Struct, frozen=True, array_like=True):
    """What is remembered of a group that is complete.

    Attributes:
        id: Of the group.
        at: When it became complete, Unix time in milliseconds.
        marks: Those of its members, one behind the other.
    """

    id: str
    at: int
    marks: bytes


class Group(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, repr_omit_defaults=True):
    """The state of one key: the open group, if there is one, and who was in those before it.

    Attributes:
        key: What its members have in common.
        id: Of the open group, made when it was opened; ``""`` when there is none.
        opened: When its first member joined, Unix time in milliseconds.
        touched: When its last member joined.
        timer: For when a timer is set, Unix time in milliseconds; 0 for none.
        size: How many members it is complete with, as a member said; 0 when none did.
        time: CloudEvents ``time`` of its first member.
        subject: CloudEvents ``subject`` of its first member.
        extensions: CloudEvents extensions of its first member.
        next: Number of the next message of a key that counts; None before the first.
        skipped: Gaps that were given up: first and last number of each.
        members: In the order in which they joined.
        done: Groups before it, oldest first; a bounded memory.
    """

    key: Json
    id: str = ""
    opened: int = 0
    touched: int = 0
    timer: int = 0
    size: int = 0
    time: str = ""
    subject: str = ""
    extensions: dict[str, str] = {}
    next: int | None = None
    skipped: tuple[tuple[int, int], ...] = ()
    members: tuple[Member, ...] = ()
    done: tuple[Done, ...] = ()

    def __repr__(self) -> str:  # I6: a key may be a person's
        return f"Group({self.id!r}, {len(self.members)} members)"

    def emptied(self, done: tuple[Done, ...]) -> Group:
        """Return the key without an open group."""
        return Group(key=self.key, done=done)


class Completed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A group that is complete and will not change any more.

    Attributes:
        key: What its members have in common.
        reason: Why it is complete.
        opened: When its first member joined, Unix time in milliseconds.
        closed: When it became complete.
        size: How many members were awaited; 0 when that was never said.
        members: In their order.
        discarded: Why it is not sent, when a person ended it.
    """

    key: Json
    reason: Reason
    opened: int
    closed: int
    size: int
    members: tuple[Member, ...]
    discarded: str = ""

    def __repr__(self) -> str:  # I6
        return f"Completed({self.reason}, {len(self.members)} members)"


_group = msgspec.json.Decoder(Group)
_completed = msgspec.json.Decoder(Completed)


def read_group(data: bytes) -> Group:
    """Read a stored state.

    Raises:
        msgspec.DecodeError: When it is not one.
    """
    return _group.decode(data)


def read_completed(data: bytes) -> Completed:
    """Read a complete group.

    Raises:
        msgspec.DecodeError: When it is not one.
    """
    return _completed.decode(data)


def completed_with(stored: bytes, data: bytes) -> bytes:
    """Return a complete group whose one member encloses a message, with the data of that message.

    Args:
        stored: The group, which holds only the check of the data.
        data: The data, JSON.
    """
    group = read_completed(stored)
    (member,) = group.members
    found = _enclosed.decode(bytes(member.data))
    whole = msgspec.json.encode(_Enclosed(found.headers, msgspec.Raw(data)))
    own = msgspec.structs.replace(member, data=msgspec.Raw(whole))
    return msgspec.json.encode(msgspec.structs.replace(group, members=(own,)))
