"""The command as a person runs it, against the broker of a test."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

from crossdock.mesh.bus import Bus


async def crossdock(bus: Bus, project: Path, *words: str) -> tuple[int | None, str, str]:
    """Run it; return its exit code and what it printed."""
    server = bus.client.connected_url
    assert server is not None
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "crossdock.cli", *words),
        *("--project", str(project), "--nats", server.geturl()),
        stdout=PIPE,
        stderr=PIPE,
        env={**os.environ, "COLUMNS": "200", "CROSSDOCK_BY": "ada"},
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    return process.returncode, out.decode(), err.decode()


async def told(bus: Bus, project: Path, *words: str) -> list[Any]:
    """Run it with --json; return each line that it printed."""
    code, out, err = await crossdock(bus, project, *words, "--json")
    assert code == 0, err
    return [json.loads(each) for each in out.splitlines()]
