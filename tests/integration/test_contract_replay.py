"""A version of a contract is tried on the messages that a real broker still holds."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import pytest

from crossdock.cli.replaying import replay
from crossdock.contracts import Contract, Message, Subjects
from crossdock.mesh.bus import Bus
from crossdock.mesh.project.settings import BrokerSettings
from crossdock.mesh.streams import provision
from nats_server import NatsServer

NAME = "sales.order.placed"
SUBJECTS = Subjects("t")
NEW = Contract(
    NAME,
    "1.1.0",
    {
        "required": ["note"],
        "properties": {"lines": {"items": {"properties": {"price": {"minimum": 1}}}}},
    },
)


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    bus = await Bus.connect(nats_server.url, SUBJECTS, name="test")
    await provision(bus, BrokerSettings())
    yield bus
    await bus.close()


async def send(bus: Bus, name: str, *data: object) -> None:
    subject = SUBJECTS.incoming(name)
    await bus.publish_many(
        [
            (
                subject,
                Message(id=f"{name}-{at}", source="/t", type=name, data=msgspec.json.encode(each)),
            )
            for at, each in enumerate(data)
        ]
    )


def order(*prices: int, **more: str) -> dict[str, object]:
    return {"lines": [{"price": each} for each in prices], **more}


async def test_it_counts_what_would_be_refused_and_says_why(bus: Bus) -> None:
    await send(
        bus, NAME, order(5, note="ok"), order(5, 0, 0), order(5), order(0, note="top secret")
    )
    await send(bus, "sales.order.lost", {}, {})
    found = await replay(bus, NEW, 100)
    assert (found.messages, found.failed) == (4, 3)
    reasons = {(each.pointer, each.keyword): each.messages for each in found.reasons}
    assert reasons == {("", "required"): 2, ("/lines/*/price", "minimum"): 2}


async def test_only_the_last_messages_of_the_contract_count(bus: Bus) -> None:
    await send(bus, NAME, *[order(5)] * 7)
    await send(bus, "sales.order.lost", *[{}] * 5)
    await bus.publish_many(
        [
            (
                SUBJECTS.incoming(NAME),
                Message(id="last", source="/t", type=NAME, data=b'{"note": ""}'),
            )
        ]
    )
    for count, failed in ((1, 0), (2, 1), (5, 4), (8, 7), (9, 7), (1000, 7)):
        found = await replay(bus, NEW, count)
        assert (found.messages, found.failed) == (min(count, 8), failed)


async def test_an_empty_stream_and_data_that_is_no_JSON(bus: Bus) -> None:
    assert await replay(bus, NEW, 10) == await replay(bus, NEW, 1)
    subject = SUBJECTS.incoming(NAME)
    await bus.publish_many([(subject, Message(id="x", source="/t", type=NAME, data=b"\xff"))])
    found = await replay(bus, NEW, 10)
    assert [(each.pointer, each.keyword) for each in found.reasons] == [("", "json")]


async def test_I6_no_value_of_a_message_is_told(bus: Bus) -> None:
    await send(bus, NAME, order(0, note="top secret", why="top secret"))
    assert "top secret" not in repr(await replay(bus, NEW, 10))
