"""A nats-server that can lose its power: what it had not synced to disk is gone.

kill -9 cannot show that, for what a process has written survives it in the page cache. So the
server runs under strace, which notes each write and each sync, and after the loss the store is made
again of what was synced alone: the content of each file as of its last fsync, and what was written
through O_SYNC. Names (create, rename, unlink) count as durable at once, as on a journalling file
system; so a loss that is found here would be one on a real disk, too.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections.abc import Iterable, Iterator
from pathlib import Path

from nats_server import NatsServer

_CALLS = "openat,write,pwrite64,fsync,fdatasync,ftruncate,renameat,unlinkat"
_MOST_BYTES = str(64 * 1024**2)  # of one write that is noted
_BEGUN = re.compile(r"(\d+) +(.*) <unfinished \.\.\.>$")
_ENDED = re.compile(r"(\d+) +<\.\.\. \w+ resumed>(.*)$")
_CALL = re.compile(r"\d+ +(\w+)\((.*)\) += (\d+)(?:<.*>)?$")
_FILE = re.compile(r"\d+<([^>]*)>")
_HEX = re.compile(r"\\x([0-9a-f]{2})")


class MortalServer(NatsServer):
    """A nats-server whose disk is watched. Needs strace."""

    _pid = 0

    def start(self) -> None:
        """Start it under strace, which writes down all that reaches the disk."""
        strace = shutil.which("strace")
        if strace is None:
            raise FileNotFoundError("strace: install the package strace")
        self.wrapper = (
            *(strace, "--follow-forks", "--quiet=all", "--decode-fds=path"),
            *("--strings-in-hex=all", f"--string-limit={_MOST_BYTES}", "--successful-only"),
            *(f"--trace={_CALLS}", f"--output={self.log}"),
        )
        super().start()
        (ports,) = self.folder.glob("*.ports")
        self._pid = int(ports.stem.rpartition("_")[2])

    @property
    def log(self) -> Path:
        """What strace wrote."""
        return self.folder / "disk.log"

    @property
    def store(self) -> Path:
        """Where the server keeps its streams."""
        return self.folder / "store"

    def kill(self) -> None:
        """kill -9 of the server itself; strace ends with it."""
        if self.process is not None and self.process.poll() is None:
            os.kill(self._pid, signal.SIGKILL)
            self.process.wait()

    def lose_power(self) -> int:
        """End it, and leave on its disk only what was synced; return how many bytes were lost."""
        self.kill()
        written = sum(each.stat().st_size for each in self.store.rglob("*") if each.is_file())
        folders = [each for each in self.store.rglob("*") if each.is_dir()]
        with self.log.open(encoding="ascii") as lines:
            durable = survivors(lines, str(self.store))
        shutil.rmtree(self.store)
        for folder in folders:
            folder.mkdir(parents=True)
        for path, content in durable.items():
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_bytes(content)
        return written - sum(map(len, durable.values()))


def survivors(lines: Iterable[str], folder: str) -> dict[str, bytes]:
    """Return by path the content of the files of a folder that was synced."""
    disk = _Disk()
    for name, arguments in _calls(lines):
        if folder in arguments:
            disk.apply(name, arguments)
    return disk.durable


def _calls(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Return each call with its arguments, decoded; it counts from the moment it has returned."""
    begun: dict[str, str] = {}
    for line in lines:
        text = line.rstrip("\n")
        if found := _BEGUN.match(text):
            begun[found[1]] = text.removesuffix(" <unfinished ...>")
            continue
        if found := _ENDED.match(text):
            text = begun.pop(found[1]) + found[2]
        if (found := _CALL.match(text)) is None:
            continue
        yield found[1], _HEX.sub(lambda each: chr(int(each[1], 16)), found[2])


class _Disk:
    """Files as they were written, and as they are on the disk."""

    def __init__(self) -> None:
        self._written: dict[str, bytearray] = {}
        self._position: dict[str, int] = {}
        self._at_once: set[str] = set()
        self.durable: dict[str, bytes] = {}

    def apply(self, name: str, arguments: str) -> None:
        file = _FILE.match(arguments)
        path = file[1] if file is not None else ""
        if name == "openat":
            self._open(arguments)
        elif name in ("write", "pwrite64"):
            self._write(path, *_data(name, arguments))
        elif name in ("fsync", "fdatasync"):
            self._sync(path)
        elif name == "ftruncate":
            self._truncate(path, int(arguments.rpartition(", ")[2]))
        elif name == "renameat":
            self._rename(*_paths(arguments))
        else:
            self._unlink(*_paths(arguments))

    def _open(self, arguments: str) -> None:
        path, flags = re.findall(r'"([^"]*)", ([A-Z_|]+)', arguments)[0]
        if "O_DIRECTORY" in flags:
            return
        if "O_TRUNC" in flags:
            self._written[path] = bytearray()
        self._position[path] = 0
        if "O_SYNC" in flags:
            self._at_once.add(path)

    def _write(self, path: str, data: bytes, position: int | None) -> None:
        at = self._position.get(path, 0) if position is None else position
        content = self._written.setdefault(path, bytearray())
        content.extend(bytes(max(0, at - len(content))))
        content[at : at + len(data)] = data
        if position is None:
            self._position[path] = at + len(data)
        if path in self._at_once:
            self._sync(path)

    def _sync(self, path: str) -> None:
        if path in self._written:
            self.durable[path] = bytes(self._written[path])

    def _truncate(self, path: str, size: int) -> None:
        content = self._written.setdefault(path, bytearray())
        content[size:] = bytes(max(0, size - len(content)))

    def _rename(self, old: str, new: str) -> None:
        """Rename a file, or a folder with all that is in it."""
        self._unlink(new)
        for path in [each for each in self._written if each == old or each.startswith(f"{old}/")]:
            renamed = new + path[len(old) :]
            self._written[renamed] = self._written.pop(path)
            self._position[renamed] = self._position.pop(path, 0)
            if path in self.durable:
                self.durable[renamed] = self.durable.pop(path)
            self._at_once.discard(path)

    def _unlink(self, path: str) -> None:
        self._written.pop(path, None)
        self._position.pop(path, None)
        self.durable.pop(path, None)


def _paths(arguments: str) -> list[str]:
    """Return the paths of a call that takes each as an open folder and a name in it."""
    pairs = re.findall(r'<([^>]*)>, "([^"]*)"', arguments)
    return [os.path.join(folder, name) for folder, name in pairs]  # noqa: PTH118 - texts of a log


def _data(name: str, arguments: str) -> tuple[bytes, int | None]:
    """Return what a call writes, and where; None for behind what it wrote before."""
    begin = arguments.index(', "') + len(', "')
    end = arguments.rindex('", ')
    position = int(arguments.rpartition(", ")[2]) if name == "pwrite64" else None
    return arguments[begin:end].encode("latin-1"), position
