"""The four doors: each is given all records of its file, and returns when they were handed over."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from typing import Final
from urllib.parse import urlsplit

import msgspec
from paho.mqtt.client import Client, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from carry.lines import Lines
from carry.mesh import Failed
from carry.stage import Stage

METER: Final = "pipeline"
PURCHASE: Final = "shop.purchase.made"
_CALLERS: Final = 64
_PATIENCE: Final = 60.0
_ACCEPTED, _INVALID = 202, 400


class Answer(msgspec.Struct, frozen=True):
    """What the gateway said to one purchase.

    Attributes:
        id: Of the message; ``""`` when it was refused.
        reasons: Why it was refused: pointer, keyword and text of each problem.
    """

    id: str
    reasons: tuple[tuple[str, str, str], ...] = ()


async def post_purchases(url: str, key: str, lines: Lines) -> dict[int, Answer]:
    """Post each purchase under a key of its own; equal purchases on two lines are two.

    Raises:
        Failed: An answer is neither yes nor no.
    """
    records = lines.records()
    shares = [records[first::_CALLERS] for first in range(_CALLERS)]

    def call(share: list[tuple[int, str]]) -> dict[int, Answer]:
        address = urlsplit(url).netloc
        with closing(HTTPConnection(address, timeout=_PATIENCE)) as connection:
            return {n: _post(connection, key, lines.place(n), line) for n, line in share}

    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(_CALLERS) as callers:
        answers = [loop.run_in_executor(callers, call, share) for share in shares]
        found = await asyncio.gather(*answers)
    return {number: answer for each in found for number, answer in each.items()}


def _post(connection: HTTPConnection, key: str, place: str, line: str) -> Answer:
    customer, sample, date, cds, dollars = line.split()
    value = {
        "customer": customer,
        "sample": sample,
        "date": date,
        "cds": int(cds),
        "dollars": float(dollars),
    }
    headers = {
        "authorization": f"Bearer {key}",
        "content-type": "application/json",
        "idempotency-key": place,
    }
    connection.request("POST", f"/v1/messages/{PURCHASE}", msgspec.json.encode(value), headers)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status == _ACCEPTED:
        return Answer(msgspec.json.decode(body)["id"])
    if answer.status == _INVALID:
        errors = msgspec.json.decode(body)["errors"]
        return Answer("", tuple((e["pointer"], e["keyword"], e["message"]) for e in errors))
    raise Failed(f"{place}: the gateway answers {answer.status}: {body[:200].decode()}")


def drop_file(stage: Stage, lines: Lines) -> None:
    """Put the file into the folder that ``file-in`` watches; whole when its name appears."""
    incoming = stage.data / "incoming"
    unfinished = incoming / f".{lines.kind.file}.tmp"
    shutil.copyfile(lines.path, unfinished)
    unfinished.rename(incoming / lines.kind.file)


def payload(line: str) -> bytes:
    """Return what the flow meter publishes for a line."""
    at, flow = line.split(",")
    return msgspec.json.encode({"at": at, "flow": float(flow)})


async def publish_readings(stage: Stage, lines: Lines) -> None:
    """Publish each reading with QoS 1; return when the broker has acknowledged all.

    Raises:
        Failed: It did not.
    """
    client = Client(CallbackAPIVersion.VERSION2, client_id="the-meter-itself")
    client.username_pw_set("meter", stage.meter_password)
    client.max_queued_messages_set(0)
    await asyncio.to_thread(client.connect, "127.0.0.1", stage.mqtt_port)
    client.loop_start()
    try:
        topic = f"flow/{METER}"
        told = [client.publish(topic, payload(line), qos=1) for _, line in lines.records()]
        await asyncio.to_thread(_wait_for, told)
    finally:
        client.disconnect()
        client.loop_stop()


def _wait_for(told: list[MQTTMessageInfo]) -> None:
    for each in told:
        if each.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise Failed(f"the flow meter cannot publish: {each.rc.name}")
        each.wait_for_publish(_PATIENCE)
        if not each.is_published():
            raise Failed("the broker did not acknowledge a reading in time")


def forget_progress(stage: Stage) -> None:
    """Make ``sql-in`` begin anew, as when its database was restored from a backup."""
    with closing(sqlite3.connect(stage.data / "building.db")) as database, database:
        database.execute("DELETE FROM crossdock_progress")
