"""Delayer: until when a message waits, and what goes on when its time has come. Pure.

What waits is the message with all that the steps have made of it, as a message of its own. So what
is sent then is what would have been sent at once: the same children with the same ids (I4).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from crossdock.contracts import Contract, Message, Registry, Reject, near_id
from crossdock.contracts.expiry import read_time
from crossdock.mesh.expression import UNDEFINED, Expression, Json
from crossdock.router.compile_scope import CompileScope
from crossdock.router.delay_file import Delay
from crossdock.router.flow import Flow
from crossdock.router.opening_hours import OpeningHours

NAME: Final = "delay"
DELAYED_TYPE: Final = "crossdock.message.delayed"
"""CloudEvents type of a message that has waited, on its way to the second half of its route."""
LEAST: Final = 0.1
"""Seconds that a message waits, at least."""
_MESSAGE: Final = "message"
_MOST: Final = 3660 * 86400


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """One message that is to wait.

    Attributes:
        message: What waits, with the original in it.
        until: The time that it asks for; None when only the time counts that it came in at.
    """

    message: Message
    until: datetime | None = None


class Delayer(msgspec.Struct, frozen=True, kw_only=True):
    """A compiled ``delay``.

    Attributes:
        seconds: How long after it came in a message goes on, when it asks for no time itself.
        until: Gives the time that it asks for; None when it does not.
        hours: In which messages may go on; None for all.
        at_most: Most seconds that a message may ask for.
    """

    seconds: float
    until: Expression | None
    hours: OpeningHours | None
    at_most: float

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """Yield its expression, with its JSON Pointer in the route file."""
        if self.until is not None:
            yield f"/{NAME}/until", self.until

    def hold(self, message: Message, flow: Flow, source: str) -> Held:
        """Return a message, or a part of one, as it waits.

        Args:
            message: That came in.
            flow: What it is after the steps.
            source: CloudEvents ``source`` of what the route makes.

        Raises:
            Reject: It asks for a time, and that is none.
        """
        same = flow.raw is message.data
        variables = {name: each for name, each in flow.variables.items() if each is not UNDEFINED}
        variables.pop(_MESSAGE, None)
        content = _Content(
            headers=message.headers(),
            # Data that is kept apart is fetched again when the time has come (Claim Check).
            data=msgspec.Raw(_ELSEWHERE if same and message.dataref else flow.bytes()),
            same=same,
            contract="" if flow.contract is None else flow.contract.dataschema,
            variables=variables,
            part=flow.part,
            extensions=flow.extensions,
        )
        part = "/".join(map(str, flow.part))
        links = {"correlationid": message.correlation, "causationid": message.id}
        waits = Message(
            id=near_id(message.id, NAME, source, *message.identity, part),
            source=source,
            type=DELAYED_TYPE,
            data=msgspec.json.encode(content),
            time=message.time,
            subject=message.subject,
            extensions=message.extensions | flow.extensions | links,
        )
        return Held(message=waits, until=self._asked(flow))

    def due(self, held: Held, accepted: datetime) -> datetime:
        """Return when a message goes on, in UTC; never before it came in.

        Args:
            held: The message.
            accepted: When it came in: the same for each delivery, as its time must be (I4).

        Raises:
            Reject: It asks for more time than it may.
        """
        start = accepted + timedelta(seconds=self.seconds)
        if held.until is not None:
            start = max(held.until, accepted)
            if (start - accepted).total_seconds() > self.at_most:
                days = self.at_most / 86400
                raise Reject(f"{NAME}/until gives a time that is more than {days:g} days away")
        return (start if self.hours is None else self.hours.first(start)).astimezone(UTC)

    def _asked(self, flow: Flow) -> datetime | None:
        if self.until is None:
            return None
        return _time(self.until.evaluate(flow.data, flow.variables or None))


class Resumed(msgspec.Struct, frozen=True, kw_only=True):
    """A message whose time has come.

    Attributes:
        message: The one that came in.
        accepted: Its contract.
        flow: What the steps had made of it.
        discarded: Why it ends here, when a person said so.
    """

    message: Message
    accepted: Contract
    flow: Flow
    discarded: str = ""


class _Content(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What waits.

    Attributes:
        headers: Of the message that came in.
        data: What the steps had made of its data.
        same: Whether that is still the data that came in.
        contract: ``dataschema`` that the data keeps; ``""`` once a step had changed it freely.
        variables: Of expressions, without ``$message``.
        part: Which part it is.
        extensions: Attributes that steps add to what is sent.
        discarded: Why it is to end here, when a person said so.
    """

    headers: dict[str, str]
    data: msgspec.Raw
    same: bool = False
    contract: str = ""
    variables: dict[str, Any] = {}
    part: tuple[int, ...] = ()
    extensions: dict[str, str] = {}
    discarded: str = ""


_content = msgspec.json.Decoder(_Content)
_ELSEWHERE: Final = b"null"  # no data that is kept apart is so short


def check_of_delayed(message: Message) -> str:
    """Return the check of the data that a message has waited without; ``""`` when it has it."""
    try:
        content = _content.decode(message.data)
        original = Message.from_headers(content.headers, b"")
    except (msgspec.DecodeError, ValueError):
        return ""
    elsewhere = content.same and bytes(content.data) == _ELSEWHERE
    return original.dataref if elsewhere else ""


def delayed_with(stored: bytes, data: bytes) -> bytes:
    """Return what has waited without its data, with the data: JSON."""
    content = _content.decode(stored)
    return msgspec.json.encode(msgspec.structs.replace(content, data=msgspec.Raw(data)))


def resume(message: Message, registry: Registry) -> Resumed:
    """Return what goes on of a message that has waited.

    Args:
        message: As it waited.
        registry: The contracts as they are now.

    Raises:
        Reject: It holds no message, or one of its contracts is gone.
    """
    try:
        content = _content.decode(message.data)
        data = bytes(content.data)
        original = Message.from_headers(content.headers, data if content.same else b"")
        value: Json = msgspec.json.decode(data)
    except (msgspec.DecodeError, ValueError) as error:
        raise Reject("holds no message that has waited") from error
    flow = Flow(
        data=value,
        raw=original.data if content.same else data,
        contract=_contract(registry, content.contract) if content.contract else None,
        variables=content.variables,
        part=content.part,
        extensions=content.extensions,
    )
    accepted = _contract(registry, original.dataschema)
    return Resumed(message=original, accepted=accepted, flow=flow, discarded=content.discarded)


def discarding(data: bytes, why: str) -> bytes:
    """Return the data of what waits, so that it ends when it goes on.

    Args:
        data: As it waits.
        why: What its record will say.

    Raises:
        Reject: It holds no message that waits.
    """
    try:
        content = _content.decode(data)
    except msgspec.DecodeError as error:
        raise Reject("holds no message that has waited") from error
    return msgspec.json.encode(msgspec.structs.replace(content, discarded=why))


def compile_delay(written: Delay | None, scope: CompileScope) -> Delayer | None:
    """Make it ready to run; None when there is none, or something is wrong with it."""
    if written is None:
        return None
    if written.for_ is not None and written.until is not None:
        scope.wrong(f"/{NAME}/until", "a message waits either `for` a time or `until` a time")
    if written.for_ is None and written.until is None and written.within is None:
        scope.wrong(f"/{NAME}", "waits for nothing: give it `for`, `until` or `within`")
    if written.for_ is not None and not LEAST <= written.for_ <= written.at_most:
        scope.wrong(f"/{NAME}/for", f"at least {LEAST:g} s, and no more than `at_most`")
    if written.at_most > _MOST:
        scope.wrong(f"/{NAME}/at_most", "no more than 3660d")
    until = scope.expression(written.until, f"/{NAME}/until")
    hours = None
    if written.within is not None:
        within = written.within
        try:
            hours = OpeningHours.read(within.hours, within.days, within.timezone)
        except ValueError as error:
            scope.wrong(f"/{NAME}/within", str(error))
    return Delayer(
        seconds=float(written.for_ or 0), until=until, hours=hours, at_most=float(written.at_most)
    )


def _contract(registry: Registry, dataschema: str) -> Contract:
    found = registry.find(dataschema)
    if found is None:
        raise Reject("its contract is not there any more")
    return found


def _time(value: Json) -> datetime:
    found = read_time(value) if isinstance(value, str) else None
    if found is None:
        raise Reject(f"{NAME}/until gives no RFC 3339 time with its zone")
    return found
