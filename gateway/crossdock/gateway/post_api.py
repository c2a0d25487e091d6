"""Serves the paths of ``apis/``: a request becomes a message, as at ``/v1/messages``."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qs

from crossdock.contracts import Reject, Retry
from crossdock.gateway.api import Api
from crossdock.gateway.ingress import Ingress, Request
from crossdock.gateway.messages import PostMessage
from crossdock.gateway.problems import Refused, refusal_of
from crossdock.gateway.request_head import idempotency_key, json_type, refuse_compressed

_MOST_FIELDS: Final = 100


class PostApi:
    """Takes requests to one API."""

    def __init__(self, ingress: Ingress, messages: PostMessage, api: Api) -> None:
        self._ingress = ingress
        self._messages = messages
        self._api = api

    async def __call__(self, request: Request, path: dict[str, str], query: bytes) -> None:
        """Answer 202 after the PubAck (I1).

        Args:
            request: Of a known client.
            path: Parameters of the path, by name.
            query: Query of the URL.

        Raises:
            Refused: With every problem of the body, or of what the mapping made of it.
            Gone: The caller hung up before its body was complete.
        """
        ingress = self._ingress
        door = ingress.doors.open(self._api.publishes, request.client)
        try:
            refuse_compressed(request.headers)
            json_type(request.headers)
            key = idempotency_key(request.headers)
            parameters = {"path": path, "query": _fields(query)}
            place = ingress.let_in(request.headers)
            try:
                body = await ingress.body_of(request, place)
                data, identity = self._made(body, parameters)
                # With a line end, which no caller's own key and no other API's id has there.
                key = key or (identity and f"{self._api.name}\n{identity}")
                await self._messages.take(request, door, data, key, self._api.step)
            finally:
                place.leave()
        except Refused as refused:
            refused.contract = door.contract.name
            raise

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
