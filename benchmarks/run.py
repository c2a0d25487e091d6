"""Runs every benchmark in turn, each in a process of its own: `make bench`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ALL = (
    "route_hop.py",
    "gateway_accept.py",
    "sql_sink.py",
    "mesh_start.py",
    "telemetry.py",
    "aggregate.py",
    "splitting.py",
)


def main() -> None:
    """Run them; ends with the first that fails."""
    for name in ALL:
        print(f"\n=== {name}", flush=True)
        subprocess.run([sys.executable, str(Path(__file__).parent / name)], check=True)


if __name__ == "__main__":
    main()
