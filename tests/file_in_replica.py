"""One replica of ``file-in`` as a process of its own: ``FOLDER BATCH ACKNOWLEDGED``.

Prints each record that it received as a line of JSON; acknowledges that many, then goes on
receiving without acknowledging (forever when it is all of them), until it is killed.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from crossdock.mesh.project.scalars import Duration
from crossdock.workers.adapter import WorkerContext
from crossdock.workers.file_in import FileInSettings, FileSource


def say(**event: object) -> None:
    print(json.dumps(event), flush=True)  # noqa: T201 - the test reads it


async def main(folder: Path, batch: int, acknowledged: int) -> None:
    settings = FileInSettings(
        folder="inbox", format="jsonl", poll=Duration(0.02), settle=Duration(0.02)
    )
    context = WorkerContext(mesh="test", worker="reader", folder=folder, batch=batch)
    source = FileSource(settings, context)
    await source.open()
    say(event="open")
    while True:
        things = await source.receive()
        for thing in things:
            say(event="received", id=thing.id, place=thing.place, value=thing.value)
        head = things[:acknowledged]
        if head:
            acknowledged -= len(head)
            await source.acknowledge(head)
            say(event="acknowledged", ids=[thing.id for thing in head])


asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
