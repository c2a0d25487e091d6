"""Request-Reply over HTTP: a caller gets the reply to its message, now or when it comes again.

The request is stored before anybody waits (I1), and its reply is stored at an address that follows
from the request: any replica finds it, also after a restart. Waiting is only a convenience, so it
ends without harm: when the time is up, when the caller hangs up, when the gateway stops.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

import msgspec

from crossdock.contracts import ContractRef, CrossdockError, Message, Reject
from crossdock.contracts.message import encode
from crossdock.contracts.reference import version_of
from crossdock.contracts.replying import return_address
from crossdock.gateway.asgi import Header, Receive
from crossdock.gateway.doors import Door
from crossdock.gateway.ingress import MESSAGES, Ingress, Request
from crossdock.gateway.preferring import preferences
from crossdock.gateway.problems import Refused, refusal_of, unavailable
from crossdock.gateway.request_body import Gone
from crossdock.mesh.conversation import is_over
from crossdock.mesh.replies import IsOver, Outcome, find_reply, wait_for_reply

PATH_END: Final = "/reply"
_SEQUENCE: Final = re.compile(rb"(?:[^&]*&)*seq=([0-9]{1,18})(?:&|\Z)")
_LONGEST_ID: Final = 1024
_MOST_LOOKS: Final = 4
_LOOK_SECONDS: Final = 5.0


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a request wants of its reply.

    Attributes:
        seconds: How long its caller waits; 0 for not at all.
        applied: What of the caller's ``Prefer`` that is; ``""`` when it said nothing.
        contract: As what the reply has to come; None for as anything.
    """

    seconds: float
    applied: str = ""
    contract: ContractRef | None = None


class Taken(msgspec.Struct, frozen=True):
    """A message that was stored.

    Attributes:
        door: Of its contract.
        id: Its id.
        source: Its source.
        sequence: Its number in the stream.
    """

    door: Door
    id: str
    source: str
    sequence: int


class Replies:
    """Waits for replies, and fetches them; bounded (I8)."""

    def __init__(self, ingress: Ingress) -> None:
        self._ingress = ingress
        self._source = f"/{ingress.doors.subjects.mesh}/gateway/"
        self._stop = asyncio.Event()
        self._looks = asyncio.Semaphore(_MOST_LOOKS)
        self.waiting = 0

    def stop(self) -> None:
        """End all waiting: the callers get their 202."""
        self._stop.set()

    def wanted(
        self, headers: dict[bytes, bytes], contract: ContractRef | None = None, seconds: float = 0.0
    ) -> Wanted | None:
        """Return what a request wants of its reply; None when it wants none.

        Args:
            headers: Of the request.
            contract: As what a reply has to come, when one is promised.
            seconds: How long a caller waits for one that is promised.
        """
        said = preferences(headers)
        most = self._ingress.settings.max_wait
        if said.wait is not None:
            waits = min(said.wait, most)
            return Wanted(seconds=waits, applied=f"wait={waits:.0f}", contract=contract)
        if said.respond_async:
            return Wanted(seconds=0, applied="respond-async", contract=contract)
        if contract is None:
            return None
        return Wanted(seconds=min(seconds, most), contract=contract)

    @contextlib.contextmanager
    def place(self, wanted: Wanted | None) -> Iterator[None]:
        """Keep a place among those who wait, from before anything is stored.

        Raises:
            Refused: Too many wait already.
        """
        if wanted is None or not wanted.seconds:
            yield
            return
        if self.waiting >= self._ingress.settings.max_waiting:
            raise unavailable("Too many callers wait for a reply. Send this one again.")
        self.waiting += 1
        try:
            yield
        finally:
            self.waiting -= 1

    async def answer(self, request: Request, taken: Taken, wanted: Wanted) -> None:
        """Answer a request with the reply, or with where it will be.

        Args:
            request: Of the caller.
            taken: What it sent.
            wanted: What it wants.

        Raises:
            Refused: The request became a dead letter, or its reply is not what was promised.
            Gone: The caller hung up.
        """
        address = return_address(taken.source, taken.id)
        where = reply_location(taken.id, taken.sequence)
        applied: list[Header] = []
        if wanted.applied:
            applied.append((b"preference-applied", wanted.applied.encode()))
        outcome = None
        if wanted.seconds:
            over = self._over(taken.id, taken.sequence)
            outcome = await self._wait(request, address, wanted.seconds, over)
        if outcome is None:
            await _later(request, taken, where, applied)
            return
        reply = self._checked(outcome, wanted.contract)
        await _send(request, reply, where, [*applied, *taken.door.headers])

    async def fetch(self, request: Request, message_id: str, query: bytes) -> None:
        """Answer ``GET /v1/messages/{id}/reply``: the reply to a message that the client sent.

        Args:
            request: Of a known client; it may prefer to wait.
            message_id: As in the path.
            query: May hold ``seq``, as the ``Location`` of the 202 has it.

        Raises:
            Refused: There is none, or none to a message of this client: the answer is the same.
            Gone: The caller hung up.
        """
        hint = _SEQUENCE.match(query)
        sequence = int(hint[1]) if hint else None
        outcome: Outcome = None
        wanted = self.wanted(request.headers)
        if 0 < len(message_id) <= _LONGEST_ID:
            # Of the client's own name: so nobody finds a reply to somebody else's message.
            address = return_address(self._source + request.client.name, message_id)
            over = self._over(message_id, sequence)
            with self.place(wanted):
                if wanted is not None and wanted.seconds:
                    outcome = await self._wait(request, address, wanted.seconds, over)
                else:
                    outcome = await self._look(address, over)
        if outcome is None:
            raise Refused("no-reply", "There is no reply to it yet, or none that is kept.")
        where = reply_location(message_id, sequence)
        await _send(request, self._checked(outcome, None), where, [])

    async def _look(self, address: str, over: IsOver) -> Outcome:
        try:
            return await find_reply(self._ingress.bus, address, over)
        except CrossdockError as error:
            raise refusal_of(error) from error

    def _over(self, message_id: str, sequence: int | None) -> IsOver:
        """Return what tells whether nothing of a message is on its way any more."""

        async def over() -> bool:
            if self._looks.locked():  # I8: it reads much; asked again soon
                return False
            try:
                async with self._looks, asyncio.timeout(_LOOK_SECONDS):
                    return await is_over(self._ingress.bus, message_id, sequence)
            except (CrossdockError, TimeoutError):
                return False

        return over

    async def _wait(self, request: Request, address: str, seconds: float, over: IsOver) -> Outcome:
        """Wait for a reply; None when there is none in time.

        Raises:
            Gone: The caller hung up.
        """
        waiting = asyncio.create_task(
            wait_for_reply(self._ingress.bus, address, self._stop, over), name="reply"
        )
        gone = asyncio.create_task(_hung_up(request.receive), name="hung up")
        try:
            await asyncio.wait(
                {waiting, gone}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
            if waiting.done():
                with contextlib.suppress(CrossdockError):  # the request is stored, and goes on
                    return waiting.result()
            elif gone.done():
                raise Gone
            return None
        finally:
            waiting.cancel()
            gone.cancel()
            await asyncio.gather(waiting, gone, return_exceptions=True)

    def _checked(self, outcome: Outcome, promised: ContractRef | None) -> Message:
        """Return a reply that is what it has to be (I5).

        Raises:
            Refused: It is not, or there can be none.
        """
        if not isinstance(outcome, Message):
            reason = outcome.reason if outcome is not None else ""
            raise Refused("not-answered", f"The request became a dead letter: {reason}")
        if promised is not None:
            version = version_of(outcome.dataschema)
            if outcome.type != promised.name or version is None or not promised.accepts(version):
                raise Refused("invalid-reply", f"The reply is not of {promised}.")
        try:
            contract = self._ingress.doors.registry.of_message(outcome)
        except Reject as error:
            raise Refused("invalid-reply", error.reason) from error
        problems = contract.decode(outcome.data)[1]
        if problems:
            text = f"The reply does not fit {contract.name} {contract.version}."
            raise Refused("invalid-reply", text, errors=problems)
        return outcome


def reply_location(message_id: str, sequence: int | None) -> str:
    """Return where the reply to a message is, or will be."""
    hint = "" if sequence is None else f"?seq={sequence}"
    return f"{MESSAGES}{quote(message_id, safe='')}{PATH_END}{hint}"


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _later(request: Request, taken: Taken, where: str, applied: list[Header]) -> None:
    body = msgspec.json.encode(
        {
            "id": taken.id,
            "contract": taken.door.contract.name,
            "version": taken.door.contract.version,
            "reply": where,
        }
    )
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"location", where.encode()),
        *applied,
        *taken.door.headers,
    ]
    await request.send({"type": "http.response.start", "status": 202, "headers": headers})
    await request.send({"type": "http.response.body", "body": body})


async def _send(request: Request, reply: Message, where: str, more: list[Header]) -> None:
    headers: list[Header] = [
        (b"content-type", reply.datacontenttype.encode()),
        (b"content-length", b"%d" % len(reply.data)),
        (b"content-location", where.encode()),
        (b"cache-control", b"no-store"),
        (b"ce-id", encode(reply.id).encode()),
        (b"ce-type", reply.type.encode()),
        (b"ce-dataschema", encode(reply.dataschema).encode()),
        (b"ce-correlationid", encode(reply.correlation).encode()),
        *more,
    ]
    await request.send({"type": "http.response.start", "status": 200, "headers": headers})
    await request.send({"type": "http.response.body", "body": reply.data})
