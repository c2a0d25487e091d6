"""What happened, as anyone can see it: rows by sqlite3, streams by a plain NATS client."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path

import nats
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, ConsumerInfo
from nats.js.errors import NotFoundError

from faults.checker import Observed

_PAGE = 500


@asynccontextmanager
async def plain_client(url: str) -> AsyncIterator[JetStreamContext]:
    """Connect without any of our own code."""
    client: Client = await nats.connect(url.split(","))
    try:
        yield client.jetstream(timeout=10)
    finally:
        await client.close()


def rows(database: Path, table: str) -> list[str]:
    """Return the key of each row."""
    with closing(sqlite3.connect(database, timeout=20)) as connection:
        found = connection.execute(f"SELECT number FROM {table}")  # noqa: S608 - our own name
        return [row[0] for row in found]


def has_row(database: Path, table: str, key: str) -> bool:
    """Tell whether a key has its row."""
    with closing(sqlite3.connect(database, timeout=20)) as connection:
        found = connection.execute(f"SELECT 1 FROM {table} WHERE number = ?", (key,))  # noqa: S608 - our own name
        return found.fetchone() is not None


async def read_all(jetstream: JetStreamContext, stream: str) -> list[Msg]:
    """Return all that a stream holds."""
    config = ConsumerConfig(ack_policy=AckPolicy.NONE, inactive_threshold=30)
    subscription = await jetstream.pull_subscribe(">", stream=stream, config=config)
    left = (await jetstream.stream_info(stream)).state.messages
    found: list[Msg] = []
    while left > len(found):
        found += await subscription.fetch(min(_PAGE, left - len(found)), timeout=10)
    return found


async def observe(
    jetstream: JetStreamContext, mesh: str, database: Path, tables: tuple[str, ...]
) -> Observed:
    """Look at everything."""
    return Observed(
        effects={table: rows(database, table) for table in tables},
        dead=[
            (msg.subject.rpartition(".")[2], _key(msg))
            for msg in await read_all(jetstream, f"{mesh}-dead")
        ],
        stored=[_key(msg) for msg in await read_all(jetstream, f"{mesh}-in")],
        decided=_decided(await read_all(jetstream, f"{mesh}-record")),
    )


async def consumers(jetstream: JetStreamContext, stream: str) -> list[ConsumerInfo]:
    """Return the durable consumers of a stream; none when there is no such stream yet."""
    try:
        return [each for each in await jetstream.consumers_info(stream) if each.config.durable_name]
    except NotFoundError:
        return []


async def deliveries(jetstream: JetStreamContext, stream: str) -> tuple[int, int]:
    """Return how many deliveries the consumers of a stream made, of how many messages."""
    made = messages = 0
    subjects = (await jetstream.stream_info(stream, subjects_filter=">")).state.subjects or {}
    for info in await consumers(jetstream, stream):
        assert info.delivered is not None
        made += info.delivered.consumer_seq
        filters = info.config.filter_subjects or [str(info.config.filter_subject)]
        messages += sum(subjects.get(each, 0) for each in filters)
    return made, messages


def _key(msg: Msg) -> str:
    return str(json.loads(msg.data)["order"])


def _decided(records: list[Msg]) -> dict[str, Counter[str]]:
    last: dict[str, dict[int, str]] = {}
    for msg in records:
        record = json.loads(msg.data)
        if record["kind"] != "route":
            continue
        outcomes = last.setdefault(record["where"], {})
        for entry in record["entries"]:
            outcomes[entry[1]] = entry[2]
    return {where: Counter(outcomes.values()) for where, outcomes in last.items()}
