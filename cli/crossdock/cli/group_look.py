"""Looks at open groups, as commands show them."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import msgspec

from crossdock.cli.process_look import stamp
from crossdock.contracts import Registry
from crossdock.contracts.marking import MARK, TEST
from crossdock.contracts.masking import MASK, is_personal
from crossdock.mesh.bus import Bus
from crossdock.mesh.expression import Json
from crossdock.mesh.groups import Group
from crossdock.mesh.groups.room import STREAM
from crossdock.mesh.groups.state import read_group
from crossdock.mesh.project.contract_files import load_contracts
from crossdock.router.compiled import CompiledRoute
from crossdock.router.explaining import contracts_of
from crossdock.router.loading import load_router
from crossdock.router.steps.expiration import Expiration
from crossdock.router.steps.idempotent_receiver import IdempotentReceiver
from crossdock.router.steps.message_filter import MessageFilter
from crossdock.router.steps.wire_tap import WireTap

_PATH: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_KEEPING: Final = (Expiration, IdempotentReceiver, MessageFilter, WireTap)
"""Steps behind which the data is what came in."""


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """One open group.

    Attributes:
        route: Its route.
        pattern: ``aggregate``, or ``resequence`` for messages that wait for a number.
        key: What its members have in common; hidden where it may be personal.
        token: What stands for the key, and names the group for commands.
        members: How many there are.
        awaited: How many it is complete with; 0 when nobody said.
        number: Of the message that is waited for, of ``resequence``; None before the first.
        seconds: Since when it is open.
        deadline: When its time is up, RFC 3339; None for never.
        bytes: What its members take.
        test: Whether it is one of test messages.
        messages: Ids of the messages that its members come from; when it is looked at alone.
    """

    route: str
    pattern: str
    key: Json
    token: str
    members: int
    awaited: int
    number: int | None
    seconds: float
    deadline: str | None
    bytes: int
    test: bool
    messages: tuple[str, ...] = ()


class Grouping:
    """The routes of a project that keep messages until others come."""

    def __init__(self, project: Path) -> None:
        """Read the project.

        Raises:
            Halt: It cannot be used.
        """
        loaded = load_router(project)
        self._registry = load_contracts(project)
        self.routes = {
            name: each.compiled
            for name, each in loaded.routes.items()
            if each.compiled.grouping is not None
        }

    def hides(self, route: str) -> bool:
        """Tell whether a key of a route may be personal (I6)."""
        compiled = self.routes.get(route)
        return compiled is None or _hides(compiled, self._registry)

    async def open(self, bus: Bus, route: str | None = None) -> AsyncIterator[Open]:
        """Yield the open groups of a route, or of all.

        Raises:
            Disconnected: The broker does not answer.
        """
        hidden: dict[str, bool] = {}
        async for stored in bus.read(STREAM, subject=bus.subjects.group("open", route or "*", "*")):
            *_, name, token = stored.subject.split(".")
            group = read_group(stored.data)
            if group.id:
                hides = hidden.setdefault(name, self.hides(name))
                yield opened(name, token, group, hides=hides)


def opened(route: str, token: str, group: Group, *, hides: bool, ids: bool = False) -> Open:
    """Return an open group as commands show it.

    Args:
        route: Its route.
        token: Of its key.
        group: As it is stored.
        hides: Whether the key is hidden.
        ids: Whether the ids of its messages are told.
    """
    counts = group.next is not None
    return Open(
        route=route,
        pattern="resequence" if counts else "aggregate",
        key=MASK if hides else group.key,
        token=token,
        members=len(group.members),
        awaited=group.size,
        number=group.next,
        seconds=round(max(0.0, time.time() - group.opened / 1000), 3),
        deadline=stamp(group.timer) if group.timer else None,
        bytes=sum(len(bytes(each.data)) for each in group.members),
        test=group.extensions.get(TEST) == MARK,
        messages=tuple([each.id for each in group.members]) if ids else (),
    )


def _hides(route: CompiledRoute, registry: Registry) -> bool:
    marks = {name: registry.about(name).personal for name in contracts_of(route)}
    if not any(marks.values()):
        return False
    by = route.aggregate.by if route.aggregate is not None else None
    if route.resequence is not None:
        by = route.resequence.by
    # Only of a path in the data as it came in is known which place it is.
    if by is None or not _PATH.fullmatch(by.text.strip()):
        return True
    if not all(isinstance(each, _KEEPING) for each in route.steps):
        return True
    pointer = "/" + by.text.strip().replace(".", "/")
    return any(is_personal(pointer, personal) for personal in marks.values())
