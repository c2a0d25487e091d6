"""What the embedded nats-server is told: its configuration, as a function of settings."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

import msgspec

from crossdock.contracts import Halt
from crossdock.mesh.ports import split_address
from crossdock.mesh.project.scalars import Secret
from crossdock.mesh.project.settings import BrokerSettings, MqttListener

LOOPBACK = "127.0.0.1"
# Streams reserve their bound when they are created. The reservation is not taken from the disk, so
# it must not be refused because a small disk could not hold all of them at once.
_STREAMS_AT_MOST = 8


class ServerPlace(msgspec.Struct, frozen=True, kw_only=True):
    """Where one embedded server lives.

    Attributes:
        store: Folder of JetStream's files.
        port: Port for clients on 127.0.0.1.
        mqtt_port: Port of the MQTT listener, when the settings have one.
        user: User name of the services.
        password: Their password.
        max_payload: Largest message in bytes, headers included.
    """

    store: Path
    port: int
    mqtt_port: int
    user: str
    password: Secret
    max_payload: int


def server_config(settings: BrokerSettings, place: ServerPlace) -> bytes:
    """Return the configuration file: JSON, which nats-server reads like its own format.

    Raises:
        Halt: When the MQTT listener of the settings is not acceptable.
    """
    users: list[dict[str, Any]] = [
        {
            "user": place.user,
            "password": place.password.reveal(),
            "allowed_connection_types": ["STANDARD"],
        }
    ]
    config: dict[str, Any] = {
        "server_name": "crossdock-embedded",  # the same over restarts: MQTT sessions need it
        "host": LOOPBACK,
        "port": place.port,
        "max_payload": place.max_payload,
        "jetstream": {
            "store_dir": str(place.store),
            "sync_interval": "always",  # I1: a PubAck means on disk
            "max_file_store": _STREAMS_AT_MOST * settings.max_bytes,
        },
        "accounts": {"CROSSDOCK": {"jetstream": "enabled", "users": users}},
    }
    if settings.mqtt is not None:
        host, _ = mqtt_address(settings.mqtt)
        users.append(_mqtt_user(settings.mqtt))
        config["mqtt"] = {"host": host, "port": place.mqtt_port}
    return msgspec.json.format(msgspec.json.encode(config))


def mqtt_address(listener: MqttListener) -> tuple[str, int]:
    """Return host and port of the MQTT listener.

    Raises:
        Halt: When it is not ``HOST:PORT`` on a loopback address.
    """
    try:
        host, port = split_address(listener.listen)
        loopback = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError as error:
        raise Halt(f"broker.mqtt.listen: {error}") from error
    if not loopback:
        raise Halt(
            f"broker.mqtt.listen: {host} is not a loopback address: "
            "the embedded server listens on this machine only, write 127.0.0.1"
        )
    return host, port


def _mqtt_user(listener: MqttListener) -> dict[str, Any]:
    allowed = sorted({each for subject in listener.subjects for each in _granted(subject)})
    # The server keeps MQTT sessions and retained messages by itself: no $MQTT.> is needed.
    rights = {"allow": allowed} if allowed else {"deny": [">"]}
    return {
        "user": listener.user,
        "password": listener.password.reveal(),
        "allowed_connection_types": ["MQTT"],
        "permissions": {"publish": rights, "subscribe": rights},
    }


def _granted(subject: str) -> tuple[str, ...]:
    """Return what has to be allowed; an MQTT ``a/#`` subscribes to ``a`` besides ``a.>``."""
    first = subject.partition(".")[0]
    if first in {"", "*", ">"} or first.startswith(("$", "_")):
        raise Halt(
            f"broker.mqtt.subjects: {subject[:80]!r} may not begin with a wildcard, $ or _: "
            "write for example meters.>"
        )
    return (subject, subject.removesuffix(".>")) if subject.endswith(".>") else (subject,)
