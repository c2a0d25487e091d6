"""``crossdock`` with one promise broken on purpose: ``sabotaged_service.py NAME COMMAND…``.

The negative controls of the fault tests: the checker has to turn red on each.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from crossdock.cli.main import app
from crossdock.contracts import CrossdockError, Message, Retry, new_id
from crossdock.mesh.bus import Bus, Incoming, Published
from crossdock.router.handling import RouteHandler
from crossdock.router.processes.events import token_of
from crossdock.router.processes.instance import Command, Instance
from crossdock.router.processes.sending import StepHandler
from crossdock.workers.sql_out.statements import Sqlite

_CRASH_AT: Final = 100
_CARELESS_UNTIL: Final = 400
_FEW: Final = 20


def acknowledge_before_publish() -> None:
    """The router acknowledges a batch, and crashes before its children are published."""
    seen = 0

    async def call(
        self: RouteHandler, batch: Sequence[Incoming]
    ) -> Sequence[CrossdockError | None]:
        nonlocal seen
        for each in batch:
            await each.ack()
        seen += len(batch)
        if seen >= _CRASH_AT:
            await self._bus.client.flush()
            os._exit(137)
        return await right(self, batch)

    right = RouteHandler.__call__
    _replace(RouteHandler, "__call__", call)


def publish_without_puback() -> None:
    """The gateway says 202 as soon as it has written to its socket."""

    async def publish(self: Bus, subject: str, message: Message) -> Published:
        headers = message.headers() | {"Nats-Msg-Id": message.id}
        await self.client.publish(subject, message.data, headers=headers)
        return Published("unknown", 0)

    _replace(Bus, "publish", publish)


def inbox_off() -> None:
    """The sink forgets what it has delivered."""

    def mark(_self: Sqlite, _driver: object, _ids: Sequence[str]) -> set[str]:
        return set()

    _replace(Sqlite, "mark", mark)


def bare_nak() -> None:
    """The router fails, and gives messages back without a delay."""

    async def call(
        _self: RouteHandler, batch: Sequence[Incoming]
    ) -> Sequence[CrossdockError | None]:
        return [Retry("not now")] * len(batch)

    async def nak(self: Incoming, _delay: float) -> None:
        await self._settle(b"-NAK")

    _replace(RouteHandler, "__call__", call)
    _replace(Incoming, "nak", nak)


def always_retry() -> None:
    """The router fails, and gives messages back as it should: the control of the control."""

    async def call(
        _self: RouteHandler, batch: Sequence[Incoming]
    ) -> Sequence[CrossdockError | None]:
        return [Retry("not now")] * len(batch)

    _replace(RouteHandler, "__call__", call)


def careless_acknowledgements() -> None:
    """Of a process's first messages each tenth is given back after its effect, or its ack lost."""
    count = itertools.count(1)

    async def ack(self: Incoming) -> None:
        number = next(count)
        if number % 10 == 0 and number < _CARELESS_UNTIL:
            await self.nak(0.5)
        elif number % 10 != 5 or number >= _CARELESS_UNTIL:
            await right(self)

    right = Incoming.ack
    _replace(Incoming, "ack", ack)


def fresh_command_ids() -> None:
    """A process gives its commands an id when it sends them, and not when it makes them."""

    def message(command: Command) -> Message:
        return msgspec.structs.replace(right(command), id=new_id())

    right = StepHandler.message
    _replace(StepHandler, "message", staticmethod(message))


def publish_after_forgetting() -> None:
    """A process forgets its commands before they are stored where they go, and crashes."""

    async def publish(self: StepHandler, instances: list[Instance]) -> None:
        nonlocal seen
        for each in instances:
            if each.outbox:
                token = token_of(self._process.name, each.key)
                await self._store.sent({token: each.outbox[-1].number})
        seen += len(instances)
        if seen >= _FEW:
            os._exit(137)
        await right(self, instances)

    seen = 0
    right = StepHandler._publish
    _replace(StepHandler, "_publish", publish)


SABOTAGES: Final[dict[str, Callable[[], None]]] = {
    each.__name__.replace("_", "-"): each
    for each in (
        acknowledge_before_publish,
        publish_without_puback,
        inbox_off,
        bare_nak,
        always_retry,
        careless_acknowledgements,
        fresh_command_ids,
        publish_after_forgetting,
    )
}


def _replace(owner: type, name: str, wrong: Any) -> None:  # noqa: ANN401 - any method
    setattr(owner, name, wrong)


if __name__ == "__main__":
    SABOTAGES[sys.argv.pop(1)]()
    app()
