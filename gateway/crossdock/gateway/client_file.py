"""``clients.yaml`` in the project folder: read with every problem, written whole or not at all."""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
import yaml

from crossdock.contracts import Problem, is_token
from crossdock.gateway.clients import ANONYMOUS, Client, digest_of, is_pattern, new_key
from crossdock.mesh.project.conversion import convert
from crossdock.mesh.project.document import Document, read
from crossdock.mesh.project.problems import ProjectError

FILE: Final = "clients.yaml"
_DIGEST: Final = re.compile(r"[0-9a-f]{64}\Z")
_HEAD: Final = (
    "# Clients of the gateway; change it with `crossdock client add|revoke`.\n"
    "# Only the SHA-256 of each key is here: a key is shown once, when it is made.\n"
)


class ClientsFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of ``clients.yaml``.

    Attributes:
        clients: Who may call the gateway; nobody when empty.
    """

    clients: tuple[Client, ...] = ()


def load_clients(folder: Path) -> tuple[Client, ...]:
    """Read ``clients.yaml``; none when there is no such file.

    Args:
        folder: The project folder.

    Raises:
        ProjectError: With every problem.
    """
    if not (folder / FILE).exists():
        return ()
    document = read(folder, FILE)
    clients = convert(document, ClientsFile).clients
    problems = [*_problems(clients, document), *_twice(clients, document)]
    if problems:
        raise ProjectError.of(f"{FILE} cannot be used", problems)
    return clients


def add_client(
    folder: Path,
    name: str,
    allow: tuple[str, ...],
    sources: tuple[str, ...] = (),
    scopes: tuple[str, ...] = (),
) -> str:
    """Add a client and return its key, which nobody can read again.

    Args:
        folder: The project folder.
        name: Of the client.
        allow: Contracts that it may send and see.
        sources: CloudEvents sources that are its alone.
        scopes: What it may do besides.

    Raises:
        ProjectError: When something is wrong with one of them, or the client is there already.
    """
    key = new_key()
    given = {
        "name": name,
        "key_sha256": digest_of(key),
        "allow": allow,
        "sources": sources,
        "scopes": scopes,
        "created": _now(),
    }
    try:
        client = msgspec.convert(given, Client)
    except msgspec.ValidationError as error:
        raise _refusal(f"client {name!r} cannot be added: {error}") from error

    def change(clients: tuple[Client, ...]) -> tuple[Client, ...]:
        if any(each.name == name for each in clients):
            raise _refusal(f"there is a client {name!r} already: choose another name")
        return (*clients, client)

    _change(folder, change)
    return key


def revoke_client(folder: Path, name: str) -> Client:
    """Refuse a client's key from now on; its entry stays, for the history.

    Raises:
        ProjectError: When there is no such client.
    """
    revoked: list[Client] = []

    def change(clients: tuple[Client, ...]) -> tuple[Client, ...]:
        return tuple(revoke(each) if each.name == name else each for each in clients)

    def revoke(client: Client) -> Client:
        revoked.append(
            client if client.revoked else msgspec.structs.replace(client, revoked=_now())
        )
        return revoked[-1]

    _change(folder, change)
    if not revoked:
        raise _refusal(f"there is no client {name!r}: `crossdock client list` shows them")
    return revoked[0]


def _change(folder: Path, change: Callable[[tuple[Client, ...]], tuple[Client, ...]]) -> None:
    with _locked(folder):
        before = load_clients(folder)
        after = change(before)
        problems = list(_problems(after, Document(file=FILE, value=None, lines={})))
        if problems:
            raise ProjectError.of(f"{FILE} cannot be used", problems)
        if after != before:
            _write(folder / FILE, after)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other processes from changing the file between our reading and writing it."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise _refusal(f"{folder} is no folder: give --project DIR") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _write(path: Path, clients: tuple[Client, ...]) -> None:
    entries = [
        {name: value for name, value in msgspec.to_builtins(each).items() if value}
        for each in clients
    ]
    text = _HEAD + yaml.safe_dump({"clients": entries}, sort_keys=False)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".clients-")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _problems(clients: tuple[Client, ...], document: Document) -> Iterator[Problem]:
    for index, client in enumerate(clients):
        at = ("clients", index)
        if not is_token(client.name) or client.name == ANONYMOUS:
            text = f"not a name for a client: use a-z 0-9 - _, and not {ANONYMOUS}"
            yield document.problem(text, (*at, "name"))
        if not _DIGEST.match(client.key_sha256):
            yield document.problem("not a SHA-256 in hexadecimal digits", (*at, "key_sha256"))
        for place, pattern in enumerate(client.allow):
            if not is_pattern(pattern):
                text = f"{pattern[:80]!r} is no pattern: write sales.order.placed, sales.*.* or *"
                yield document.problem(text, (*at, "allow", place))
        for place, source in enumerate(client.sources):
            if "*" in source[:-1] or not source.removesuffix("*"):
                text = f"{source[:80]!r} is no source: write it whole, or with * at its end only"
                yield document.problem(text, (*at, "sources", place))


def _twice(clients: tuple[Client, ...], document: Document) -> Iterator[Problem]:
    names: set[str] = set()
    digests: set[str] = set()
    for index, client in enumerate(clients):
        if client.name in names:
            yield document.problem("this client is there twice", ("clients", index, "name"))
        if client.key_sha256 in digests:
            text = "another client has the same key: make a new one with `crossdock client add`"
            yield document.problem(text, ("clients", index, "key_sha256"))
        names.add(client.name)
        digests.add(client.key_sha256)


def _refusal(text: str) -> ProjectError:
    return ProjectError.of(f"{FILE} cannot be changed", [Problem(message=text, place=FILE)])


def _now() -> str:
    return f"{datetime.now(UTC).isoformat(timespec='seconds')[:-6]}Z"
