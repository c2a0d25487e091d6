"""The web shop sends its orders by HTTP, on many connections at once."""

from __future__ import annotations

import http.client
import queue
import threading
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Final

import msgspec

from play.orders import Order
from play.threads import SendingFailedError, run_all

CONNECTIONS: Final = 32
_ATTEMPTS: Final = 10
_PATH: Final = "/v1/messages/sales.order.placed"


class Answers(msgspec.Struct, kw_only=True):
    """What the gateway answered.

    Attributes:
        accepted: Number of each accepted order, by the id of its message.
        repeats: How many orders were sent a second time, and were the same message.
        refused: Errors of each refused order, by its number.
    """

    accepted: dict[str, str] = {}
    repeats: int = 0
    refused: dict[str, list[dict[str, Any]]] = {}


class Shop:
    """The shop's client of the gateway: a thread for each of its connections."""

    def __init__(self, url: str, key: str, advance: Callable[[], None]) -> None:
        """Remember where to send.

        Args:
            url: URL of the gateway.
            key: API key.
            advance: Called after each order.
        """
        self.answers = Answers()
        self._address = url.removeprefix("http://")
        self._headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
        self._advance = advance
        self._orders = queue.SimpleQueue[Order]()

    async def send(self, orders: list[Order]) -> Answers:
        """Send orders, and return what was answered.

        Raises:
            SendingFailedError: The gateway answered something unexpected, or not at all.
        """
        for order in orders:
            self._orders.put(order)
        await run_all([self._send_some] * CONNECTIONS)
        return self.answers

    def _send_some(self, stop: threading.Event) -> None:
        connection = http.client.HTTPConnection(self._address, timeout=30)
        try:
            while not stop.is_set():
                order = self._orders.get_nowait()
                for _ in range(2 if order.repeated else 1):
                    self._note(order, *self._post(connection, order, stop))
                self._advance()
        except queue.Empty:
            return
        except (OSError, http.client.HTTPException) as error:
            raise SendingFailedError(
                f"the gateway does not answer: {type(error).__name__}: {error}"
            ) from error
        finally:
            connection.close()

    def _post(
        self, connection: http.client.HTTPConnection, order: Order, stop: threading.Event
    ) -> tuple[int, Any]:
        """Send one order until there is an answer: the key makes a repeat the same message."""
        body = msgspec.json.encode(order.body)
        headers = self._headers | {"idempotency-key": order.number}
        for _ in range(_ATTEMPTS):
            connection.request("POST", _PATH, body, headers)
            answer = connection.getresponse()
            content = msgspec.json.decode(answer.read())
            if answer.status != HTTPStatus.SERVICE_UNAVAILABLE:
                break
            stop.wait(float(answer.headers.get("retry-after", "1")))
        return answer.status, content

    def _note(self, order: Order, status: int, content: dict[str, Any]) -> None:
        match status:
            case HTTPStatus.ACCEPTED:
                if content["id"] in self.answers.accepted:
                    self.answers.repeats += 1
                self.answers.accepted[content["id"]] = order.number
            case HTTPStatus.BAD_REQUEST:
                self.answers.refused[order.number] = content["errors"]
            case _:
                raise SendingFailedError(
                    f"order {order.number}: the gateway answered {status}: {content.get('detail')}"
                )
