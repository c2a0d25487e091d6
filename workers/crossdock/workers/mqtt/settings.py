"""Settings of a connection to an MQTT broker."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Literal

import msgspec

from crossdock.mesh.project.scalars import Duration, Secret, Size


class _Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Frozen, by name, unknown keys refused."""


class TlsSettings(_Settings, frozen=True):
    """TLS; the broker's certificate and its name are always checked.

    Attributes:
        ca: File of the authorities to trust, PEM; the system's when not given.
        certificate: File of the client's certificate, PEM.
        key: File of its private key, PEM.
    """

    ca: str | None = None
    certificate: str | None = None
    key: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: With a text for the person who wrote it.
        """
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key go together: give both or none")


class MqttSettings(_Settings, frozen=True):
    """A connection to an MQTT broker.

    Attributes:
        host: Name or address of the broker.
        port: Its port; 8883 with ``tls``, 1883 without, when not given.
        user: User name.
        password: Its password.
        tls: TLS; without it everything crosses the network readable.
        plain_password: Allow a password without TLS to a broker that is not on this machine.
        protocol: Version of MQTT: ``3.1.1`` or ``5``.
        client_id: Name of the session at the broker, unique among its clients; made of mesh and
            worker when not given.
        keepalive: After how long without a sign of life a connection counts as lost.
        max_payload: Largest payload; a larger one is refused.
    """

    host: str
    port: int | None = None
    user: str | None = None
    password: Secret | None = None
    tls: TlsSettings | None = None
    plain_password: bool = False
    protocol: Literal["3.1.1", "5"] = "3.1.1"
    client_id: str | None = None
    keepalive: Duration = Duration(30)
    max_payload: Size = Size(256 * 1024)

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: With a text for the person who wrote it.
        """
        if not self.host or any(each.isspace() for each in self.host):
            raise ValueError("host is the name or address of the broker")
        if self.port is not None and not 0 < self.port < 2**16:
            raise ValueError("port is a number from 1 to 65535")
        if not 1 <= self.keepalive < 2**16:
            raise ValueError("keepalive is from 1s to 18h")
        if self.password is not None and self.user is None:
            raise ValueError("a password needs a user")
        if self.password and not (self.tls or self.plain_password or _is_here(self.host)):
            raise ValueError(
                "the password would cross the network readable: add `tls: {}`, or allow it with "
                "`plain_password: true`"
            )

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        return self.host, self.port or (8883 if self.tls else 1883)

    @property
    def system(self) -> str:
        """What tells this broker from others."""
        host, port = self.address
        return f"mqtt://{'127.0.0.1' if host == 'localhost' else host}:{port}"


def _is_here(host: str) -> bool:
    """Tell whether a host is this machine; a reference (``${env:…}``) is told at run time."""
    if host == "localhost" or "${" in host:
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
