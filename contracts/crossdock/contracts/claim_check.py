"""Claim Check: what a message carries in the place of data that is kept apart.

It is the CloudEvents attribute ``dataref`` (extension "Dataref (Claim Check Pattern)" 1.0.2), in a
form of our own: ``crossdock:data/<sha-256>/<size>``. The digest is also the name under which the
data is kept, so the same data is kept once, and nobody can be led to anything but what was meant.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final, Self

import msgspec

HEADER: Final = "ce-dataref"
"""The attribute as a NATS header."""
LARGEST: Final = 128 * 1024**2
"""Bytes that may be kept apart for one message (I8); a mesh may allow less."""
_FORM: Final = re.compile(r"crossdock:data/([0-9a-f]{64})/([1-9][0-9]{0,8})\Z")
_WITHIN: Final = re.compile(rb"crossdock:data/[0-9a-f]{64}/[1-9][0-9]{0,8}")


class ClaimCheck(msgspec.Struct, frozen=True):
    """The check for some data.

    Attributes:
        digest: SHA-256 of the data, 64 hexadecimal characters.
        size: Its bytes.
    """

    digest: str
    size: int

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Return the check for some data."""
        return cls(sha256(data).hexdigest(), len(data))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a check.

        Raises:
            ValueError: It is not one of ours: nothing else is ever fetched.
        """
        found = _FORM.match(text)
        if found is None or int(found[2]) > LARGEST:
            raise ValueError("its dataref is none that this mesh has made")
        return cls(found[1], int(found[2]))

    def fits(self, data: bytes) -> bool:
        """Tell whether this is the data."""
        return len(data) == self.size and sha256(data).hexdigest() == self.digest

    def __str__(self) -> str:
        return f"crossdock:data/{self.digest}/{self.size}"


def checks_in(stored: bytes) -> set[ClaimCheck]:
    """Return all checks that stand somewhere in these bytes, or what looks like one."""
    found = [_FORM.match(each.decode()) for each in _WITHIN.findall(stored)]
    return {ClaimCheck(each[1], int(each[2])) for each in found if each is not None}
