from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from queue import Queue

import nats
import psutil
import pytest
from nats.aio.client import Client
from paho.mqtt.client import Client as MqttClient
from paho.mqtt.enums import CallbackAPIVersion

from crossdock.contracts import Halt
from crossdock.mesh.embedded import EmbeddedServer
from crossdock.mesh.project.scalars import Secret
from crossdock.mesh.project.settings import BrokerSettings, MqttListener
from eventually import eventually, is_gone


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[EmbeddedServer]:
    each = EmbeddedServer(tmp_path / "store", BrokerSettings())
    await each.start()
    yield each
    await each.stop()


async def connect(url: str) -> Client:
    return await nats.connect(url, allow_reconnect=False, connect_timeout=5)


async def test_a_crash_keeps_port_and_store(server: EmbeddedServer) -> None:
    client = await connect(server.url)
    js = client.jetstream()
    await js.add_stream(name="kept", subjects=["kept"])
    await js.publish("kept", b"one")
    url, first = server.url, server.child.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    await eventually(lambda: is_gone(first))
    await client.close()
    await eventually(lambda: server.child.state == "ready" and server.child.pid != first)
    assert server.url == url
    assert server.child.restarts == 1
    client = await connect(server.url)
    found = await client.jetstream().get_msg("kept", 1)
    assert found.data == b"one"
    await client.close()


async def test_only_loopback_is_listened_on(server: EmbeddedServer) -> None:
    sockets = psutil.Process(server.child.pid).net_connections()
    listening = {each.laddr.ip for each in sockets if each.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}


async def answer_to_login(url: str, login: dict[str, str]) -> bytes:
    """Say CONNECT with these credentials, as any program could, and return the answer."""
    port = int(url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await reader.readline()  # INFO
    writer.write(b"CONNECT " + json.dumps({"verbose": True, **login}).encode() + b"\r\n")
    answer = await asyncio.wait_for(reader.readline(), 5)
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize(
    "login",
    [{}, {"user": "crossdock"}, {"user": "crossdock", "pass": "wrong"}, {"auth_token": "x"}],
)
async def test_wrong_or_no_credentials_are_refused(
    server: EmbeddedServer, login: dict[str, str]
) -> None:
    assert b"Authorization Violation" in await answer_to_login(server.url, login)


async def test_no_secret_can_be_seen_by_others(server: EmbeddedServer) -> None:  # I6
    config = server.store / "nats-server.json"
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    password = server.url.split(":")[2].partition("@")[0]
    assert password in config.read_text()
    assert not [each for each in psutil.Process(server.child.pid).cmdline() if password in each]
    assert password not in server.log_file.read_text()
    await server.stop()
    assert not config.exists()


async def test_a_second_server_on_the_same_store_is_refused(server: EmbeddedServer) -> None:
    second = EmbeddedServer(server.store, BrokerSettings())
    with pytest.raises(Halt, match=f"in use by process {os.getpid()}"):
        await second.start()
    assert server.child.state == "ready"


async def test_a_store_is_free_again_after_stop(tmp_path: Path) -> None:
    for _ in range(2):
        each = EmbeddedServer(tmp_path, BrokerSettings())
        await each.start()
        pid = each.child.pid
        await each.stop()
        assert pid is not None
        assert not psutil.pid_exists(pid)


async def test_a_missing_binary_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CROSSDOCK_NATS_SERVER", "no-such-server")
    with pytest.raises(Halt, match="CROSSDOCK_NATS_SERVER=no-such-server"):
        await EmbeddedServer(tmp_path, BrokerSettings()).start()


async def test_a_binary_that_ends_at_once_is_told_and_not_left_restarting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "fake"
    fake.write_text('#!/bin/sh\n[ "$1" = "-t" ] && exit 0\necho "[FTL] no room" >&2\nexit 1\n')
    fake.chmod(0o755)
    monkeypatch.setenv("CROSSDOCK_NATS_SERVER", str(fake))
    with pytest.raises(Halt, match="no room"):
        await EmbeddedServer(tmp_path / "store", BrokerSettings()).start()


def mqtt_settings() -> BrokerSettings:
    return BrokerSettings(
        mqtt=MqttListener(
            listen="127.0.0.1:0", user="meter", password=Secret("m3ter"), subjects=("meters.>",)
        )
    )


@pytest.mark.peer
@pytest.mark.parametrize("qos", [0, 1, 2])
async def test_an_mqtt_client_may_use_its_topics_and_no_other(tmp_path: Path, qos: int) -> None:
    server = EmbeddedServer(tmp_path, mqtt_settings())
    await server.start()
    assert server.mqtt is not None
    granted, heard = await asyncio.to_thread(talk, server.mqtt, qos)
    assert [each >= 128 for each in granted] == [False, True]
    assert heard == ("meters/1", b"good")
    await server.stop()


def talk(address: str, qos: int) -> tuple[list[int], tuple[str, bytes]]:
    """Subscribe to two topics, publish to each; return the answers and what was heard first."""
    answers: Queue[list[int]] = Queue()
    heard: Queue[tuple[str, bytes]] = Queue()
    client = MqttClient(CallbackAPIVersion.VERSION2)
    client.username_pw_set("meter", "m3ter")
    client.on_subscribe = lambda _c, _u, _m, codes, _p: answers.put([int(c.value) for c in codes])
    client.on_message = lambda _c, _u, message: heard.put((message.topic, bytes(message.payload)))
    host, _, port = address.partition(":")
    client.connect(host, int(port))
    client.loop_start()
    try:
        client.subscribe([("meters/#", qos), ("other/#", qos)])
        granted = answers.get(timeout=10)
        client.publish("other/1", b"refused", qos=0)
        client.publish("meters/1", b"good", qos=qos)
        return granted, heard.get(timeout=10)
    finally:
        client.disconnect()
        client.loop_stop()


async def test_an_mqtt_login_is_no_login_for_nats(tmp_path: Path) -> None:
    server = EmbeddedServer(tmp_path, mqtt_settings())
    await server.start()
    answer = await answer_to_login(server.url, {"user": "meter", "pass": "m3ter"})
    assert b"Authorization Violation" in answer
    await server.stop()


PARENT = """
import asyncio, sys
from pathlib import Path
from crossdock.mesh.embedded import EmbeddedServer
from crossdock.mesh.project.settings import BrokerSettings

async def main():
    server = EmbeddedServer(Path(sys.argv[1]), BrokerSettings())
    await server.start()
    print(server.child.pid, flush=True)
    await asyncio.sleep(600)

asyncio.run(main())
"""


@pytest.mark.fault
@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's parent-death signal is Linux's")
async def test_the_server_dies_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(tmp_path), stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    pid = int(await parent.stdout.readline())
    assert psutil.pid_exists(pid)
    parent.kill()
    await parent.communicate()
    await eventually(lambda: is_gone(pid))
    again = EmbeddedServer(tmp_path, BrokerSettings())  # and the store is free for the next run
    await again.start()
    await again.stop()
