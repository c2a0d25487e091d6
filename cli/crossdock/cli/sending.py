"""Sending one message through the gateway, as any other client does."""

from __future__ import annotations

from http.client import HTTPException
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

import msgspec

from crossdock.contracts import Disconnected, Problem, Reject, Retry

_TIMEOUT = 30.0
_LARGEST_ANSWER = 1024**2
_TRANSIENT = frozenset({429, 503})


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """The gateway's answer.

    Attributes:
        id: Id of the message.
        contract: Its contract.
        version: The version that it was checked against.
    """

    id: str
    contract: str
    version: str


class _Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """What we read of an ``application/problem+json``."""

    title: str = "refused"
    detail: str = ""
    errors: tuple[Problem, ...] = ()


def send(
    url: str,
    contract: str,
    data: bytes,
    *,
    key: str | None,
    repeat: str | None = None,
    test: bool = False,
) -> Accepted:
    """Send data to a contract and return when it is durable.

    Args:
        url: Of the gateway.
        contract: ``name`` or ``name@range``.
        data: JSON.
        key: API key, None for an anonymous gateway.
        test: Mark it as a test message.
        repeat: Idempotency key: the same one again is the same message.

    Raises:
        Disconnected: The gateway does not answer.
        Retry: It cannot take the message now.
        Reject: It refuses the message; the problems say what is wrong with it.
    """
    headers = {"content-type": "application/json"}
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    if repeat is not None:
        headers["idempotency-key"] = repeat
    if test:
        headers["crossdock-test"] = "true"
    address = f"{url}/v1/messages/{quote(contract, safe='')}"
    request = Request(address, data=data, headers=headers)  # noqa: S310 - checked by connection
    try:
        with urlopen(request, timeout=_TIMEOUT) as answer:  # noqa: S310 - same
            return msgspec.json.decode(answer.read(_LARGEST_ANSWER), type=Accepted)
    except HTTPError as error:
        raise _refusal(error) from error
    except (URLError, OSError, HTTPException) as error:
        raise Disconnected(f"the gateway {url} does not answer: is it running?") from error
    except msgspec.DecodeError as error:
        raise Disconnected(f"{url} does not answer like a gateway") from error


def _refusal(error: HTTPError) -> Reject | Retry:
    try:
        read = msgspec.json.decode(error.read(_LARGEST_ANSWER), type=_Refusal)
    except msgspec.DecodeError:
        read = _Refusal(title=f"refused with status {error.code}")
    reason = f"{read.title}: {read.detail}" if read.detail else read.title
    if error.code in _TRANSIENT:
        return Retry(reason)
    return Reject(reason, read.errors)
