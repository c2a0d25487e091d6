from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from crossdock.contracts import Halt, Problem
from crossdock.mesh import watching
from crossdock.mesh.last_good import FolderSource, LastGood
from crossdock.mesh.watching import project_changes, snapshot
from eventually import eventually


class Watched:
    """Follows a folder in the background."""

    def __init__(self, folder: Path) -> None:
        self.seen: asyncio.Queue[None] = asyncio.Queue()
        self.task = asyncio.create_task(self._watch(folder))

    async def _watch(self, folder: Path) -> None:
        async for _ in project_changes(folder, snapshot(folder)):
            self.seen.put_nowait(None)

    async def saw(self, seconds: float = 10) -> None:
        await asyncio.wait_for(self.seen.get(), seconds)


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    (tmp_path / "routes").mkdir()
    each = Watched(tmp_path)
    yield each
    each.task.cancel()
    await asyncio.wait([each.task])


def save(path: Path, text: str) -> None:
    path.write_text(text)


async def test_a_change_in_each_place_is_noticed_also_in_a_folder_that_appears(
    watched: Watched, tmp_path: Path
) -> None:
    save(tmp_path / "mesh.yaml", "a")
    await watched.saw()
    save(tmp_path / "routes" / "a.yaml", "a")
    await watched.saw()
    (tmp_path / "workers").mkdir()
    save(tmp_path / "workers" / "a.yaml", "a")
    await watched.saw()
    (tmp_path / "workers" / "a.yaml").unlink()
    await watched.saw()


async def test_a_change_between_reading_and_watching_is_noticed(tmp_path: Path) -> None:
    known = snapshot(tmp_path)
    save(tmp_path / "mesh.yaml", "a")
    async with asyncio.timeout(30):
        async for _ in project_changes(tmp_path, known):
            break


async def test_a_file_system_that_tells_nothing_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_filter", lambda _change, _path: False)
    monkeypatch.setattr(watching, "_LOOK_EVERY", 0.1)
    watched = Watched(tmp_path)
    await asyncio.sleep(0)  # lets it take its first snapshot
    save(tmp_path / "mesh.yaml", "a")
    await watched.saw()
    watched.task.cancel()
    await asyncio.wait([watched.task])


async def test_the_brokers_store_editors_files_and_a_log_beside_them_are_no_change(
    watched: Watched, tmp_path: Path
) -> None:
    save(tmp_path / "mesh.yaml", "a")
    await watched.saw()
    (tmp_path / ".crossdock").mkdir()
    save(tmp_path / ".crossdock" / "block", "x")
    save(tmp_path / "up.log", "x")  # as of `crossdock up . 2> up.log`
    save(tmp_path / "routes" / ".a.yaml.swp", "x")
    save(tmp_path / "routes" / "a.yaml~", "x")
    with pytest.raises(TimeoutError):
        await watched.saw(0.7)


async def test_the_last_good_content_stays_while_the_files_are_wrong(tmp_path: Path) -> None:
    file = tmp_path / "mesh.yaml"
    save(file, "one")

    def load(folder: Path) -> str:
        text = (folder / "mesh.yaml").read_text()
        if text == "wrong":
            raise Halt.of("no", [Problem(message="it is wrong", place="mesh.yaml:1")] * 2)
        return text

    last = LastGood(FolderSource(tmp_path), load)
    applied: asyncio.Queue[str] = asyncio.Queue()
    task = asyncio.create_task(last.follow(applied.put, None))  # type: ignore[arg-type] # a folder needs no broker
    save(file, "wrong")
    await eventually(lambda: last.problems == 2)
    assert last.value == "one"
    save(file, "three")
    assert await asyncio.wait_for(applied.get(), 10) == "three"
    await eventually(lambda: last.value == "three" and last.problems == 0)
    task.cancel()
    await asyncio.wait([task])
