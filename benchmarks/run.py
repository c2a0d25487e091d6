"""Runs benchmarks in turn, each in a process of its own: `make bench`.

python benchmarks/run.py [NAME ...]
"""

from __future__ import annotations

import argparse
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
    "many_routes.py",
    "replicas.py",
)


def main() -> None:
    """Run all, or those that are named; ends with the first that fails."""
    names = [each.removesuffix(".py") for each in ALL]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("name", nargs="*", help=f"of {', '.join(names)}; all when none is given")
    chosen = parser.parse_args().name or names
    if unknown := sorted(set(chosen) - set(names)):
        parser.error(f"there is no {unknown[0]}")
    for name in chosen:
        print(f"\n=== {name}", flush=True)
        path = Path(__file__).parent / f"{name}.py"
        subprocess.run([sys.executable, str(path)], check=True)


if __name__ == "__main__":
    main()
