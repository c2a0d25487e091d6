"""A finding and the part of the route that it is about."""

from __future__ import annotations

import msgspec

from crossdock.router.checking.finding import Finding


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A finding and the part of the route that it is about.

    Attributes:
        pointer: JSON Pointer in the route file, such as ``/send/0/when``.
        finding: What was found there.
    """

    pointer: str
    finding: Finding
