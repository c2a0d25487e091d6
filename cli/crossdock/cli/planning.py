"""What ``crossdock up`` needs to know of a project, found out by a process of its own.

Reading and checking a project takes validators, expression engines and adapters; the supervisor,
which runs for months, keeps none of them. It starts this module, which prints a :class:`Plan` on a
pipe and ends.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import msgspec

from crossdock.contracts import Halt, Problem
from crossdock.mesh.project.scalars import Duration, Secret, Size
from crossdock.mesh.project.settings import BrokerSettings, GatewaySettings


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What to run for a project.

    Attributes:
        problems: What is wrong with it; then nothing else is said.
        mesh: Name of the mesh.
        gateway: Its settings.
        broker: Settings of the broker.
        groups: Names of the groups of workers.
    """

    problems: tuple[Problem, ...] = ()
    mesh: str = ""
    gateway: GatewaySettings = GatewaySettings()
    broker: BrokerSettings = BrokerSettings()
    groups: tuple[str, ...] = ()

    def __repr__(self) -> str:  # I6
        return f"Plan({self.mesh!r}, {len(self.problems)} problems)"


async def plan(project: Path, *, secrets: bool = True) -> Plan:
    """Check a project and return what to run for it.

    Args:
        project: The project folder.
        secrets: Whether to resolve those of the broker; only who runs the broker has them.

    Raises:
        Halt: The check itself failed.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        __name__,
        str(project),
        *(("secrets",) if secrets else ()),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise Halt(f"the project {project} could not be checked, see above")
    return msgspec.json.decode(output, type=Plan, dec_hook=_read)


def _make(project: Path, *, secrets: bool) -> Plan:
    from crossdock.cli.project_check import inspect_project
    from crossdock.mesh.project.loading import MESH_FILE, load_mesh, load_named
    from crossdock.mesh.project.secrets import resolve_secrets
    from crossdock.workers.worker_file import WorkerFile

    problems = inspect_project(project).problems
    if problems:
        return Plan(problems=problems)
    mesh = load_mesh(project)
    try:
        broker = resolve_secrets(mesh.broker, project) if secrets else mesh.broker
    except Halt as error:
        return Plan(problems=(Problem(message=error.reason, place=f"{MESH_FILE}:1"),))
    workers = load_named(project, "workers", WorkerFile, "worker")
    groups = tuple(sorted({each.group for each in workers}))
    return Plan(mesh=mesh.mesh, gateway=mesh.gateway, broker=broker, groups=groups)


def _write(value: object) -> object:
    if isinstance(value, Secret):
        return value.reveal()  # on a pipe between two processes of the same user
    if isinstance(value, Duration):
        return float(value)
    if isinstance(value, Size):
        return int(value)
    raise NotImplementedError(type(value))


def _read(kind: type, value: Any) -> Any:  # noqa: ANN401 - msgspec's hook
    if kind in (Duration, Size, Secret):
        return kind(value)
    raise NotImplementedError(kind)


if __name__ == "__main__":
    sys.stdout.buffer.write(
        msgspec.json.encode(
            _make(Path(sys.argv[1]), secrets="secrets" in sys.argv[2:]), enc_hook=_write
        )
    )
