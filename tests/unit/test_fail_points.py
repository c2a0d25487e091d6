from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from crossdock.contracts import Halt
from crossdock.mesh.fail_points import POINTS, VARIABLE, Point, arm, reach

FOLDERS = ("mesh", "router", "gateway", "workers")
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    arm({})


def test_nothing_is_armed_unless_the_environment_says_so() -> None:
    arm({})
    for point in get_args(Point):
        reach(point)


@pytest.mark.parametrize("value", ["nowhere", "received:", "received:0", "received:x", ":2", ""])
def test_what_is_no_point_is_refused(value: str) -> None:
    with pytest.raises(Halt, match=r"write NAME or NAME:NTH with one of accepted, "):
        arm({VARIABLE: value})


def test_the_process_ends_the_nth_time_and_only_at_the_point_that_is_armed() -> None:
    program = (
        "from crossdock.mesh.fail_points import arm, reach\n"
        f"arm({{{VARIABLE!r}: 'published:3'}})\n"
        "for number in range(9):\n"
        "    print(number, flush=True)\n"
        "    reach('received')\n"
        "    reach('published')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (137, b"0\n1\n2\n")


def test_every_point_is_in_the_code() -> None:
    code = "".join(path.read_text() for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    assert set(re.findall(r'\breach\("([a-z-]+)"\)', code)) == POINTS
