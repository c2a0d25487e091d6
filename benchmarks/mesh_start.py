"""How soon `crossdock up` is ready on the example, and what memory all its processes take.

python benchmarks/mesh_start.py [--rounds N]
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

EXAMPLE = Path(__file__).parents[1] / "examples" / "operations"
SECRETS = {"METERS_PASSWORD": "benchmark-only", "CRM_TOKEN": "benchmark-only"}
MEBIBYTE = 1024**2


def measure() -> tuple[float, float]:
    """Return seconds to `ready`, and mebibytes resident in all, one second later."""
    with tempfile.TemporaryDirectory(prefix="crossdock-bench-") as name:
        project = Path(shutil.copytree(EXAMPLE, Path(name) / "operations"))
        for folder in ("hr", "access", "training", "alerts"):
            (project / "data" / folder).mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "crossdock.cli", "up", str(project)]
        begin = time.perf_counter()
        with subprocess.Popen(
            [*command, "--http", "127.0.0.1:0"],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | SECRETS,
        ) as process:
            try:
                assert process.stdout is not None  # noqa: S101 - for the type checker
                while not process.stdout.readline().startswith("ready"):
                    if process.poll() is not None:
                        raise RuntimeError("the mesh did not start")
                took = time.perf_counter() - begin
                time.sleep(1)
                family = [psutil.Process(process.pid)]
                family += family[0].children(recursive=True)
                resident = sum(each.memory_info().rss for each in family) / MEBIBYTE
            finally:
                process.terminate()
    return took, resident


def main() -> None:
    """Print medians and what was wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    found = [measure() for _ in range(rounds)]
    took = statistics.median(each[0] for each in found)
    resident = statistics.median(each[1] for each in found)
    print(f"crossdock up on examples/operations, medians of {rounds}")
    print(f"  ready after {took:.1f} s (wanted under 5, {_verdict(reached=took < 5)})")
    print(f"  memory {resident:.0f} MiB (wanted under 400, {_verdict(reached=resident < 400)})")


def _verdict(*, reached: bool) -> str:
    return "reached" if reached else "NOT reached"


if __name__ == "__main__":
    main()
