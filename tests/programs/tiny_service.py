"""A service whose work is what the test asks for: ``tiny_service.py MODE URL OPS``."""

from __future__ import annotations

import asyncio
import sys

from crossdock.contracts import Halt
from crossdock.mesh import service
from crossdock.mesh.project.scalars import Secret
from crossdock.mesh.project.settings import MeshFile
from crossdock.mesh.service import Running, Service, run_service


async def work(running: Running) -> None:
    """Do as the mode says."""
    mode = sys.argv[1]
    if mode == "halt":
        raise Halt("there is nothing to do")
    if mode == "fail":
        raise ValueError("a payload")
    running.started()
    await running.stop.wait()
    if mode == "stuck":
        await asyncio.sleep(600)
    sys.stdout.write(f"drained, connected={running.bus.connected}\n")


service._DRAIN = 0.5
tiny = Service(
    name="tiny",
    instance="tiny-1",
    mesh=MeshFile(mesh="t"),
    url=Secret(sys.argv[2]),
    ops=sys.argv[3],
)
raise SystemExit(run_service(tiny, work))
