"""How what a batch has made is stored: in batches that the server takes at once."""

from __future__ import annotations

from crossdock.contracts import Message
from crossdock.contracts.subjects import kind_of
from crossdock.mesh.bus.committing import MAX_BATCH

Item = tuple[str, Message]
"""Where a message goes, and the message."""


def by_stream(groups: list[list[Item]]) -> list[list[list[Item]]]:
    """Part groups by the streams that they go to: no batch goes to two."""
    streams: dict[str, list[list[Item]]] = {}
    for group in groups:
        parts: dict[str, list[Item]] = {}
        for item in group:
            parts.setdefault(kind_of(item[0]), []).append(item)
        for kind, part in parts.items():
            streams.setdefault(kind, []).append(part)
    return list(streams.values())


def parts_of(groups: list[list[Item]]) -> list[list[Item]]:
    """Join groups to batches that the server takes at once, never splitting a group."""
    parts: list[list[Item]] = []
    for group in groups:
        if parts and len(parts[-1]) + len(group) <= MAX_BATCH:
            parts[-1].extend(group)
        else:
            parts.append(list(group))
    return parts
