"""What the broker says of the consumers of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from nats.errors import Error as NatsError

from crossdock.contracts import Disconnected

if TYPE_CHECKING:
    from nats.aio.client import Client

SINCE = "crossdock.since"


class ConsumerState(msgspec.Struct, frozen=True, kw_only=True):
    """One durable consumer.

    Attributes:
        name: Its name.
        filters: Subjects that it takes.
        pending: Messages that it has not been given yet.
        unsettled: Messages that it was given and that are not settled.
        redelivered: Of these, how many were given more than once.
        floor: Stream sequence up to which all is acknowledged.
        since: First sequence that it owes with the filters that it has.
    """

    name: str
    filters: tuple[str, ...]
    pending: int
    unsettled: int
    redelivered: int
    floor: int
    since: int = 1

    @property
    def lag(self) -> int:
        """Messages that it has still to settle."""
        return self.pending + self.unsettled


class _Floor(msgspec.Struct, frozen=True):
    stream_seq: int = 0


class _Config(msgspec.Struct, frozen=True):
    filter_subject: str = ""
    filter_subjects: tuple[str, ...] | None = None
    metadata: dict[str, str] | None = None


class _Info(msgspec.Struct, frozen=True):
    name: str
    config: _Config
    num_pending: int = 0
    num_ack_pending: int = 0
    num_redelivered: int = 0
    ack_floor: _Floor = _Floor()


class _Page(msgspec.Struct, frozen=True):
    """An answer of the server, of which only what is needed is made: there may be thousands."""

    error: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    total: int = 0
    consumers: tuple[_Info, ...] | None = None


_PAGE: Final = msgspec.json.Decoder(_Page)


async def list_consumers(client: Client, stream: str) -> list[ConsumerState]:
    """Return the consumers of a stream, of which a page of the server's answer holds 256.

    Raises:
        Disconnected: The broker does not answer, or not with an answer.
    """
    found: list[ConsumerState] = []
    while True:
        request = msgspec.json.encode({"offset": len(found)})
        try:
            answer = await client.request(f"$JS.API.CONSUMER.LIST.{stream}", request, timeout=5)
            page = _PAGE.decode(answer.data)
        except (NatsError, msgspec.DecodeError) as error:
            why = type(error).__name__
            raise Disconnected(f"consumers of {stream} cannot be listed: {why}") from error
        if page.error is not msgspec.UNSET:
            raise Disconnected(f"stream {stream} is not there yet")
        found += [_state(each) for each in page.consumers or ()]
        if not page.consumers or len(found) >= page.total:
            return found


def _state(info: _Info) -> ConsumerState:
    one = info.config.filter_subject
    return ConsumerState(
        name=info.name,
        filters=info.config.filter_subjects or ((one,) if one else ()),
        pending=info.num_pending,
        unsettled=info.num_ack_pending,
        redelivered=info.num_redelivered,
        floor=info.ack_floor.stream_seq,
        since=_since((info.config.metadata or {}).get(SINCE, ""), 1),
    )


def since_of(config: dict[str, Any], unknown: int = 1) -> int:
    """Return the first sequence that a consumer owes, as its maker has noted it."""
    return _since(config.get("metadata", {}).get(SINCE, ""), unknown)


def _since(noted: str, unknown: int) -> int:
    return int(noted) if noted.isdecimal() else unknown
