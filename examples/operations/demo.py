"""Runs the example, drives it as its systems would, and checks that every message is accounted for.

Exits 0 when everything balances, 1 when not or when something failed, 130 on Ctrl-C.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
from rich.console import Console

from crossdock.contracts import CrossdockError
from play.act import act
from play.processes import CommandFailedError, NotStartedError
from play.scene import Script, write_script
from play.stage import set_up_copy
from play.threads import SendingFailedError

_FAILED: Final = 1
_INTERRUPTED: Final = 130
_FAILURES: Final = (
    CrossdockError,
    NotStartedError,
    CommandFailedError,
    SendingFailedError,
    httpx.TransportError,
)


def main() -> int:
    """Run the demo; return the exit code."""
    options = _options()
    console = Console(highlight=False)
    logging.getLogger("crossdock").setLevel(logging.ERROR)
    folder = Path(tempfile.mkdtemp(prefix="crossdock-demo-"))
    code = _FAILED
    try:
        code = _run(folder, options, console)
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("stopped; nothing is left running")
        code = _INTERRUPTED
    finally:
        if options.keep:
            console.print(f"kept: {folder}, with what each process logged in .crossdock/logs")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return code


def _run(folder: Path, options: argparse.Namespace, console: Console) -> int:
    script = write_script(options.orders, options.employees, options.readings)
    try:
        return 0 if asyncio.run(_guarded(folder, script, console)) else _FAILED
    except* _FAILURES as failures:
        for each in _leaves(failures):
            console.print(f"[bold red]failed:[/] {type(each).__name__}: {each}", markup=True)
    return _FAILED


async def _guarded(folder: Path, script: Script, console: Console) -> bool:
    """Act, so that SIGTERM and SIGHUP end it as cleanly as Ctrl-C does."""
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - it is one
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    return await act(set_up_copy(folder), script, console)


def _leaves(group: BaseExceptionGroup[BaseException]) -> Iterator[BaseException]:
    for each in group.exceptions:
        if isinstance(each, BaseExceptionGroup):
            yield from _leaves(each)
        else:
            yield each


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--orders", type=int, default=6000, help="orders by HTTP")
    parser.add_argument("--employees", type=int, default=2000, help="lines of the HR export")
    parser.add_argument("--readings", type=int, default=3000, help="meter readings by MQTT")
    parser.add_argument("--keep", action="store_true", help="keep the folder that it ran in")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
