"""One replica of ``file-out`` as a process of its own: ``FOLDER FORMAT START``.

Delivers batches of ten numbers, counting up from START, and prints the end of each batch once it
is delivered, until it is killed.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from crossdock.mesh.project.scalars import Size
from crossdock.workers.adapter import Delivery, WorkerContext
from crossdock.workers.file_out import FileOutSettings, FileSink


async def main(folder: Path, kind: str, number: int) -> None:
    settings = FileOutSettings(
        path=f"orders.{kind}" if kind != "json" else ".",
        format=kind,  # type: ignore[arg-type] # one of the three
        columns=("n",) if kind == "csv" else (),
        rotate=None if kind == "json" else Size(2000),
    )
    sink = FileSink(settings, WorkerContext(mesh="test", worker="archive", folder=folder))
    await sink.open()
    print("open", flush=True)  # noqa: T201 - the test reads it
    while True:
        numbers = range(number, number + 10)
        batch = [Delivery(id=f"shop {n}", value={"n": n}, type="a.b.c") for n in numbers]
        assert set(await sink.deliver(batch)) == {None}
        number += 10
        print(number, flush=True)  # noqa: T201 - the test reads it


asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))
