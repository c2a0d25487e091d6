"""Carries the real records of a folder through a mesh, three times, and accounts for each line.

    python trial.py DATA [--json] [--keep DIR]

Purchases by HTTP, weather by CSV file, water flow by MQTT, a room's sensors from a SQL table. Then
all of it once more into the same mesh, and once more after the mesh was restarted: no record may
have a second effect. Exits with 1 when a line is unaccounted for or counted twice.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from carry.accounting import accounts
from carry.doors import (
    PURCHASE,
    Answer,
    drop_file,
    forget_progress,
    post_purchases,
    publish_readings,
)
from carry.evidence import Evidence, Seen, count, delivered
from carry.lines import FLOW, PURCHASES, ROOM, WEATHER, Kind, Lines, Row, read_lines
from carry.mesh import Failed, Mesh, add_client
from carry.report import Pass, as_json, show
from carry.stage import Stage, set_up

_SETTLE: Final = 90.0  # seconds after the last record was handed over
_LOOK: Final = 0.25
_PASSES: Final = 3
_INTERRUPTED: Final = 130


class Trial:
    """One trial on one stage."""

    def __init__(self, stage: Stage, files: dict[Kind, Lines], progress: Progress) -> None:
        self._stage = stage
        self._files = files
        self._progress = progress
        self._mesh = Mesh(stage)
        self._key = ""
        self._answers: dict[int, Answer] = {}
        self._first = Counter[str]()
        self._bars: dict[Kind, TaskID] = {}
        self.passes: list[Pass] = []

    async def run(self) -> None:
        """Send everything three times.

        Raises:
            Failed: The mesh does not run, or a door does not take what it is given.
        """
        self._key = await add_client(self._stage, "shop", PURCHASE)
        try:
            await self._mesh.start()
            await self._pass("first time")
            await self._pass("again, same mesh")
            await self._mesh.stop()
            forget_progress(self._stage)
            await self._mesh.start()
            await self._pass("again, after a restart")
        finally:
            await self._mesh.stop()

    async def _pass(self, name: str) -> None:
        start = time.monotonic()
        evidence = await Evidence.open(self._stage)
        watching = asyncio.create_task(self._watch(name))
        try:
            wrong = await self._send()
            wrong += await self._settle(evidence)
            seen = await evidence.seen()
        finally:
            watching.cancel()
            await evidence.close()
        arrived = delivered(self._stage)
        if not self.passes:
            self._first = _by_destination(arrived)
        if len(self.passes) == _PASSES - 1:
            wrong += self._without_repeats(seen)
        made = Pass(
            name=name,
            seconds=time.monotonic() - start,
            deliveries=seen.deliveries.total(),
            effects=arrived.total(),
            accounts=tuple(accounts(self._files, self._answers, seen, arrived)),
            wrong=tuple(wrong),
        )
        self.passes.append(made)
        self._finish_bars(made)

    async def _send(self) -> list[str]:
        drop_file(self._stage, self._files[WEATHER])
        answers, _ = await asyncio.gather(
            post_purchases(self._mesh.http, self._key, self._files[PURCHASES]),
            publish_readings(self._stage, self._files[FLOW]),
        )
        before, self._answers = self._answers, answers
        if before and before != answers:
            return ["the gateway answers a repeated request otherwise than the first one"]
        return []

    async def _settle(self, evidence: Evidence) -> list[str]:
        try:
            async with asyncio.timeout(_SETTLE):
                while not await evidence.is_quiet(self._files[ROOM]):  # noqa: ASYNC110 - the mesh is another process
                    await asyncio.sleep(_LOOK)
        except TimeoutError:
            return [f"something is still on its way after {_SETTLE:g} s"]
        return []

    def _without_repeats(self, seen: Seen) -> list[str]:
        """Name the destinations to which nothing came twice: a trial of them has shown nothing."""
        return [
            f"{name}: the repeated records never reached it, so its inbox was not tried"
            for name, rows in self._first.items()
            if seen.deliveries[name] < 2 * rows
        ]

    async def _watch(self, name: str) -> None:
        """Keep the progress bars at what is at the destinations."""
        if self.passes:  # all of it is there already
            self._progress.add_task(name, total=None)
            return
        for kind, lines in self._files.items():
            self._bars[kind] = self._progress.add_task(kind.file, total=len(lines.records()))
        while True:
            for kind, bar in self._bars.items():
                there = sum(count(self._stage, each) for each in kind.destinations)
                self._progress.update(bar, completed=there)
            await asyncio.sleep(_LOOK)

    def _finish_bars(self, made: Pass) -> None:
        """Add what is accounted for elsewhere: filtered and refused."""
        for (kind, bar), account in zip(self._bars.items(), made.accounts, strict=True):
            records = account.accounted - kind.headers
            self._progress.update(bar, completed=records)
        for task in self._progress.tasks:
            if task.total is None:
                lines = sum(each.lines for each in made.accounts)
                there = sum(each.accounted for each in made.accounts)
                self._progress.update(task.id, total=lines, completed=there)


def _by_destination(arrived: Counter[Row]) -> Counter[str]:
    rows = Counter[str]()
    for row, times in arrived.items():
        rows[str(row[0])] += times
    return rows


def main() -> int:
    """Run the trial and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data", type=Path, help="folder with the four files")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")
    parser.add_argument("--keep", type=Path, help="run in this new folder, and leave it there")
    wishes = parser.parse_args()
    try:
        files = read_lines(wishes.data)
        if wishes.keep is not None:
            return _run(wishes.keep, files, json=wishes.json)
        with tempfile.TemporaryDirectory(prefix="crossdock-trial-") as folder:
            return _run(Path(folder), files, json=wishes.json)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except (Failed, OSError) as error:
        print(f"trial: {error}", file=sys.stderr)
        return 1


def _run(folder: Path, files: dict[Kind, Lines], *, json: bool) -> int:
    logging.getLogger("crossdock").addHandler(logging.NullHandler())  # looking on is no news
    stage = set_up(folder, files[ROOM])
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        trial = Trial(stage, files, progress)
        asyncio.run(trial.run())
    if json:
        print(as_json(trial.passes))
    else:
        show(trial.passes)
    return 1 if any(each.failures() for each in trial.passes) else 0


if __name__ == "__main__":
    raise SystemExit(main())
