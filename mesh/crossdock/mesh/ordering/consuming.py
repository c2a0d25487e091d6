"""The consuming loop of a component with an order key (I7).

Of all replicas the broker pins one (:mod:`crossdock.mesh.bus.pinning`); the others stand by. In the
one, each key is a lane: of its messages one is worked on, the next begins when that one has had its
effect or is a dead letter. A message that must be tried again is kept here, with signs of life, and
so are those behind it; other keys go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Coroutine
from time import monotonic
from typing import Final

from nats.errors import Error as NatsError

from crossdock.contracts import Disconnected
from crossdock.mesh.bus import Bus, ConsumerSpec, Incoming, PinnedPuller
from crossdock.mesh.component import Component, Handler, Observer
from crossdock.mesh.consuming import Consuming
from crossdock.mesh.control import Permit
from crossdock.mesh.fail_points import reach
from crossdock.mesh.ordering.bodies import Bodies
from crossdock.mesh.ordering.keying import key_of
from crossdock.mesh.ordering.lanes import Identity, Item, Lanes
from crossdock.mesh.ordering.takeover import Takeover

_log = logging.getLogger("crossdock.ordering")

MOST_WAITING: Final = 10_000
"""Messages in hand, over all keys: at so many the broker gives no new ones (I8)."""
_REMEMBERED: Final = 20_000
_FROZEN: Final = 4.0
_TURN: Final = 0.5
_LOOK: Final = 0.2
_SOON: Final = 1.0


class OrderedConsuming(Consuming):
    """Consumes for one component, the messages of a key one after another."""

    def __init__(
        self,
        bus: Bus,
        component: Component,
        spec: ConsumerSpec,
        handler: Handler,
        observe: Observer,
        permit: Permit | None = None,
    ) -> None:
        """Take nothing yet; the component has a key, and the consumer of ``spec`` is pinned."""
        super().__init__(bus, component, spec, handler, observe, permit)
        self._lanes = Lanes()
        self._bodies = Bodies(bus, component.kind)
        self._takeover = Takeover(spec.ack_wait)
        self._settled: OrderedDict[Identity, None] = OrderedDict()
        self._turned = asyncio.Event()
        self._looked = 0.0
        self._beat = 0.0
        self._forgotten = 0

    @property
    def active(self) -> bool:
        """Whether this replica is the one that works."""
        return self._pinned.pinned

    def waiting_keys(self) -> int:
        """Return how many keys wait for a message that has to be tried again."""
        return len(self._lanes.waiting)

    def oldest_wait(self) -> float:
        """Return for how many seconds the one that waits longest has been waiting."""
        since = [item.since for item in self._lanes.waiting]
        return monotonic() - min(since) if since else 0.0

    async def run(self) -> None:
        """Consume until :meth:`stop`; what must wait is given back to the broker then."""
        self._takeover = Takeover(self._pinned.spec.ack_wait)
        self._forget()
        self._beat = monotonic()
        try:
            await super().run()
        finally:
            if self.state == "halted":  # a halted component touches no message
                self._forget()
            else:
                await self._give_back()

    def _make_puller(self, spec: ConsumerSpec) -> PinnedPuller:
        self._pinned = self._bus.pinned_puller(spec, prefetch=self._component.batch)
        return self._pinned

    def _tasks(self) -> list[Coroutine[None, None, None]]:
        return [self._take_in(), *(self._work_on() for _ in range(self._component.lanes))]

    async def _take_in(self) -> None:
        """Take deliveries in hand, no more than are needed to have something to work on."""
        while not self._leaving:
            if self._takeover.open or self._lanes.workable < 2 * self._batch:
                batch = await self._puller.next(self._admission.most, _TURN)
                for incoming in batch:
                    await self._hold(incoming)
                if not batch and self._drained:
                    break
                if not batch:
                    await self._rest()
            else:
                await self._wait(_TURN)
            self._forget_if_lost()
            await self._look()
        self._turned.set()

    async def _rest(self) -> None:
        """Wait a moment when there is nothing to come, because an operator wants it so.

        What another replica held does not come either then: so nothing could begin here.
        """
        if not self._puller.listening and self._takeover.open:
            await self._give_back()
        await self._admission.idle()

    async def _hold(self, incoming: Incoming) -> None:
        self._takeover.saw(incoming)
        if (incoming.sequence, incoming.timestamp) in self._settled:
            await self._acknowledge_again(incoming)
            return
        self._observe("taken", 1)
        held = self._lanes.find(incoming)
        if held is not None:  # the first delivery is as good: the broker goes by the message
            held.first = min(held.first, incoming.consumer_sequence)
            self._observe("retried", 1)
            return
        suspect = incoming.delivered > 1 and incoming.sequence not in self._known
        key, refused = await key_of(self._bus, self._component.key, incoming)
        item = Item(incoming, key, refused=refused, suspect=suspect)
        self._bodies.bound(item, self._lanes.bytes)
        self._lanes.add(item)
        self._held.add(incoming)
        self._turned.set()

    async def _acknowledge_again(self, incoming: Incoming) -> None:
        """Acknowledge what has had its effect here: the broker did not learn of it."""
        with contextlib.suppress(NatsError):
            await incoming.ack()

    async def _look(self) -> None:
        """While another replica may hold earlier messages, ask whether it still does."""
        now = monotonic()
        if not self._takeover.open or not self._lanes or now - self._looked < _LOOK:
            return
        self._looked = now
        try:
            unsettled = await self._pinned.unsettled()
        except Disconnected as error:
            _log.info("not yet", extra={"component": self.durable, "why": error.reason})
            return
        self._takeover.look(unsettled, self._lanes, monotonic())
        if not self._takeover.open:
            self._turned.set()

    async def _work_on(self) -> None:
        while batch := await self._next_batch():
            known = self._forgotten
            try:
                await self._admission.pace(len(batch))
                await self._admission.allowed()
                if self._may_begin and known == self._forgotten:
                    await self._begin(batch)
            finally:
                for item in batch:
                    self._end(item, stale=known != self._forgotten)
                self._turned.set()

    @property
    def _may_begin(self) -> bool:
        """Whether nobody else has earlier messages, as far as can be known."""
        return not self._takeover.open and self._pinned.pinned and not self._leaving

    async def _may_try(self, batch: list[Incoming]) -> bool:
        """Begin nothing, after a wait, that another replica may have been given meanwhile (I7)."""
        await self._breaker.allowed()
        if self._may_begin and self._held.issuperset(batch):
            return True
        self._breaker.gave_up()
        return False

    async def _next_batch(self) -> list[Item]:
        """Return what can be worked on now; nothing when there will be nothing more."""
        while not self._leaving:
            self._forget_if_lost()
            if self._may_begin and not self._admission.paused:
                most = self._breaker.most(min(self._batch, self._admission.most))
                taken = self._lanes.take(most, monotonic(), runs=self._component.runs)
                if taken:
                    self._turned.set()
                    return taken
            if self._drained:
                break
            await self._wait(min(_TURN, max(0.0, self._lanes.next_due - monotonic())))
        return []

    async def _begin(self, batch: list[Item]) -> None:
        reach("received")
        for item in batch:
            item.due = 0.0
            if item.refused is not None:
                await self._settle(item.incoming, item.refused, 1)
        good = [item for item in batch if item.refused is None]
        try:
            for item in await self._bodies.read(good):
                good.remove(item)
                self._observe("retried", 1)
                await item.incoming.ack()  # somebody has removed it from the stream
        except (Disconnected, NatsError):
            return  # again, soon
        if len(good) == 1 and good[0].suspect:
            good[0].suspect = False
            await self._try_suspect(good[0].incoming)
        elif good:
            await self._try([item.incoming for item in good])

    async def _try(self, batch: list[Incoming]) -> None:
        """Try them; without those, when one batch is tried part by part, whose turn it is not."""
        items = [item for each in batch if (item := self._lanes.find(each)) is not None]
        for item in self._lanes.overtaking(items):
            item.due = monotonic()  # again as soon as what is before it is through
            batch = [each for each in batch if each is not item.incoming]
        if batch:
            await super()._try(batch)

    def _end(self, item: Item, *, stale: bool) -> None:
        """Let the next of the key begin, or this one again later.

        Args:
            item: What was taken to work on.
            stale: Another replica may have been given it meanwhile.
        """
        now = monotonic()
        if not (item.incoming.settled or stale or self.state == "halted"):
            self._lanes.again(item, item.due or now + _SOON, now)
            return
        self._lanes.done(item, now)
        self._held.discard(item.incoming)
        if not item.incoming.settled:
            self._observe("retried", 1)
            return
        self._settled[item.identity] = None
        if len(self._settled) > _REMEMBERED:
            self._settled.popitem(last=False)

    async def _nak(self, incoming: Incoming, delay: float) -> None:
        """Keep it, instead of giving it back: what is behind it must not overtake it."""
        item = self._lanes.find(incoming)
        if item is not None:
            self._observe("taken", 1)  # as if it had gone and come again
            item.due = monotonic() + delay

    def _forget_if_lost(self) -> None:
        """Begin nothing more of what another replica may be given.

        It is given what we hold an acknowledgement wait after our last sign of life. Until half of
        it has gone by, we may still be pinned anew, as after a restart of the broker.
        """
        now = monotonic()
        lost = self._pinned.absence() > self._pinned.spec.ack_wait / 2
        frozen = self._beat and now - self._beat > self._bus.signs_of_life.every + _FROZEN
        if lost or frozen:
            self._forget()
            self._beat = self._beat and now

    def _forget(self) -> None:
        gone = self._lanes.forget()
        self._forgotten += 1
        self._takeover.open = True
        self._held.difference_update(item.incoming for item in gone)
        if gone:
            self._observe("retried", len(gone))

    async def _give_back(self) -> None:
        """Let another replica have what waits here, now and not after the acknowledgement wait."""
        for item in self._lanes.forget():
            self._observe("retried", 1)
            self._held.discard(item.incoming)
            with contextlib.suppress(NatsError):
                await item.incoming.nak(0.001)

    async def _wait(self, seconds: float) -> None:
        self._turned.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._turned.wait()

    async def visit(self) -> None:
        """Keep what is held, and the pin, while we are alive."""
        self._forget_if_lost()
        if self._pinned.pinned:
            with contextlib.suppress(NatsError):
                await self._pinned.keep()
            await super().visit()
        self._beat = monotonic()
