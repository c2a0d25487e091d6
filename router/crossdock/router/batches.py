"""Where what a route has made is stored, when that is not all in one stream: replies, stops."""

from __future__ import annotations

import msgspec

from crossdock.contracts.subjects import kind_of
from crossdock.mesh.bus import Bus
from crossdock.router.made import Item


async def by_stream(bus: Bus, groups: list[list[Item]]) -> list[list[list[Item]]]:
    """Part groups by the streams that they go to: no batch goes to two.

    A reply takes its data along: nothing keeps data for it that is kept apart (Claim Check).

    Raises:
        Disconnected: The broker does not answer.
        Reject: The data of a reply is not there any more.
    """
    streams: dict[str, list[list[Item]]] = {}
    for group in groups:
        parts: dict[str, list[Item]] = {}
        for subject, message in group:
            kind = kind_of(subject)
            made = message
            if kind == "reply" and message.dataref:
                whole = await bus.claim_checks.fetch(message)
                made = msgspec.structs.replace(whole, dataref="")
            parts.setdefault(kind, []).append((subject, made))
        for kind, part in parts.items():
            streams.setdefault(kind, []).append(part)
    return list(streams.values())
