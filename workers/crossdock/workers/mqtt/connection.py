"""One connection to an MQTT broker: paho-mqtt on its own thread, seen from the event loop."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import msgspec
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from crossdock.contracts import Disconnected, Halt
from crossdock.workers.mqtt.settings import MqttSettings

log = logging.getLogger("crossdock.workers.mqtt")

_PATIENCE: Final = 10.0  # seconds for connecting, and for an answer to a subscription
_GOODBYE: Final = 2.0  # seconds for leaving in good order
_IN_FLIGHT: Final = 100  # messages that are published and not acknowledged yet
_NO_ONES_FILTER: Final = "crossdock/no-ones"
_MISCONFIGURED: Final = {132, 133}  # CONNACK: protocol version, client identifier


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """What the broker keeps for a client.

    Attributes:
        client_id: Its name.
        keep: Seconds that MQTT 5 keeps it without a connection (3.1.1: for ever); 0 for a new one
            each time.
        window: Most messages that are here and not taken yet (I8).
    """

    client_id: str
    keep: float = 0
    window: int = 1


class Connection:
    """A connection that is opened once, used, and thrown away."""

    def __init__(
        self,
        settings: MqttSettings,
        session: Session,
        folder: Path,
        on_message: Callable[[MQTTMessage], None] | None = None,
    ) -> None:
        """Start nothing yet.

        Args:
            settings: Where to connect.
            session: What the broker keeps.
            folder: Where relative paths start.
            on_message: Called in the event loop for each message. Before each further message,
                :meth:`taken` must have been called for one, once ``window`` are here.
        """
        self._settings = settings
        self._session = session
        self._on_message = on_message
        self._loop = asyncio.get_running_loop()
        self._answers: dict[int, asyncio.Future[list[ReasonCode]]] = {}
        self._connected: asyncio.Future[ReasonCode] = self._loop.create_future()
        self._closing = threading.Event()
        self._room = threading.Semaphore(session.window)
        self.lost = asyncio.Event()
        self._client = self._new_client(folder)

    @property
    def _name(self) -> str:
        return "MQTT broker {}:{}".format(*self._settings.address)

    async def open(self) -> None:
        """Connect and log in.

        Raises:
            Disconnected: When the broker cannot be reached, or does not let us in.
            Halt: When it can never let us in so.
        """
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._loop.run_in_executor(None, self._connect)
                self._client.loop_start()
                answer = await self._connected
        except (OSError, TimeoutError) as error:
            raise Disconnected(f"{self._name}: cannot connect ({type(error).__name__})") from error
        if answer.value in _MISCONFIGURED:
            raise Halt(f"{self._name} refuses: {answer}")
        if answer.is_failure:
            raise Disconnected(f"{self._name} refuses: {answer}")

    async def subscribe(self, filters: Sequence[str]) -> None:
        """Subscribe with QoS 1.

        Raises:
            Halt: When the broker does not allow it.
        """
        code, mid = self._client.subscribe([(each, 1) for each in filters])
        try:
            async with asyncio.timeout(_PATIENCE):
                answers = await self._answer(code, mid)
        except TimeoutError as error:
            raise Disconnected(f"{self._name}: no answer to a subscription") from error
        for text, answer in zip(filters, answers, strict=True):
            if (
                answer.value != 1
            ):  # without QoS 1 nothing comes again that was not acknowledged (I1)
                raise Halt(f"{self._name} does not grant {text!r} with QoS 1: {answer}")

    def publish(
        self, topic: str, payload: bytes, *, retain: bool
    ) -> asyncio.Future[list[ReasonCode]]:
        """Publish with QoS 1; what is returned has the reason code of the PUBACK.

        Raises:
            Disconnected: When there is no connection.
        """
        info = self._client.publish(topic, payload, qos=1, retain=retain)
        return self._answer(info.rc, info.mid)

    def acknowledge(self, mids: Sequence[int]) -> None:
        """Send a PUBACK for each, in this order, as MQTT asks for.

        Raises:
            Disconnected: When there is no connection: the broker will send them again.
        """
        if self.lost.is_set():
            raise self.gone()
        for mid in mids:
            self._client.ack(mid, 1)

    def taken(self) -> None:
        """Make room for one more message."""
        self._room.release()

    def gone(self) -> Disconnected:
        """Return the error for a lost connection."""
        return Disconnected(f"{self._name}: the connection is lost")

    async def close(self) -> None:
        """Send what is waiting, say goodbye, and end the thread; also when the broker is frozen."""
        self._closing.set()
        if self._session.keep and self._connected.done() and not self.lost.is_set():
            await self._fence()
        if self._client.disconnect() == MQTTErrorCode.MQTT_ERR_SUCCESS:
            try:
                async with asyncio.timeout(_GOODBYE):
                    await self.lost.wait()
            except TimeoutError:
                self._sever()
        await self._loop.run_in_executor(None, self._client.loop_stop)

    async def _fence(self) -> None:
        """Wait until the broker has read our PUBACKs, which have no answer of their own.

        It answers packets in order, and leaving a filter that no one has changes nothing. Without
        this, a new connection may take the session over before the last PUBACKs are read.
        """
        code, mid = self._client.unsubscribe(_NO_ONES_FILTER)
        with suppress(Disconnected, TimeoutError):
            async with asyncio.timeout(_GOODBYE):
                await self._answer(code, mid)

    def _new_client(self, folder: Path) -> Client:
        settings, is_5 = self._settings, self._settings.protocol == "5"
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._session.client_id,
            clean_session=None if is_5 else self._session.keep == 0,
            protocol=MQTTProtocolVersion.MQTTv5 if is_5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,  # the runtime reconnects
            manual_ack=True,  # I1
        )
        client.connect_timeout = _PATIENCE
        client.max_inflight_messages_set(_IN_FLIGHT)
        if settings.user is not None:
            client.username_pw_set(
                settings.user, settings.password.reveal() if settings.password else None
            )
        if settings.tls is not None:
            client.tls_set_context(_tls_context(settings, folder))
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = client.on_unsubscribe = self._on_subscription
        client.on_publish = self._on_publish
        client.on_message = self._on_arrival
        return client

    def _connect(self) -> None:
        host, port = self._settings.address
        keepalive = int(self._settings.keepalive)
        if self._settings.protocol == "5":
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call] # paho's
            properties.SessionExpiryInterval = int(self._session.keep)
            properties.ReceiveMaximum = min(self._session.window, 2**16 - 1)
            self._client.connect(
                host,
                port,
                keepalive,
                clean_start=self._session.keep == 0,
                properties=properties,
            )
        else:
            self._client.connect(host, port, keepalive)

    def _answer(self, code: MQTTErrorCode, mid: int | None) -> asyncio.Future[list[ReasonCode]]:
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS or mid is None or self.lost.is_set():
            raise self.gone()
        answer: asyncio.Future[list[ReasonCode]] = self._loop.create_future()
        self._answers[mid] = answer
        return answer

    # What follows is called in paho's thread.

    def _on_connect(self, _c: Any, _u: Any, _flags: Any, code: ReasonCode, _p: Any) -> None:  # noqa: ANN401 - paho's own signature
        self._loop.call_soon_threadsafe(_resolve, self._connected, code)

    def _on_disconnect(self, _c: Any, _u: Any, _flags: Any, _code: Any, _p: Any) -> None:  # noqa: ANN401 - same
        self._loop.call_soon_threadsafe(self._lose)

    def _on_subscription(self, *told: Any) -> None:  # noqa: ANN401 - same
        _client, _userdata, mid, codes, _properties = told
        self._loop.call_soon_threadsafe(self._settle, mid, codes)

    def _on_publish(self, _c: Any, _u: Any, mid: int, code: ReasonCode, _p: Any) -> None:  # noqa: ANN401 - same
        self._loop.call_soon_threadsafe(self._settle, mid, [code])

    def _on_arrival(self, _c: Any, _u: Any, message: MQTTMessage) -> None:  # noqa: ANN401 - same
        # Not reading on is what holds the broker back, when it has no window of its own (I8).
        while not self._room.acquire(timeout=0.2):
            if self._closing.is_set():
                return
        if self._on_message is not None:
            self._loop.call_soon_threadsafe(self._on_message, message)

    # What follows is called in the event loop again.

    def _settle(self, mid: int, codes: list[ReasonCode]) -> None:
        if (answer := self._answers.pop(mid, None)) is not None:
            _resolve(answer, codes)

    def _lose(self) -> None:
        self.lost.set()
        answers: list[asyncio.Future[Any]] = [self._connected, *self._answers.values()]
        for answer in answers:
            if not answer.done():
                answer.set_exception(self.gone())
                answer.exception()  # it was seen, also when its publisher is gone
        self._answers.clear()

    def _sever(self) -> None:
        if isinstance(wire := self._client.socket(), socket.socket):
            with suppress(OSError):  # it was lost in the meantime
                wire.shutdown(socket.SHUT_RDWR)


def _resolve(future: asyncio.Future[Any], value: object) -> None:
    if not future.done():
        future.set_result(value)


def _tls_context(settings: MqttSettings, folder: Path) -> ssl.SSLContext:
    tls = settings.tls
    assert tls is not None  # noqa: S101 - narrows a type: asked for only with TLS
    try:
        context = ssl.create_default_context(cafile=str(folder / tls.ca) if tls.ca else None)
        if tls.certificate and tls.key:
            context.load_cert_chain(folder / tls.certificate, folder / tls.key)
    except OSError as error:  # ssl.SSLError is one
        raise Halt(
            f"settings/tls: a file cannot be used ({error.strerror}): check ca, certificate, key"
        ) from error
    return context
