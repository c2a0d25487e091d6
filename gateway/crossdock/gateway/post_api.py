"""Serves the paths of ``apis/``: a request becomes a message, as at ``/v1/messages``."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qs

from crossdock.contracts import Reject, Retry
from crossdock.gateway.api import Api
from crossdock.gateway.ingress import Ingress, Request
from crossdock.gateway.messages import PostMessage
from crossdock.gateway.problems import Refused, refusal_of
from crossdock.gateway.replying import Replies

_MOST_FIELDS: Final = 100


class PostApi:
    """Takes requests to one API."""

    def __init__(self, ingress: Ingress, messages: PostMessage, replies: Replies, api: Api) -> None:
        self._ingress = ingress
        self._messages = messages
        self._replies = replies
        self._api = api

    async def __call__(self, request: Request, path: dict[str, str], query: bytes) -> None:
        """Answer 202 after the PubAck (I1), or 200 with the reply where the API has one.

        Args:
            request: Of a known client.
            path: Parameters of the path, by name.
            query: Query of the URL.

        Raises:
            Refused: With every problem of the body, or of what the mapping made of it.
            Gone: The caller hung up before its body was complete, or while it waited.
        """
        api = self._api
        door = self._ingress.doors.open(api.publishes, request.client)
        wanted = self._replies.wanted(request.headers, api.reply, api.reply_timeout)

        def read(body: bytes, key: str | None) -> tuple[bytes, str | None]:
            data, identity = self._made(body, {"path": path, "query": _fields(query)})
            # With a line end, which no caller's own key and no other API's id has there.
            return data, key or (identity and f"{api.name}\n{identity}")

        await self._messages.serve(request, door, read, api.step, wanted)

    def _made(self, body: bytes, parameters: dict[str, Any]) -> tuple[bytes, str | None]:
        try:
            return self._api.data(body, parameters)
        except (Reject, Retry) as error:
            raise refusal_of(error) from error


def _fields(query: bytes) -> dict[str, str]:
    """Return the fields of a query; the last of a name counts."""
    try:
        found = parse_qs(query.decode("ascii"), max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError as error:  # its own texts quote the query
        text = f"The query is malformed, or has more than {_MOST_FIELDS} fields."
        raise Refused("malformed-request", text) from error
    return {name: values[-1] for name, values in found.items()}
