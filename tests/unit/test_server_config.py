from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from crossdock.contracts import Halt
from crossdock.mesh.project.scalars import Secret
from crossdock.mesh.project.settings import BrokerSettings, MqttListener
from crossdock.mesh.server_config import ServerPlace, server_config

PLACE = ServerPlace(
    store=Path("/store"),
    port=4000,
    mqtt_port=1884,
    user="services",
    password=Secret("s3cret"),
    max_payload=9000,
)


def configured(listen: str = "127.0.0.1:0", *subjects: str) -> dict[str, Any]:
    mqtt = MqttListener(
        listen=listen, user="meter", password=Secret('q"\\'), subjects=subjects or ("meters.>",)
    )
    result: dict[str, Any] = json.loads(server_config(BrokerSettings(mqtt=mqtt), PLACE))
    return result


def test_every_message_is_on_disk_before_its_puback_and_only_loopback_is_listened_on() -> None:
    config = json.loads(server_config(BrokerSettings(), PLACE))
    assert config["jetstream"]["sync_interval"] == "always"  # I1
    assert config["host"] == "127.0.0.1"
    assert config["max_payload"] == 9000
    assert "mqtt" not in config


def test_an_mqtt_client_may_use_its_subjects_and_the_one_that_a_hash_includes() -> None:
    users = configured("127.0.0.1:0", "meters.>", "alarms.fire")["accounts"]["CROSSDOCK"]["users"]
    assert users[1]["password"] == 'q"\\'  # noqa: S105 - made for this test
    assert users[1]["permissions"]["subscribe"] == {"allow": ["alarms.fire", "meters", "meters.>"]}
    assert users[1]["permissions"]["publish"] == users[1]["permissions"]["subscribe"]


@pytest.mark.parametrize("subject", [">", "*.x", "$JS.API.>", "_INBOX.>", "", ".a"])
def test_an_mqtt_client_never_gets_the_internals_of_the_broker(subject: str) -> None:
    with pytest.raises(Halt, match=r"broker\.mqtt\.subjects"):
        configured("127.0.0.1:0", subject)


@pytest.mark.parametrize("listen", ["0.0.0.0:1883", "192.0.2.1:1883", "127.0.0.1", "x:1", ":1"])
def test_an_mqtt_listener_that_is_not_on_loopback_is_refused(listen: str) -> None:
    with pytest.raises(Halt, match=r"broker\.mqtt\.listen"):
        configured(listen)
