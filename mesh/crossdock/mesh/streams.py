"""The streams of a mesh: made, and brought back to what they should be."""

from __future__ import annotations

from typing import Any

import msgspec
from nats.errors import Error as NatsError

from crossdock.contracts import Disconnected, Halt
from crossdock.mesh.bus import Bus
from crossdock.mesh.project.settings import BrokerSettings

_NANOSECONDS = 1_000_000_000
_RECORD_SHARE = 4  # the record stream may take a quarter of what a message stream may
_ONCE_SHARE = 4  # and so may the keys that were claimed
_REPLY_SHARE = 4  # and the replies
DATA_SHARE = 2
"""Data that is kept apart may take half of what a message stream may."""
_ALREADY_THERE = 10058
_BEGUN = "crossdock.begun"


def stream_configs(bus: Bus, settings: BrokerSettings) -> list[dict[str, Any]]:
    """Return the streams as the server's API takes them.

    ``in``, ``out`` and ``dead`` refuse new messages when full and never drop old ones by age: what
    is unread stays, the janitor removes only what every consumer has acknowledged (I8). Records are
    history, so the oldest may go. ``once`` holds keys that messages have claimed, for their time.
    ``reply`` holds replies, for as long as they can be fetched. ``data`` holds what does not travel
    with its message. ``group`` holds the last message of each subject; where messages may be
    scheduled the server cannot refuse new ones, so those who write there keep its bound.
    """
    mesh = bus.subjects.mesh
    common: dict[str, Any] = {
        "retention": "limits",
        "storage": "file",
        "num_replicas": settings.replicas,
        "discard": "new",
        "max_age": 0,
        "max_bytes": int(settings.max_bytes),
        "duplicate_window": int(settings.duplicate_window * _NANOSECONDS),
        "allow_atomic": True,
        "allow_direct": True,
    }
    special = _special(settings)
    return [
        common
        | {"name": bus.subjects.stream(kind), "subjects": [f"{mesh}.{kind}.>"]}
        | special.get(kind, {})
        for kind in ("in", "out", "dead", "record", "once", "group", "data", "reply")
    ]


def _special(settings: BrokerSettings) -> dict[str, dict[str, Any]]:
    """Return what differs from the streams of messages, by kind."""
    record = {
        "discard": "old",
        "max_age": int(settings.history * _NANOSECONDS),
        "max_bytes": int(settings.max_bytes) // _RECORD_SHARE,
        "duplicate_window": min(
            int(settings.duplicate_window * _NANOSECONDS), int(settings.history * _NANOSECONDS)
        ),
        "compression": "s2",
    }
    once = {
        "max_bytes": int(settings.max_bytes) // _ONCE_SHARE,
        "max_msgs_per_subject": 1,
        "allow_msg_ttl": True,
    }
    kept = int(settings.replies * _NANOSECONDS)
    reply = {
        "max_age": kept,
        "max_bytes": int(settings.max_bytes) // _REPLY_SHARE,
        "duplicate_window": min(int(settings.duplicate_window * _NANOSECONDS), kept),
    }
    group = {
        "discard": "old",  # the server refuses "new" beside schedules
        "max_bytes": -1,  # so that "old" drops nothing
        "max_msgs_per_subject": 1,
        "allow_msg_ttl": True,
        "allow_msg_schedules": True,
    }
    data = {"max_bytes": int(settings.max_bytes) // DATA_SHARE, "max_msgs_per_subject": 1}
    return {
        "record": record,
        "once": once,
        "group": group,
        "data": data,
        "reply": reply,
    }


async def provision(bus: Bus, settings: BrokerSettings) -> None:
    """Create the mesh's streams, or bring their settings up to date. Safe to repeat.

    Raises:
        Halt: The broker refuses a stream.
    """
    for config in stream_configs(bus, settings):
        name = config["name"]
        found = await _api(bus, f"STREAM.INFO.{name}", {})
        if "error" in found:
            answer = await _api(bus, f"STREAM.CREATE.{name}", config)
            if answer.get("error", {}).get("err_code") == _ALREADY_THERE:  # another was faster
                answer = {}
        elif any(found["config"].get(key) != value for key, value in config.items()):
            answer = await _api(bus, f"STREAM.UPDATE.{name}", found["config"] | config)
        else:
            continue
        if "error" in answer:
            raise Halt(f"the broker refuses stream {name}: {answer['error'].get('description')}")


async def stream_drift(bus: Bus, settings: BrokerSettings) -> dict[str, str]:
    """Tell what is not as :func:`provision` would have it: by stream, in words.

    Raises:
        Disconnected: The broker does not answer.
    """
    drift: dict[str, str] = {}
    for config in stream_configs(bus, settings):
        name = config["name"]
        try:
            found = await _api(bus, f"STREAM.INFO.{name}", {})
        except (NatsError, msgspec.DecodeError) as error:
            raise Disconnected(f"the broker does not answer: {type(error).__name__}") from error
        if "error" in found:
            drift[name] = "is not there; a service makes it at its next start"
            continue
        other = sorted(key for key, value in config.items() if found["config"].get(key) != value)
        if other:
            what = ", ".join(f"{key} is {found['config'].get(key)}" for key in other)
            drift[name] = f"{what}; a service corrects it at its next start"
    return drift


async def has_begun(bus: Bus) -> bool:
    """Tell whether the first routes of this mesh are all there.

    Raises:
        Disconnected: The broker does not answer.
    """
    return _BEGUN in (await _config(bus)).get("metadata", {})


async def set_begun(bus: Bus) -> None:
    """Remember, with the ``in`` stream itself, that the first routes are all there.

    Raises:
        Disconnected: The broker does not answer.
    """
    config = await _config(bus)
    metadata = config.get("metadata", {}) | {_BEGUN: "true"}
    await _ask(bus, f"STREAM.UPDATE.{config['name']}", config | {"metadata": metadata})


async def _config(bus: Bus) -> dict[str, Any]:
    found = await _ask(bus, f"STREAM.INFO.{bus.subjects.stream('in')}", {})
    config: dict[str, Any] = found["config"]
    return config


async def _ask(bus: Bus, verb: str, body: dict[str, Any]) -> dict[str, Any]:
    try:
        answer = await _api(bus, verb, body)
    except (NatsError, msgspec.DecodeError) as error:
        raise Disconnected(f"the broker does not answer: {type(error).__name__}") from error
    if "error" in answer:
        raise Disconnected(f"the broker refuses: {answer['error'].get('description')}")
    return answer


async def _api(bus: Bus, verb: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = await bus.client.request(f"$JS.API.{verb}", msgspec.json.encode(body), timeout=5)
    result: dict[str, Any] = msgspec.json.decode(answer.data)
    return result
