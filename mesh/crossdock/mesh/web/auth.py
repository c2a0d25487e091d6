"""Credentials for another system over HTTP."""

from __future__ import annotations

import base64

import msgspec

from crossdock.mesh.project.scalars import Secret
from crossdock.mesh.web.headers import may_be_set


class _Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Frozen, by name, unknown keys refused."""


class NoAuth(_Settings, frozen=True, tag="none"):
    """No credentials."""


class BasicAuth(_Settings, frozen=True, tag="basic"):
    """RFC 7617.

    Attributes:
        user: User name.
        password: Their password.
    """

    user: str
    password: Secret


class BearerAuth(_Settings, frozen=True, tag="bearer"):
    """RFC 6750.

    Attributes:
        token: The token.
    """

    token: Secret


class HeaderAuth(_Settings, frozen=True, tag="header"):
    """A secret in a header of the other system's choice.

    Attributes:
        name: Name of the header, for example ``X-Api-Key``.
        value: The secret.
    """

    name: str
    value: Secret

    def __post_init__(self) -> None:
        """Refuse a name that is none.

        Raises:
            ValueError: With a text for the person who wrote it.
        """
        if self.name.lower() != "authorization" and not may_be_set(self.name):
            raise ValueError("name is not the name of a header that may be set here")


Auth = NoAuth | BasicAuth | BearerAuth | HeaderAuth


def credentials(auth: Auth) -> dict[str, str]:
    """Return the headers that hold the credentials."""
    match auth:
        case BasicAuth(user=user, password=password):
            text = base64.b64encode(f"{user}:{password.reveal()}".encode()).decode()
            return {"authorization": f"Basic {text}"}
        case BearerAuth(token=token):
            return {"authorization": f"Bearer {token.reveal()}"}
        case HeaderAuth(name=name, value=value):
            return {name.lower(): value.reveal()}
        case _:
            return {}
