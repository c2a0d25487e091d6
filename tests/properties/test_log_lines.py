"""Log lines: one event is one line, for machines or people, and nothing secret is in it."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crossdock.contracts import Message, Reject
from crossdock.mesh.project.scalars import Secret
from crossdock.mesh.telemetry import configure_logging, log_unhandled

log = logging.getLogger("crossdock.test")
Lines = Callable[[], list[str]]


@pytest.fixture(autouse=True)
def _restore_root() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def start(*, as_json: bool) -> Lines:
    stream = io.StringIO()
    configure_logging("router", "demo", json=as_json, stream=stream)
    return lambda: stream.getvalue().splitlines()


def objects(lines: Lines) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines()]


def fail_with(text: str) -> None:
    payload = text
    raise ValueError(payload)


def test_a_json_line_says_when_what_where_and_the_extras() -> None:
    lines = start(as_json=True)

    log.info("worker started", extra={"worker": "crm", "batch": 500, "trace_id": "ab"})

    (line,) = objects(lines)
    assert datetime.fromisoformat(line.pop("ts")).tzinfo is not None
    assert line == {
        "level": "info",
        "event": "worker started",
        "logger": "crossdock.test",
        "service": "router",
        "mesh": "demo",
        "worker": "crm",
        "batch": 500,
        "trace_id": "ab",
    }


def test_a_text_line_is_for_people() -> None:
    lines = start(as_json=False)

    log.warning("worker paused", extra={"worker": "crm", "why": "a b"})

    (line,) = lines()
    assert line.endswith('WARNING  router   worker paused worker=crm why="a b"')


def test_an_extra_never_replaces_what_the_line_says_itself() -> None:
    lines = start(as_json=True)

    log.info("x", extra={"level": "none", "mesh": "other"})

    (line,) = objects(lines)
    assert (line["level"], line["mesh"]) == ("info", "demo")
    assert (line["extra_level"], line["extra_mesh"]) == ("none", "other")


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize("breaker", ["\n", "\r\n", "\x0b", "\x85", "\u2028", "\u2029"])
def test_a_line_break_in_a_value_makes_no_second_line(breaker: str, as_json: bool) -> None:  # noqa: FBT001 - a case
    lines = start(as_json=as_json)

    log.info(f"a{breaker}b", extra={"name_of_it": f"x{breaker}y", f"k{breaker}": 1})  # noqa: G004 - hostile text in the event on purpose

    assert len(lines()) == 1


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.text(st.characters(codec=None), min_size=1, max_size=8).map(lambda key: f"k{key}"),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
            lambda inner: (
                st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
            ),
            max_leaves=8,
        ),
        max_size=4,
    )
)
def test_whatever_the_extras_are_one_readable_line_comes_out(extras: dict[str, Any]) -> None:
    for as_json in (True, False):
        lines = start(as_json=as_json)
        log.info("event", extra=extras)
        (line,) = lines()
        line.encode("utf-8")
        assert line.isprintable() or as_json
        if as_json:
            assert json.loads(line)["event"] == "event"


def test_i6_no_payload_and_no_secret_is_in_a_line() -> None:
    lines = start(as_json=True)
    message = Message(id="1", source="s", type="a.b.c", data=b"PAYLOAD")

    log.info(
        "connecting to nats://user:hunter2@host:4222",
        extra={
            "url": "amqp://u:hunter2@h",
            "password": "hunter2",
            "headers": {"Authorization": "hunter2", "x": [{"api_key": "hunter2"}]},
            "secret_of": Secret("hunter2"),
            "plain": Secret("hunter2"),
            "given": message,
            "raw": b"PAYLOAD",
            "view": memoryview(b"PAYLOAD"),
        },
    )

    (line,) = lines()
    assert "hunter2" not in line
    assert "PAYLOAD" not in line
    assert '"url":"amqp://***@h"' in line
    assert '"raw":"<7 bytes>"' in line


@pytest.mark.parametrize("as_json", [True, False])
def test_i6_an_exception_shows_kinds_places_and_only_our_reason(as_json: bool) -> None:  # noqa: FBT001 - a case
    lines = start(as_json=as_json)

    def broken() -> None:
        try:
            fail_with("PAYLOAD")
        except ValueError as error:
            raise Reject("line 17: amount is no number") from error

    try:
        broken()
    except Reject:
        log.exception("message rejected")

    text = "\n".join(lines())
    assert "PAYLOAD" not in text
    assert "line 17: amount is no number" in text
    assert "Reject" in text
    assert "ValueError" in text
    assert "test_log_lines.py" in text
    assert "fail_with" in text


def test_an_exception_in_json_is_data() -> None:
    lines = start(as_json=True)

    try:
        open("/nowhere/at/all")  # noqa: PTH123, SIM115 - it fails
    except OSError:
        log.exception("cannot read")

    (line,) = objects(lines)
    assert line["error"]["type"] == "FileNotFoundError"
    assert line["error"]["reason"] == "No such file or directory"
    assert "test_an_exception_in_json_is_data" in line["error"]["at"][-1]


def test_i8_a_huge_value_is_cut() -> None:
    lines = start(as_json=True)

    log.info("x", extra={"text": "y" * 1_000_000, "many": list(range(100_000))})

    (line,) = lines()
    assert len(line) < 10_000
    assert "(1000000 characters)" in line


def test_i8_a_value_that_holds_itself_ends() -> None:
    lines = start(as_json=True)
    ring: list[object] = []
    ring.append(ring)

    log.info("x", extra={"ring": ring})

    assert len(lines()) == 1


def test_a_value_whose_repr_fails_does_not_lose_the_line() -> None:
    class Broken(msgspec.Struct):
        def __repr__(self) -> str:
            raise RuntimeError("no")

    lines = start(as_json=True)

    log.info("x", extra={"value": Broken()})

    (line,) = objects(lines)
    assert line["value"] == "<Broken, whose repr raises RuntimeError>"


def test_other_libraries_come_through_the_same_line_and_only_when_it_matters() -> None:
    lines = start(as_json=True)

    logging.getLogger("uvicorn.access").info("GET /")
    logging.getLogger("httpx").info("HTTP Request")
    logging.getLogger("nats.aio.client").warning("slow consumer")

    (line,) = objects(lines)
    assert (line["logger"], line["event"]) == ("nats.aio.client", "slow consumer")


@pytest.mark.parametrize(("asked", "is_json"), [("json", True), ("text", False), ("", True)])
def test_the_environment_decides_and_a_pipe_gets_json(
    monkeypatch: pytest.MonkeyPatch,
    asked: str,
    is_json: bool,  # noqa: FBT001 - a case
) -> None:
    monkeypatch.setenv("CROSSDOCK_LOG", asked)
    stream = io.StringIO()
    configure_logging("router", "demo", stream=stream)

    log.info("x")

    assert stream.getvalue().startswith("{") is is_json


async def test_i6_an_error_that_no_task_handled_is_logged_without_its_text() -> None:
    lines = start(as_json=True)
    logged = asyncio.Event()

    class Notice(logging.Handler):
        def emit(self, _: logging.LogRecord) -> None:
            logged.set()

    logging.getLogger().addHandler(Notice())
    log_unhandled(asyncio.get_running_loop())

    asyncio.get_running_loop().call_soon(fail_with, "PAYLOAD")
    async with asyncio.timeout(5):
        await logged.wait()

    (line,) = objects(lines)
    assert line["event"] == "error that no task handled"
    assert line["error"]["type"] == "ValueError"
    assert "PAYLOAD" not in json.dumps(line)
