"""Topics, payloads and settings of the MQTT adapters."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.mesh.project.scalars import Duration, Secret
from crossdock.workers.mqtt.topics import filter_problem, topic_problem
from crossdock.workers.mqtt_in import MqttInSettings
from crossdock.workers.mqtt_in.reading import read
from crossdock.workers.mqtt_out import MqttOutSettings


@pytest.mark.parametrize("text", ["a", "a/b", "/", "a//b", "é", "a b", "x" * 65535])
def test_topics_to_publish_to(text: str) -> None:
    assert topic_problem(text) is None


@pytest.mark.parametrize(
    "text", ["", "+", "a/#", "a+b", "$SYS/x", "a\0", "a\n", "\x85", "\ud800", "é" * 32768]
)
def test_what_is_no_topic_to_publish_to(text: str) -> None:
    problem = topic_problem(text)
    assert problem is not None
    assert len(problem) < 100


@pytest.mark.parametrize(
    "text", ["a", "#", "+", "a/+/b", "a/#", "+/+", "$share/group/a/#", "$SYS/#"]
)
def test_topic_filters(text: str) -> None:
    assert filter_problem(text) is None


@pytest.mark.parametrize("text", ["", "a#", "#/a", "a+", "a/+b", "$share/g", "$share/+/a", "a\0"])
def test_what_is_no_topic_filter(text: str) -> None:
    assert filter_problem(text) is not None


@given(topic=st.binary(max_size=50), payload=st.binary(max_size=50))
def test_any_message_is_read_or_says_why_not(topic: bytes, payload: bytes) -> None:
    received = read(topic, payload, max_payload=40, token=None)
    assert (received.error is None) == isinstance(received.value, dict)
    assert received.raw == payload[:40]


def test_a_payload_that_is_nested_too_deeply_is_an_error() -> None:
    payload = b"[" * 100_000 + b"]" * 100_000
    assert read(b"a", payload, max_payload=10**6, token=None).error == "the payload is not JSON"


BASE: dict[str, Any] = {"host": "127.0.0.1", "topics": ("a",)}


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"topics": ()}, "topics is empty"),
        ({"topics": ("a#",)}, "topics: 'a#'"),
        ({"port": 0}, "port is a number"),
        ({"keepalive": Duration(0.1)}, "keepalive"),
        ({"session": Duration(0)}, "session is at least"),
        ({"password": Secret("x")}, "a password needs a user"),
        ({"host": "broker", "user": "u", "password": Secret("x")}, "readable"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        MqttInSettings(**{**BASE, **settings})


def test_a_password_may_cross_the_network_readable_only_when_that_is_said() -> None:
    login = {"host": "broker", "user": "u", "password": Secret("x")}
    assert MqttInSettings(**{**BASE, **login, "plain_password": True}).address == ("broker", 1883)
    assert MqttInSettings(**{**BASE, **login, "host": "::1"}).plain_password is False


def test_a_sink_has_one_kind_of_topic() -> None:
    with pytest.raises(ValueError, match="either topic or topic_field"):
        MqttOutSettings(host="127.0.0.1")
    with pytest.raises(ValueError, match="either topic or topic_field"):
        MqttOutSettings(host="127.0.0.1", topic="a", topic_field="b")
    with pytest.raises(ValueError, match="holds no"):
        MqttOutSettings(host="127.0.0.1", topic="a/#")
