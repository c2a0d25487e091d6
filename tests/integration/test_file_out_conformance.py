from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from crossdock.workers.adapter import Delivery, WorkerContext
from crossdock.workers.conformance import MARK, SinkCheck, SinkFeatures, check_name, sink_checks
from crossdock.workers.file_out import FileOutSettings, FileSink

_LINES = SinkFeatures()
_FILES = SinkFeatures(ordered=False)  # files of one folder have no order


class FileOutHarness:
    """A real folder."""

    def __init__(self, folder: Path, kind: str) -> None:
        self.kind = kind
        self.features = _FILES if kind == "json" else _LINES
        self.folder = folder / "out"
        self.away = folder / "unmounted"
        self.folder.mkdir()

    def make(self) -> FileSink:
        path = "out" if self.kind == "json" else f"out/orders.{self.kind}"
        columns = ("number", "text") if self.kind == "csv" else ()
        settings = FileOutSettings(path=path, format=self.kind, columns=columns)  # type: ignore[arg-type] # one of the three
        context = WorkerContext(mesh="test", worker="archive", folder=self.folder.parent)
        return FileSink(settings, context)

    def delivery(self, number: int) -> Delivery:
        value = {"number": number, "text": MARK}
        return Delivery(id=f"shop {number}/é", value=value, type="sales.order.placed")

    def refused(self) -> Delivery:
        value = {"number": -1, "text": f"{MARK}\ud800"}  # text that is not valid Unicode
        return Delivery(id="bad", value=value, type="sales.order.placed")

    async def effects(self) -> list[int]:
        if self.kind == "json":
            return [json.loads(path.read_bytes())["number"] for path in self.folder.glob("*.json")]
        path = self.folder / f"orders.{self.kind}"
        if not path.exists():
            return []
        with path.open(newline="") as file:
            rows = csv.DictReader(file) if self.kind == "csv" else map(json.loads, file)
            return [int(row["number"]) for row in rows]

    async def cut(self) -> None:
        self.folder.rename(self.away)

    async def heal(self) -> None:
        self.away.rename(self.folder)


@pytest.mark.parametrize("kind", ["jsonl", "csv", "json"])
@pytest.mark.parametrize("check", sink_checks(_LINES), ids=check_name)
async def test_file_out_conforms(check: SinkCheck, kind: str, tmp_path: Path) -> None:
    harness = FileOutHarness(tmp_path, kind)
    if check in sink_checks(harness.features):
        await check(harness)
