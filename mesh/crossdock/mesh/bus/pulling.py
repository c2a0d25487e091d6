"""Pulling from a durable consumer: bounded, for ever, and noticing when it has gone.

One pull request is open at a time, with idle heartbeats. The traps this closes: a request that the
server forgot (restart, reconnect, new leader) is noticed when the connection is back or by missing
heartbeats, a consumer that was deleted or changed is made again, a disconnection of any length is
waited out.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from typing import Any

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.errors import Error as NatsError

from crossdock.mesh.bus.consumer_spec import NANOSECONDS, PINNED, ConsumerSpec
from crossdock.mesh.bus.consumers import SINCE, since_of
from crossdock.mesh.bus.crowd import Crowd
from crossdock.mesh.bus.incoming import Incoming

_log = logging.getLogger("crossdock.bus")

_BEATS = 15  # a request expires after so many
_PAUSE = 0.5
_NOTHING_NOW = frozenset({"404", "408"})
_NOT_KNOWN = 2**53


class Puller:
    """Receives from one durable consumer; any number of pullers share its messages.

    Attributes:
        spec: The consumer.
        prefetch: Most messages that one request asks for, and that are handed out at once; may be
            changed.
        repaired: How often the consumer was gone and was made again.
    """

    def __init__(
        self, client: Client, crowd: Crowd, spec: ConsumerSpec, *, prefetch: int = 500
    ) -> None:
        self._client = client
        self._crowd = crowd
        self.prefetch = prefetch
        self.spec = spec
        self._inbox = client.new_inbox()
        self._subscription: Subscription | None = None
        self._buffer: deque[Incoming] = deque()
        self._arrived = asyncio.Event()
        self._ended = False
        self._open = 0  # messages that the open request may still bring
        self._last_sign = 0.0
        self._beat = crowd.beat()
        self._suspect = False  # the consumer may have gone: look before asking again
        self._highest = 0
        self.repaired = 0
        crowd.join(self)

    async def start(self) -> None:
        """Create or update the consumer and listen.

        Raises:
            NatsError: When the broker does not answer.
        """
        await self.ensure()
        self._ended = False
        self._open = 0
        self._inbox = self._client.new_inbox()  # what was asked for before comes to nobody
        self._crowd.listen(self)
        self._subscription = await self._client.subscribe(f"{self._inbox}.*", cb=self._on_message)

    async def next(self, most: int, wait: float) -> list[Incoming]:
        """Return what has come, at most so many; waits up to so many seconds for the first.

        Never raises for the broker's sake: while it is away, this waits and returns nothing.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + wait
        while not self._buffer:
            if self._ended:
                return []
            await self._keep_asking()
            left = deadline - loop.time()
            if left <= 0:
                return []
            self._arrived.clear()
            try:
                async with asyncio.timeout(left):
                    await self._arrived.wait()
            except TimeoutError:
                continue
        taken = [self._buffer.popleft() for _ in range(min(most, self.prefetch, len(self._buffer)))]
        if len(self._buffer) < self.prefetch:  # ask for the next while these are worked on
            await self._keep_asking()
        return taken

    def held(self) -> list[Incoming]:
        """Return what was received and not yet handed out."""
        return list(self._buffer)

    @property
    def listening(self) -> bool:
        """Whether it may receive more: between :meth:`start` and :meth:`drain`."""
        return self._subscription is not None

    def doubt(self) -> None:
        """Take the open request as lost, and see to the consumer before the next one."""
        self._open = 0
        self._suspect = True
        self._arrived.set()

    async def visit(self) -> None:
        """Let whoever waits in :meth:`next` ask again when nothing is asked for any more."""
        if self._open <= 0 or self._overdue:
            self._arrived.set()

    @property
    def _overdue(self) -> bool:
        quiet = asyncio.get_running_loop().time() - self._last_sign
        return quiet > 2 * self._beat + _PAUSE

    async def drain(self) -> None:
        """Ask for nothing more; what the broker has sent is still handed out. Safe twice.

        It may be started again.
        """
        self._crowd.leave(self)
        subscription, self._subscription = self._subscription, None
        if subscription is None:
            return
        try:
            await subscription.drain()  # type: ignore[no-untyped-call] # nats-py
        except (NatsError, TimeoutError):
            _log.info("consumer not drained", extra={"consumer": self.spec.durable})
        self._ended = True
        self._arrived.set()

    async def give_back(self) -> None:
        """Return to the broker what was received and not handed out."""
        with contextlib.suppress(NatsError):
            while self._buffer:
                await self._buffer.popleft().nak(0.01)

    async def stop(self) -> None:
        """Stop listening and give back what was received and not handed out. Safe twice."""
        await self.drain()
        await self.give_back()
        with contextlib.suppress(NatsError, TimeoutError):
            await self._client.flush(timeout=2)

    async def ensure(self) -> None:
        """Create the consumer, or bring it back to what it should be.

        Raises:
            NatsError: When the broker does not answer or refuses.
        """
        async with self._crowd.seeing:
            await self._see_to()

    async def _see_to(self) -> None:
        info = await self._api(f"CONSUMER.INFO.{self._name}", {})
        if "error" in info:
            await self._make()
            return
        found = info["config"]
        wanted = found | {
            key: value
            for key, value in self.spec.config(None).items()
            if key not in ("deliver_policy", "opt_start_seq", "num_replicas")
        }
        wanted.pop("filter_subject", None)
        if not self.spec.pinned:
            wanted = {key: value for key, value in wanted.items() if key not in PINNED}
        if wanted != found:
            await self._put(wanted | {"metadata": found.get("metadata", {}) | _since(_NOT_KNOWN)})
            await self._mark_changed(wanted)
        elif since_of(found, _NOT_KNOWN) == _NOT_KNOWN:  # whoever changed it ended in between
            await self._mark_changed(wanted)

    async def _make(self) -> None:
        if self._highest:
            self.repaired += 1
            _log.error("consumer was gone; made again", extra={"consumer": self.spec.durable})
        wanted = self.spec.config(self._highest or None)
        made = await self._put(wanted)
        begin = made["delivered"]["stream_seq"] + 1
        await self._put(
            made["config"] | {"metadata": made["config"].get("metadata", {}) | _since(begin)}
        )

    async def _mark_changed(self, config: dict[str, Any]) -> None:
        """Note from where on the filters of now hold: what came before is not owed by them."""
        state = (await self._api(f"STREAM.INFO.{self.spec.stream}", {}))["state"]
        since = _since(state["last_seq"] + 1)
        await self._put(config | {"metadata": config.get("metadata", {}) | since})

    async def _put(self, config: dict[str, Any]) -> dict[str, Any]:
        answer = await self._api(
            f"CONSUMER.CREATE.{self._name}", {"stream_name": self.spec.stream, "config": config}
        )
        if "error" in answer:
            raise NatsError(f"consumer {self.spec.durable}: {answer['error'].get('description')}")
        return answer

    @property
    def _name(self) -> str:
        return f"{self.spec.stream}.{self.spec.durable}"

    async def _api(self, verb: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await self._client.request(f"$JS.API.{verb}", msgspec.json.encode(body), timeout=3)
        result: dict[str, Any] = msgspec.json.decode(answer.data)
        return result

    async def _keep_asking(self) -> None:
        if self._open > 0 and self._overdue:
            self._open = 0
            self._suspect = True
        if self._open > 0 or self._subscription is None:
            return
        if not self._client.is_connected:
            await asyncio.sleep(_PAUSE)
            return
        try:
            if self._suspect:
                await self.ensure()
                self._suspect = False
            await self._ask()
        except NatsError as error:
            _log.warning(
                "cannot pull yet",
                extra={"consumer": self.spec.durable, "why": type(error).__name__},
            )
            self._suspect = True
            await asyncio.sleep(_PAUSE)

    async def _ask(self) -> None:
        self._beat = self._crowd.beat()
        request = {
            "batch": self.prefetch,
            "expires": int(_BEATS * self._beat * NANOSECONDS),
            "idle_heartbeat": int(self._beat * NANOSECONDS),
        }
        subject = f"$JS.API.CONSUMER.MSG.NEXT.{self.spec.stream}.{self.spec.durable}"
        self._open = self.prefetch
        self._last_sign = asyncio.get_running_loop().time()
        await self._client.publish(subject, msgspec.json.encode(request), reply=f"{self._inbox}.1")

    async def _on_message(self, msg: Msg) -> None:
        self._last_sign = asyncio.get_running_loop().time()
        if not msg.reply:  # a status, no delivery
            if msg.subject.startswith(self._inbox):
                self._on_status((msg.headers or {}).get("Status", ""))
            return
        incoming = Incoming(msg)
        self._highest = max(self._highest, incoming.sequence)
        self._buffer.append(incoming)
        self._open -= 1
        self._arrived.set()

    def _on_status(self, status: str) -> None:
        if status == "100":
            return
        self._open = 0
        if status not in _NOTHING_NOW:  # 409, 503: deleted, changed, leader moved, shutting down
            self._suspect = True
        self._arrived.set()


def _since(sequence: int) -> dict[str, str]:
    return {SINCE: str(sequence)}
