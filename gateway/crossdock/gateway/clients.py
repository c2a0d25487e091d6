"""Who may call the gateway, and what for. Nothing is allowed that is not listed.

A key is 256 random bits, so a plain SHA-256 of it is enough at rest: there is nothing to guess that
a slow hash would slow down, and a fast one keeps the request path fast.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterable
from hashlib import sha256
from typing import Final, Literal

import msgspec

KEY_PREFIX: Final = "cdk_"
ANONYMOUS: Final = "anonymous"
_KEY_BYTES: Final = 32
_LONGEST_KEY: Final = 128
_PATTERN: Final = re.compile(r"(\*|[a-z][a-z0-9_-]{0,62})(\.(\*|[a-z][a-z0-9_-]{0,62})){2}\Z")
_MOST_CACHED: Final = 4096

Scope = Literal["metrics", "mesh", "test"]


class Client(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One caller of the gateway, as ``clients.yaml`` lists it.

    Attributes:
        name: ``a-z 0-9 _ -``, at most 63.
        key_sha256: SHA-256 of its API key, 64 hexadecimal digits.
        allow: Contracts that it may send and see: ``sales.order.placed``, ``sales.*.*``, ``*``.
        sources: CloudEvents sources that are this client's alone, each whole or, with ``*`` at its
            end, a prefix. None: any source that no other client claims.
        scopes: What it may do besides sending; ``metrics`` is to read ``/metrics``, ``mesh`` to
            read ``/asyncapi.json``, which tells of everything that is connected; ``test`` to send
            messages that are marked as tests.
        created: RFC 3339 time, for people.
        revoked: RFC 3339 time since when the key is refused, ``""`` while it is good.
    """

    name: str
    key_sha256: str
    allow: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    scopes: tuple[Scope, ...] = ()
    created: str = ""
    revoked: str = ""

    def may_send(self, contract: str) -> bool:
        """Tell whether a contract, by name, is allowed."""
        return any(_matches(pattern, contract) for pattern in self.allow)

    def claims(self, source: str) -> bool:
        """Tell whether a CloudEvents source is listed as this client's own."""
        return any(
            source.startswith(each[:-1]) if each.endswith("*") else source == each
            for each in self.sources
        )

    def __repr__(self) -> str:  # I6: not even the digest of a key is shown
        return f"Client(name={self.name!r}, allow={self.allow!r})"


class Clients:
    """All clients of a gateway, found by their key.

    Args:
        clients: As loaded; revoked ones are left out.
        anonymous: Whether a caller without a key may send anything; for a loopback address only.
    """

    def __init__(self, clients: Iterable[Client] = (), *, anonymous: bool = False) -> None:
        self._by_digest = {each.key_sha256: each for each in clients if not each.revoked}
        self._anonymous = (
            Client(name=ANONYMOUS, key_sha256="", allow=("*",), scopes=("metrics", "mesh", "test"))
            if anonymous
            else None
        )
        self._allowed: dict[tuple[str, str], bool] = {}

    def __len__(self) -> int:
        return len(self._by_digest)

    def identify(self, headers: dict[bytes, bytes]) -> Client | None:
        """Return who sent a request, or None when no valid key came with it.

        A wrong key is never anonymous.
        """
        key = key_of(headers)
        if key is None:
            return self._anonymous
        if len(key) > _LONGEST_KEY:
            return None
        # What is looked up is a digest that the caller cannot steer, so the time that the lookup
        # takes tells nothing about the keys that exist.
        digest = sha256(key).hexdigest()
        client = self._by_digest.get(digest)
        if client is None or not hmac.compare_digest(client.key_sha256, digest):
            return None
        return client

    def may_send(self, client: Client, contract: str) -> bool:
        """Tell whether a client may send a contract, remembering the answer."""
        key = (client.name, contract)
        allowed = self._allowed.get(key)
        if allowed is None:
            if len(self._allowed) >= _MOST_CACHED:  # I8: contract names come from callers
                self._allowed.clear()
            allowed = self._allowed[key] = client.may_send(contract)
        return allowed

    def claimed_by_another(self, client: Client, source: str) -> bool:
        """Tell whether a CloudEvents source belongs to somebody else."""
        if client.claims(source):
            return False
        return bool(client.sources) or any(
            each.claims(source) for each in self._by_digest.values() if each.name != client.name
        )


def key_of(headers: dict[bytes, bytes]) -> bytes | None:
    """Return the API key in a request's headers, or None when there is none."""
    authorization = headers.get(b"authorization")
    if authorization is None:
        return headers.get(b"x-api-key")
    scheme, _, key = authorization.partition(b" ")
    return key.strip() if scheme.lower() == b"bearer" else b""


def is_pattern(text: str) -> bool:
    """Tell whether the text may stand in ``allow``."""
    return text == "*" or _PATTERN.match(text) is not None


def new_key() -> str:
    """Return a new API key: 256 random bits, marked so that scanners for leaked keys find it."""
    return KEY_PREFIX + secrets.token_urlsafe(_KEY_BYTES)


def digest_of(key: str) -> str:
    """Return what is kept of a key."""
    return sha256(key.encode()).hexdigest()


def _matches(pattern: str, contract: str) -> bool:
    if pattern == "*":
        return True
    wanted, tokens = pattern.split("."), contract.split(".")
    return len(wanted) == len(tokens) and all(
        each in ("*", token) for each, token in zip(wanted, tokens, strict=True)
    )
