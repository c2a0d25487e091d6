"""What the broker says of the consumers of a stream."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
            page = msgspec.json.decode(answer.data)
        except (NatsError, msgspec.DecodeError) as error:
            why = type(error).__name__
            raise Disconnected(f"consumers of {stream} cannot be listed: {why}") from error
        if "error" in page:
            raise Disconnected(f"stream {stream} is not there yet")
        found += [_state(each) for each in page["consumers"] or ()]
        if not page["consumers"] or len(found) >= page["total"]:
            return found


def _state(info: dict[str, Any]) -> ConsumerState:
    config = info["config"]
    one = config.get("filter_subject")
    return ConsumerState(
        name=info["name"],
        filters=tuple(config.get("filter_subjects") or ([one] if one else [])),
        pending=info.get("num_pending", 0),
        unsettled=info.get("num_ack_pending", 0),
        redelivered=info.get("num_redelivered", 0),
        floor=info.get("ack_floor", {}).get("stream_seq", 0),
        since=since_of(config),
    )


def since_of(config: dict[str, Any], unknown: int = 1) -> int:
    """Return the first sequence that a consumer owes, as its maker has noted it."""
    noted: str = config.get("metadata", {}).get(SINCE, "")
    return int(noted) if noted.isdecimal() else unknown
