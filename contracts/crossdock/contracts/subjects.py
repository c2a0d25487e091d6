"""NATS subjects and stream names: the only place where they are built and parsed.

Every token is validated here, so no caller can ever bring in a wildcard, a dot or a line break.
"""

from __future__ import annotations

import re

import msgspec

from crossdock.contracts.reference import NAME

_TOKEN = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}\Z")
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")


def is_token(text: str) -> bool:
    """Tell whether the text may be one token of a subject: ``a-z 0-9 _ -``, at most 63."""
    return _TOKEN.match(text) is not None


def kind_of(subject: str) -> str:
    """Return the kind of stream that one of our subjects belongs to: its second token."""
    return subject.split(".", 2)[1]


def _token(text: str, what: str) -> str:
    if not is_token(text):
        raise ValueError(
            f"{text[:80]!r} is not a name for a {what}: use lower-case letters, digits, - and _, "
            "at most 63, starting with a letter or digit"
        )
    return text


def _digest(text: str) -> str:
    if text != "*" and not _DIGEST.match(text):
        raise ValueError("not a SHA-256 digest: 64 hexadecimal digits are wanted")
    return text


class Subjects(msgspec.Struct, frozen=True):
    """The subjects of one mesh.

    Attributes:
        mesh: Name of the mesh: the first token of each subject, the prefix of each stream.
    """

    mesh: str

    def __post_init__(self) -> None:
        _token(self.mesh, "mesh")

    def incoming(self, contract: str) -> str:
        """Return where canonical messages of a contract come in: ``<mesh>.in.<d>.<e>.<e>``."""
        if not NAME.match(contract):
            raise ValueError(f"{contract[:80]!r} is not a contract name")
        return f"{self.mesh}.in.{contract}"

    def incoming_like(self, pattern: str) -> str:
        """Return the filter for contracts; ``*`` in the pattern stands for any one token."""
        if any(each != "*" and not is_token(each) for each in pattern.split(".")):
            raise ValueError(
                f"{pattern[:80]!r} is no pattern: write for example sales.order.placed or sales.*.*"
            )
        return f"{self.mesh}.in.{pattern}"

    def outgoing(self, destination: str) -> str:
        """Return where messages for a destination go: ``<mesh>.out.<destination>``."""
        return f"{self.mesh}.out.{_token(destination, 'destination')}"

    def dead(self, where: str) -> str:
        """Return where the dead letters of a component go: ``<mesh>.dead.<component>``."""
        return f"{self.mesh}.dead.{_token(where, 'component')}"

    def record(self, where: str) -> str:
        """Return where the records of a component go: ``<mesh>.record.<component>``."""
        return f"{self.mesh}.record.{_token(where, 'component')}"

    def group(self, what: str, route: str, last: str) -> str:
        """Return where something of a route's groups is: ``<mesh>.group.<what>.<route>.<last>``.

        Args:
            what: ``open``, ``instance``, ``timer``, ``due``, ``ready`` or ``later``.
            route: Name of the route or process; ``*`` for all.
            last: Token of the key or the group; ``*`` for all of the route.
        """
        last = last if last == "*" else _token(last, "group")
        route = route if route == "*" else _token(route, "route")
        return f"{self.mesh}.group.{_token(what, 'kind')}.{route}.{last}"

    def claim(self, component: str, digest: str) -> str:
        """Return where a claimed key is: ``<mesh>.once.<component>.<digest>``."""
        return f"{self.mesh}.once.{_token(component, 'component')}.{_token(digest, 'digest')}"

    def reply(self, address: str) -> str:
        """Return where replies to a return address go: ``<mesh>.reply.<address>``."""
        return f"{self.mesh}.reply.{_token(address, 'return address')}"

    def stop(self, route: str) -> str:
        """Return where a routing slip sends to a route: ``<mesh>.in.slip.<route>``."""
        return f"{self.mesh}.in.slip.{_token(route, 'route')}"

    def data_part(self, digest: str, number: int | str) -> str:
        """Return where a part of data that is kept apart is: ``<mesh>.data.part.<digest>.<n>``.

        Args:
            digest: Of the data; ``*`` for any.
            number: Of the part; ``*`` for all.
        """
        return f"{self.mesh}.data.part.{_digest(digest)}.{number}"

    def data_entry(self, digest: str) -> str:
        """Return where it is noted that data is kept: ``<mesh>.data.entry.<digest>``."""
        return f"{self.mesh}.data.entry.{_digest(digest)}"

    def stream(self, kind: str) -> str:
        """Return a stream's name.

        Args:
            kind: ``in``, ``out``, ``dead``, ``record``, ``once``, ``group``, ``data`` or ``reply``.
        """
        return f"{self.mesh}-{kind}"

    def contract_of(self, subject: str) -> str | None:
        """Return the contract that an incoming subject names, or None for another subject."""
        prefix = f"{self.mesh}.in."
        return subject[len(prefix) :] if subject.startswith(prefix) else None
