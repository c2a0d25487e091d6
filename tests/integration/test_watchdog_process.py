"""The watchdog ends a process whose loop hangs, and no other."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from crossdock.mesh.watchdog import EXIT_CODE, Watchdog

LIMIT = 1.0
PROGRAM = """
import asyncio, re, sys, threading, time
from crossdock.mesh.telemetry import configure_logging
from crossdock.mesh.watchdog import Watchdog

LIMIT = {limit}

def hang():
    payload = "PAYLOAD"
    {hang}

async def main():
    configure_logging("router", "demo", json=True)
    watchdog = Watchdog(LIMIT)
    watchdog.start()
    print("started", flush=True)
    hang()
    await watchdog.stop()

asyncio.run(main())
"""


def start(folder: Path, hang: str) -> subprocess.Popen[str]:
    program = folder / "hanging_step.py"
    program.write_text(PROGRAM.format(hang=hang, limit=LIMIT))
    return subprocess.Popen(
        [sys.executable, str(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_blocked_loop_ends_the_process_and_says_where(tmp_path: Path) -> None:
    process = start(tmp_path, "time.sleep(60)")
    _, errors = process.communicate(timeout=20)

    line = json.loads(errors.splitlines()[-1])
    assert process.returncode == EXIT_CODE == 70
    assert (line["level"], line["event"]) == ("critical", "event loop blocked")
    assert line["seconds"] >= LIMIT
    assert line["at"][-1].endswith("hanging_step.py:10 hang")
    assert "PAYLOAD" not in errors


def test_a_hang_inside_the_log_handler_ends_the_process_too(tmp_path: Path) -> None:
    hold = "import logging; logging.getLogger().handlers[0].acquire(); time.sleep(60)"
    process = start(tmp_path, hold)
    process.communicate(timeout=20)

    assert process.returncode == EXIT_CODE


def test_code_that_holds_the_interpreter_is_ended_by_the_timer_below_it(tmp_path: Path) -> None:
    process = start(tmp_path, 're.match(r"(a*)*b", "a" * 60)')
    _, errors = process.communicate(timeout=20)

    assert process.returncode == 1
    assert 'hanging_step.py", line 10 in hang' in errors
    assert "PAYLOAD" not in errors


def test_a_process_that_was_frozen_longer_than_the_limit_goes_on(tmp_path: Path) -> None:
    busy = "[time.sleep(LIMIT / 40) for _ in range(10)]"  # a quarter of the limit, in small pieces
    process = start(tmp_path, busy)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGSTOP)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=1.5 * LIMIT)  # the time that it is frozen for
    process.send_signal(signal.SIGCONT)
    process.communicate(timeout=20)

    assert process.returncode == 0


async def test_a_loop_that_runs_is_left_alone_and_young() -> None:
    watchdog = Watchdog(limit=0.2)
    watchdog.start()

    await asyncio.sleep(0.5)  # more than two limits: time itself is the subject here

    assert watchdog.age() < 0.2
    await watchdog.stop()
    await watchdog.stop()


async def test_stopping_without_a_start_is_safe() -> None:
    await Watchdog().stop()
