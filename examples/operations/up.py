"""Runs the example with its CRM stand-in until Ctrl-C; ``make up`` calls it."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import AsyncIterator
from typing import Final

from rich.console import Console

from play.processes import CommandFailedError, NotStartedError, command, crm
from play.stage import Stage, add_client, set_up_here

_ORDER: Final = "contracts/sales/order.placed/examples/german-order.json"
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def main() -> int:
    """Run until a signal; return the exit code of ``crossdock up``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--http", default="127.0.0.1:8080", help="HOST:PORT of the gateway")
    http = parser.parse_args().http
    console = Console(highlight=False, soft_wrap=True)
    stage = set_up_here()
    try:
        async with _guest(stage) as key, crm(stage.crm_port, stage.env):
            _tell(console, stage, http, key)
            return await _up(stage, http)
    except (NotStartedError, CommandFailedError) as error:
        console.print("failed:", str(error), markup=False)
        return 1


@contextlib.asynccontextmanager
async def _guest(stage: Stage) -> AsyncIterator[str]:
    """Give an API key that is revoked in the end."""
    name = f"guest-{time.time_ns() // 1_000_000}"
    key = await add_client(stage, name)
    try:
        yield key
    finally:
        words = ("client", "revoke", name, "--project", str(stage.project))
        await command(*words, env=stage.env)


async def _up(stage: Stage, http: str) -> int:
    """Run ``crossdock up`` on our own terminal until a signal; it ends in order."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "crossdock.cli", "up", str(stage.project), "--http", http),
        env=stage.env,
    )
    loop = asyncio.get_running_loop()
    for number in _SIGNALS:
        loop.add_signal_handler(number, _stop, process)
    return await process.wait()


def _stop(process: asyncio.subprocess.Process) -> None:
    """Pass a signal on: on a terminal it has had Ctrl-C itself, and counts both as one wish."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()


def _tell(console: Console, stage: Stage, http: str, key: str) -> None:
    console.print(
        f"The CRM stand-in runs; the tables and files of the other systems are in {stage.data}.\n"
        "When it says ready, send an order from another terminal:\n\n"
        f"  curl -i http://{http}/v1/messages/sales.order.placed \\\n"
        f"    -H 'authorization: Bearer {key}' -H 'content-type: application/json' \\\n"
        f"    -d @{stage.project / _ORDER}\n\n"
        "The key is good until this ends.\n",
        markup=False,
    )


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
