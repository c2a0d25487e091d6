"""`mqtt-in` and `mqtt-out`: acknowledgements, crashes, rights, bounds."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from crossdock.contracts import CrossdockError, Disconnected, Halt, Reject
from crossdock.mesh.project.scalars import Secret, Size
from crossdock.workers.adapter import Delivery, Received, WorkerContext
from crossdock.workers.mqtt import connection
from crossdock.workers.mqtt.settings import TlsSettings
from crossdock.workers.mqtt_in import MqttInSettings, MqttSource
from crossdock.workers.mqtt_out import MqttOutSettings, MqttSink, sink
from peers.mosquitto import Mosquitto
from peers.mqtt_clients import Listener, NatsMqtt, publish

pytestmark = pytest.mark.peer


def source_on(port: int, batch: int = 100, folder: Path = Path(), **settings: Any) -> MqttSource:  # noqa: ANN401 - any setting
    known: dict[str, Any] = {"host": "127.0.0.1", "port": port, "topics": ("meters/#",)}
    context = WorkerContext(mesh="test", worker="meters", folder=folder, batch=batch)
    return MqttSource(MqttInSettings(**{**known, **settings}), context)


def sink_on(port: int, **settings: Any) -> MqttSink:  # noqa: ANN401 - any setting
    known: dict[str, Any] = {"host": "127.0.0.1", "port": port}
    context = WorkerContext(mesh="test", worker="alerts", folder=Path())
    return MqttSink(MqttOutSettings(**{**known, **settings}), context)


def delivery(number: int, **fields: Any) -> Delivery:  # noqa: ANN401 - any JSON value
    value = {"number": number, **fields}
    return Delivery(id=f"id-{number}", type="test.alert.raised", value=value)


@asynccontextmanager
async def opened(worker: Any) -> AsyncIterator[Any]:  # noqa: ANN401 - a source or a sink
    try:
        await worker.open()
        yield worker
    finally:
        await worker.close()


async def until(source: MqttSource, count: int) -> list[Received]:
    received: list[Received] = []
    async with asyncio.timeout(20):
        while len(received) < count:
            received += await source.receive()
    return received


async def reopened(worker: MqttSource | MqttSink) -> None:
    """Open again, as the runtime does, until the broker is back."""
    async with asyncio.timeout(30):
        while True:
            try:
                await worker.close()
                await worker.open()
            except CrossdockError:
                await asyncio.sleep(0.02)  # the delay of a failure policy
            else:
                return


def number(received: Received) -> int:
    return int(received.value["payload"])


async def test_no_puback_is_sent_before_the_message_is_acknowledged(mosquitto: Mosquitto) -> None:
    source = source_on(mosquitto.port, batch=1, protocol="5")  # a window of four messages
    async with opened(source):
        await publish(mosquitto.port, "meters/1", [str(each) for each in range(10)])
        first = await until(source, 4)
        assert await source.receive() == []  # the broker waits for a PUBACK
        await source.acknowledge(first[:1])
        assert [number(each) for each in await until(source, 1)] == [4]


@pytest.mark.fault
async def test_kill_9_of_the_broker_loses_nothing_that_was_not_acknowledged(
    mosquitto: Mosquitto,
) -> None:
    source = source_on(mosquitto.port)
    async with opened(source):
        await publish(mosquitto.port, "meters/1", [str(each) for each in range(10)])
        received = await until(source, 10)
        await source.acknowledge(received[:3])
        await source.close()  # the broker has read the PUBACKs
        await source.open()
        await until(source, 7)
        await publish(mosquitto.port, "meters/1", ["10"])
        await asyncio.to_thread(mosquitto.save)  # what it did not write, its crash forgets
        mosquitto.kill()
        with pytest.raises(Disconnected):
            await until(source, 100)
        mosquitto.start()
        await reopened(source)
        again = await until(source, 8)
        assert [number(each) for each in again] == [*range(3, 10), 10]


async def test_what_cannot_be_read_is_an_error_with_its_bytes_and_stops_no_other(
    mosquitto: Mosquitto,
) -> None:
    source = source_on(mosquitto.port, max_payload=Size(10))
    async with opened(source):
        await publish(mosquitto.port, "meters/1", [b"{no", b"", b"[1,2,3,4,5,6]", b"\xff", b"7"])
        broken = await until(source, 5)
    assert [each.error for each in broken] == [
        "the payload is not JSON",
        "the payload is empty",
        "the payload has 13 bytes, max_payload is 10: it is cut",
        "the payload is not JSON",
        None,
    ]
    assert [each.raw for each in broken] == [b"{no", b"", b"[1,2,3,4,5", b"\xff", b"7"]
    assert broken[4].value == {"topic": "meters/1", "segments": ["meters", "1"], "payload": 7}


async def test_nats_sends_again_on_the_same_connection_and_the_message_is_received_once(
    tmp_path: Path,
) -> None:
    server = NatsMqtt(tmp_path, options=', ack_wait: "300ms"')
    server.start()
    try:
        source = source_on(server.port)
        async with opened(source):
            await publish(server.port, "meters/1", ["1", "2"])
            received = await until(source, 2)
            assert await source.receive() == []  # a second, in which they were sent again
            await source.acknowledge(received)
            assert await source.receive() == []
    finally:
        server.kill()


async def test_replicas_share_the_messages_of_a_shared_subscription(mosquitto: Mosquitto) -> None:
    topics = ("$share/group/meters/#",)
    first = source_on(mosquitto.port, topics=topics, client_id="first")
    second = source_on(mosquitto.port, topics=topics, client_id="second")
    async with opened(first), opened(second):
        await publish(mosquitto.port, "meters/1", [str(each) for each in range(10)])
        both = [await until(first, 5), await until(second, 5)]
    numbers = [number(each) for received in both for each in received]
    assert sorted(numbers) == list(range(10))


async def test_a_session_that_another_client_takes_over_is_disconnected(
    mosquitto: Mosquitto,
) -> None:
    first, second = source_on(mosquitto.port), source_on(mosquitto.port)
    async with opened(first), opened(second):
        with pytest.raises(Disconnected):
            await until(first, 1)


async def test_an_acknowledgement_from_an_earlier_connection_is_not_sent_on_a_later_one(
    mosquitto: Mosquitto,
) -> None:
    source = source_on(mosquitto.port)
    async with opened(source):
        await publish(mosquitto.port, "meters/1", ["1"])
        old = await until(source, 1)
        await source.close()
        await source.open()
        await source.acknowledge(old)
        await source.close()
        await source.open()
        assert [number(each) for each in await until(source, 1)] == [1]


async def test_close_waits_until_the_broker_has_read_the_acknowledgements(
    mosquitto: Mosquitto,
) -> None:
    source = source_on(mosquitto.port)
    async with opened(source):
        await publish(mosquitto.port, "meters/1", ["1"])
        await source.acknowledge(await until(source, 1))
        mosquitto.signal(signal.SIGSTOP)
        closing = asyncio.ensure_future(source.close())
        await asyncio.wait([closing], timeout=0.3)
        assert not closing.done()
        mosquitto.signal(signal.SIGCONT)
        await closing


def with_rights(folder: Path, rights: str) -> str:
    """Return the lines of a mosquitto configuration with one user and what it may do."""
    passwords = folder / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), "worker", "right"], check=True)
    (folder / "acl").write_text(f"user worker\n{rights}\n")
    return f"allow_anonymous false\npassword_file {passwords}\nacl_file {folder}/acl"


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
async def test_a_wrong_password_is_disconnected_and_is_not_told(
    protocol: str, tmp_path: Path
) -> None:
    server = Mosquitto(tmp_path / "m", extra=with_rights(tmp_path, "topic readwrite #"))
    server.start()
    try:
        source = source_on(
            server.port, user="worker", password=Secret("wrong-one"), protocol=protocol
        )
        with pytest.raises(Disconnected) as caught:
            await source.open()
        await source.close()
        assert "wrong-one" not in f"{caught.value!r}{caught.value.__cause__!r}"
        right = source_on(server.port, user="worker", password=Secret("right"), protocol=protocol)
        async with opened(right):
            pass
    finally:
        server.kill()


async def test_mqtt_5_says_that_a_topic_is_not_allowed_and_it_is_not_taken_for_delivered(
    tmp_path: Path,
) -> None:
    server = Mosquitto(tmp_path / "m", extra=with_rights(tmp_path, "topic readwrite alerts/a"))
    server.start()
    login: dict[str, Any] = {"user": "worker", "password": Secret("right"), "protocol": "5"}
    try:
        async with opened(sink_on(server.port, topic="alerts/b", **login)) as fixed:
            (result,) = await fixed.deliver([delivery(1)])
            assert isinstance(result, Halt)
        async with opened(sink_on(server.port, topic_field="to", **login)) as free:
            results = await free.deliver([delivery(1, to="alerts/a"), delivery(2, to="alerts/b")])
        assert results[0] is None
        assert isinstance(results[1], Reject)
    finally:
        server.kill()


async def test_a_sink_publishes_without_the_topic_field_and_refuses_what_is_no_topic(
    mosquitto: Mosquitto,
) -> None:
    listener = Listener(mosquitto.port, "alerts/#")
    await listener.again()
    bad: list[object] = ["alerts/#", "alerts/\0", "", "$SYS/x", 7, None, "a" * 70_000]
    async with opened(sink_on(mosquitto.port, topic_field="to", max_payload=Size(1000))) as sink_:
        batch = [delivery(i, to=topic) for i, topic in enumerate(bad)]
        batch.append(delivery(98, to="alerts/big", text="x" * 2000))
        batch.append(delivery(99, to="alerts/good"))
        results = await sink_.deliver(batch)
    assert [type(each) for each in results] == [Reject] * (len(bad) + 1) + [type(None)]
    payloads = [json.loads(each) for each in await listener.payloads()]
    await listener.stop()
    assert payloads == [{"number": 99}]
    assert listener.messages[0][0] == "alerts/good"


@pytest.mark.fault
async def test_a_frozen_broker_is_disconnected_and_holds_up_no_close(
    mosquitto: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sink, "_PATIENCE", 0.3)
    monkeypatch.setattr(connection, "_GOODBYE", 0.3)
    monkeypatch.setattr(connection, "_PATIENCE", 0.5)
    alerts = sink_on(mosquitto.port, topic="alerts/a")
    await alerts.open()
    mosquitto.signal(signal.SIGSTOP)
    (result,) = await alerts.deliver([delivery(1)])
    assert isinstance(result, Disconnected)
    async with asyncio.timeout(5):
        await alerts.close()
        with pytest.raises(Disconnected):
            await alerts.open()
        await alerts.close()
    mosquitto.signal(signal.SIGCONT)
    await reopened(alerts)
    assert await alerts.deliver([delivery(1)]) == [None]
    await alerts.close()


@pytest.mark.fault
async def test_kill_9_of_the_broker_under_a_sink_loses_no_message(mosquitto: Mosquitto) -> None:
    alerts = sink_on(mosquitto.port, topic="alerts/a")
    await alerts.open()
    batch = [delivery(i) for i in range(2000)]
    going = asyncio.ensure_future(alerts.deliver(batch))
    await asyncio.wait([going], timeout=0.02)
    mosquitto.kill()
    results = await going
    assert {type(each) for each in results} <= {type(None), Disconnected}
    mosquitto.start()
    await reopened(alerts)
    rest = [each for each, result in zip(batch, results, strict=True) if result is not None]
    assert not any(await alerts.deliver(rest))
    await alerts.close()


def certificate(folder: Path, name: str) -> None:
    """Make a certificate for 127.0.0.1 that signs itself."""
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.crt")),
            *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
        ],
        check=True,
        capture_output=True,
    )


# paho leaves closing a socket whose handshake failed to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
async def test_tls_is_used_and_a_certificate_that_is_not_trusted_is_refused(
    tmp_path: Path,
) -> None:
    for name in ("broker", "other"):
        certificate(tmp_path, name)
    files = f"certfile {tmp_path}/broker.crt\nkeyfile {tmp_path}/broker.key"
    server = Mosquitto(tmp_path / "m", extra=files)
    server.start()
    try:
        source = source_on(server.port, folder=tmp_path, tls=TlsSettings(ca="broker.crt"))
        async with opened(source):
            pass
        for tls in (TlsSettings(ca="other.crt"), TlsSettings()):
            wary = source_on(server.port, folder=tmp_path, tls=tls)
            with pytest.raises(Disconnected, match="SSLCertVerificationError"):
                await wary.open()
            await wary.close()
        lost = source_on(server.port, folder=tmp_path, tls=TlsSettings(ca="missing.crt"))
        with pytest.raises(Halt, match="settings/tls"):
            await lost.open()
    finally:
        server.kill()
