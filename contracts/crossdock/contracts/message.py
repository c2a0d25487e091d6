"""The canonical message: a CloudEvents 1.0 event in NATS binary mode.

Attributes are headers ``ce-…``, the payload is ``data`` as it is, ``content-type`` says its format
(CloudEvents NATS Protocol Binding 1.0, section 3.1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Self
from urllib.parse import quote, unquote

import msgspec

from crossdock.contracts import claim_check

_PREFIX = "ce-"
_EXTENSION = re.compile(r"[a-z0-9]{1,20}\Z")
_PLAIN = re.compile(r"[!#$&-~]*\Z")  # printable ASCII without space, double quote and percent
_NOT_QUOTED = "!#$&'()*+,-./:;<=>?@[\\]^_`{|}~"
_CORE = ("id", "source", "type", "specversion", "dataschema", "subject", "time", "dataref")
_ORIGIN = "crossdock-origin"
SPEC_VERSION = "1.0"
JSON = "application/json"


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """One canonical message.

    Attributes:
        id: Identity within the source.
        source: URI-reference of who made it; ``source`` and ``id`` together identify the event.
        type: Name of its contract, ``domain.entity.event``.
        data: The payload, encoded as ``datacontenttype`` says.
        dataschema: Contract and version, ``crossdock:<name>/<version>``.
        datacontenttype: Media type of ``data``.
        time: RFC 3339 time of the event, ``""`` when not known.
        subject: What within the source it is about, ``""`` when not said.
        extensions: Other attributes, such as ``traceparent`` and ``correlationid``; lower-case
            names of letters and digits, at most 20.
        origin: Identity of the message that this one takes the place of, when it is sent again
            under a new id. No attribute: what is made of it does not inherit it, and no caller can
            set it.
        dataref: Where the data is kept when it does not travel with the message (Claim Check), see
            :mod:`crossdock.contracts.claim_check`; ``data`` is empty then until it is fetched.
    """

    id: str
    source: str
    type: str
    data: bytes = b""
    dataschema: str = ""
    datacontenttype: str = JSON
    time: str = ""
    subject: str = ""
    extensions: dict[str, str] = {}
    origin: str = ""
    dataref: str = ""

    @property
    def identity(self) -> tuple[str, str]:
        """Source and id: what makes two events the same event (I4).

        One that is sent again is the same event as the one whose place it takes.
        """
        if not self.origin:
            return self.source, self.id
        source, _, first = self.origin.partition(" ")  # a source, being a URI, has no space
        return source, first

    @property
    def correlation(self) -> str:
        """Id of the message that began the conversation: its own when it is the first."""
        return self.extensions.get("correlationid") or self.id

    def headers(self) -> dict[str, str]:
        """Return the NATS headers of this message."""
        result = {
            "ce-specversion": SPEC_VERSION,
            "ce-id": encode(self.id),
            "ce-source": encode(self.source),
            "ce-type": self.type,
        }
        if self.dataschema:
            result["ce-dataschema"] = encode(self.dataschema)
        if self.time:
            result["ce-time"] = encode(self.time)
        if self.subject:
            result["ce-subject"] = encode(self.subject)
        for name, value in self.extensions.items():
            result[_PREFIX + name] = encode(value)
        result["content-type"] = self.datacontenttype
        if self.origin:
            result[_ORIGIN] = encode(self.origin)
        if self.dataref:
            result[claim_check.HEADER] = self.dataref
        return result

    @classmethod
    def from_headers(cls, headers: Mapping[str, str] | None, data: bytes) -> Self:
        """Read a message from NATS headers and payload.

        Raises:
            ValueError: When a required attribute is missing or the version is not 1.0.
        """
        attributes = {
            name[3:].lower(): decode(value)
            for name, value in (headers or {}).items()
            if name[:3].lower() == _PREFIX
        }
        if attributes.get("specversion") != SPEC_VERSION:
            raise ValueError("not a CloudEvents 1.0 message: header ce-specversion is not 1.0")
        missing = [name for name in ("id", "source", "type") if not attributes.get(name)]
        if missing:
            raise ValueError(f"not a CloudEvents message: no header ce-{missing[0]}")
        return cls(
            id=attributes["id"],
            source=attributes["source"],
            type=attributes["type"],
            data=data,
            dataschema=attributes.get("dataschema", ""),
            datacontenttype=(headers or {}).get("content-type", JSON),
            time=attributes.get("time", ""),
            subject=attributes.get("subject", ""),
            extensions={k: v for k, v in attributes.items() if k not in _CORE},
            origin=decode((headers or {}).get(_ORIGIN, "")),
            dataref=attributes.get("dataref", ""),
        )

    def __repr__(self) -> str:  # I6: a payload is in no repr
        return f"Message(type={self.type!r}, id={self.id!r}, {len(self.data)} bytes)"


def is_extension(name: str) -> bool:
    """Tell whether a name may be a CloudEvents extension attribute (section 3.1, 20 at most)."""
    return _EXTENSION.match(name) is not None and name not in _CORE and name != "data"


def encode(value: str) -> str:
    """Percent-encode what a header must not hold: controls, space, ``"``, ``%``, non-ASCII."""
    return value if _PLAIN.match(value) else quote(value, safe=_NOT_QUOTED)


def decode(value: str) -> str:
    """Undo :func:`encode`."""
    return unquote(value) if "%" in value else value
