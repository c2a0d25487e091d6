"""How commands find the broker and the gateway of a running ``crossdock up``."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec

from crossdock.contracts import Halt

NATS_VARIABLE = "CROSSDOCK_NATS"
FOLDER = ".crossdock"
_FILE = "connection.json"


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """Where a running mesh can be reached.

    Attributes:
        nats: URL of the broker, with credentials.
        http: URL of the gateway.
        mqtt: ``HOST:PORT`` of the embedded MQTT listener, None without one.
        pid: Process of ``crossdock up``.
    """

    nats: str
    http: str
    mqtt: str | None
    pid: int

    def __repr__(self) -> str:  # I6: nats holds credentials
        return f"Connection(http={self.http!r})"

    def write(self, project: Path) -> None:
        """Write it where :func:`find` looks, readable by this user only."""
        path = own_folder(project) / _FILE
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(self))


def own_folder(project: Path) -> Path:
    """Return the folder for our own files in a project; made, and kept out of git."""
    folder = project / FOLDER
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / ".gitignore").write_text("*\n")
    except OSError as error:
        raise Halt(f"cannot write to {folder}: {error.strerror}") from error
    return folder


def forget(project: Path) -> None:
    """Remove what :meth:`Connection.write` wrote."""
    (project / FOLDER / _FILE).unlink(missing_ok=True)


def find(project: Path) -> Connection | None:
    """Return how to reach the mesh that runs for this project, None when none does."""
    try:
        data = (project / FOLDER / _FILE).read_bytes()
        found = msgspec.json.decode(data, type=Connection)
        os.kill(found.pid, 0)
    except (OSError, msgspec.DecodeError, OverflowError):
        return None
    return found


def broker_url(project: Path, given: str | None) -> str:
    """Return the broker's URL: as given, from the environment, or of the running mesh.

    Raises:
        Halt: None of them says it.
    """
    url = given or os.environ.get(NATS_VARIABLE)
    if url:
        return url
    found = find(project)
    if found is None:
        raise Halt(
            f"no broker is known: give --nats nats://HOST:PORT, or set {NATS_VARIABLE}, "
            f"or start one with: crossdock up {_shown(project)}"
        )
    return found.nats


def gateway_url(project: Path) -> str:
    """Return the gateway's URL: from ``CROSSDOCK_URL``, or of the running mesh.

    Raises:
        Halt: Neither says it.
    """
    url = os.environ.get("CROSSDOCK_URL")
    if url:
        if not url.startswith(("http://", "https://")):
            raise Halt("CROSSDOCK_URL is no address: write for example https://mesh.example:8443")
        return url.rstrip("/")
    found = find(project)
    if found is None:
        raise Halt(
            "no gateway is known: set CROSSDOCK_URL to its address, "
            f"or start one with: crossdock up {_shown(project)}"
        )
    return found.http


def _shown(project: Path) -> str:
    with contextlib.suppress(ValueError):
        return str(project.resolve().relative_to(Path.cwd())) or "."
    return str(project)
