from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from crossdock.mesh.project.scalars import Duration
from crossdock.workers.adapter import Received, WorkerContext
from crossdock.workers.conformance import (
    MARK,
    SourceCheck,
    SourceFeatures,
    check_name,
    source_checks,
)
from crossdock.workers.file_in import FileInSettings, FileSource

_FEATURES = SourceFeatures()
_FORMATS = ("jsonl", "csv", "json")


class FileHarness:
    """A real folder; ``put`` renames a finished file in, as a careful writer does."""

    features = _FEATURES

    def __init__(self, folder: Path, kind: str) -> None:
        self.kind = kind
        self.folder = folder / "inbox"
        self.away = folder / "unmounted"
        self.folder.mkdir()
        self.files = 0

    def make(self, batch: int) -> FileSource:
        settings = FileInSettings(
            folder="inbox",
            format=self.kind,  # type: ignore[arg-type] # one of the three, see _FORMATS
            poll=Duration(0.02),
            settle=Duration(0.02),
        )
        context = WorkerContext(
            mesh="test", worker="reader", folder=self.folder.parent, batch=batch
        )
        return FileSource(settings, context)

    async def put(self, numbers: Sequence[int]) -> None:
        if self.kind == "json":
            for number in numbers:
                self._write(json.dumps({"number": number, "text": MARK}))
        elif self.kind == "jsonl":
            lines = (json.dumps({"number": number, "text": MARK}) for number in numbers)
            self._write("\n".join(lines))
        else:
            rows = (f'{number},"{MARK}\nand more"' for number in numbers)
            self._write("\n".join(["number,text", *rows]))

    def _write(self, text: str) -> None:
        self.files += 1
        new = self.folder / ".new"
        new.write_text(text)
        new.rename(self.folder / f"{self.files:04}.{self.kind}")

    def number(self, received: Received) -> int:
        return int(received.value["number"])

    async def cut(self) -> None:
        self.folder.rename(self.away)

    async def heal(self) -> None:
        self.away.rename(self.folder)


@pytest.mark.parametrize("kind", _FORMATS)
@pytest.mark.parametrize("check", source_checks(_FEATURES), ids=check_name)
async def test_file_in_conforms(check: SourceCheck, kind: str, tmp_path: Path) -> None:
    await check(FileHarness(tmp_path, kind))
