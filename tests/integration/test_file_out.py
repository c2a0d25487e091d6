from __future__ import annotations

import csv
import json
import random
import sqlite3
import sys
from asyncio import create_subprocess_exec, wait_for
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from crossdock.contracts import CrossdockError, Disconnected, Halt, Reject
from crossdock.mesh.project.scalars import Duration, Size
from crossdock.workers.adapter import Delivery, WorkerContext
from crossdock.workers.file_out import FileOutSettings, FileSink

MakeSink = Callable[..., FileSink]
_SCRIPT = Path(__file__).parents[1] / "file_out_replica.py"


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[MakeSink]:
    made: list[FileSink] = []

    def sink(**settings: Any) -> FileSink:  # noqa: ANN401 - any setting
        chosen = FileOutSettings(**{"path": "orders.jsonl", "format": "jsonl", **settings})
        made.append(FileSink(chosen, WorkerContext(mesh="test", worker="out", folder=tmp_path)))
        return made[-1]

    yield sink
    for each in made:
        await each.close()


async def _deliver(sink: FileSink, *values: Any) -> Sequence[CrossdockError | None]:  # noqa: ANN401 - JSON values
    return await sink.deliver(
        [Delivery(id=f"id {json.dumps(value)}", value=value, type="a.b.c") for value in values]
    )


def _numbers(folder: Path, kind: str) -> list[int]:
    """All numbers that were written, in order over the files that were put aside."""
    if kind == "json":
        return [json.loads(path.read_bytes())["n"] for path in folder.glob("*.json")]
    aside = sorted(folder.glob(f"orders.*.{kind}"))
    numbers: list[int] = []
    for path in [*aside, folder / f"orders.{kind}"]:
        with path.open(newline="") as file:
            rows = csv.DictReader(file) if kind == "csv" else map(json.loads, file)
            numbers += [int(row["n"]) for row in rows]
    return numbers


def _contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.glob("orders*.csv")}


@pytest.mark.fault
@pytest.mark.parametrize("kind", ["jsonl", "csv", "json"])
async def test_killed_at_any_moment_nothing_is_lost_and_nothing_is_there_twice(
    kind: str, tmp_path: Path
) -> None:
    chance = random.Random(7)  # noqa: S311 - when to kill, the same in each run
    safe = 0
    for _ in range(6):
        # From before what is safe, as a broker would deliver it again.
        start = max(0, safe - 50)
        process = await create_subprocess_exec(
            sys.executable, str(_SCRIPT), str(tmp_path), kind, str(start), stdout=PIPE
        )
        assert process.stdout is not None
        assert await wait_for(process.stdout.readline(), 20) == b"open\n"
        for _ in range(chance.randrange(6, 40)):
            safe = max(safe, int(await wait_for(process.stdout.readline(), 20)))
        process.kill()
        rest = await process.stdout.read()
        await process.wait()
        safe = max([safe, *(int(line) for line in rest.split())])
    sink = FileSink(
        FileOutSettings(
            path="." if kind == "json" else f"orders.{kind}",
            format=kind,  # type: ignore[arg-type] # one of the three
            columns=("n",) if kind == "csv" else (),
        ),
        WorkerContext(mesh="test", worker="archive", folder=tmp_path),
    )
    await sink.open()  # repairs what the last kill left
    await sink.close()
    numbers = _numbers(tmp_path, kind)
    assert len(numbers) == len(set(numbers))
    assert set(numbers) >= set(range(safe))
    if kind != "json":
        assert numbers == sorted(numbers)


async def test_one_replica_writes_and_the_other_waits_until_it_is_gone(make: MakeSink) -> None:
    first, second = make(), make()
    await first.open()
    with pytest.raises(Disconnected, match="another replica"):
        await second.open()
    await first.close()
    await second.open()
    assert await _deliver(second, 1) == [None]


async def test_what_a_crash_left_behind_the_inbox_is_cut_off(
    make: MakeSink, tmp_path: Path
) -> None:
    sink = make()
    await sink.open()
    await _deliver(sink, 1)
    await sink.close()
    with (tmp_path / "orders.jsonl").open("ab") as file:
        file.write(b'2\n"tor')
    await sink.open()
    assert (tmp_path / "orders.jsonl").read_bytes() == b"1\n"
    await _deliver(sink, 2)
    assert (tmp_path / "orders.jsonl").read_bytes() == b"1\n2\n"


async def test_a_file_that_was_there_before_is_kept(make: MakeSink, tmp_path: Path) -> None:
    (tmp_path / "orders.jsonl").write_bytes(b"0\n")
    sink = make()
    await sink.open()
    await _deliver(sink, 1)
    assert (tmp_path / "orders.jsonl").read_bytes() == b"0\n1\n"


async def test_a_file_that_was_moved_away_begins_anew_without_repeating(
    make: MakeSink, tmp_path: Path
) -> None:
    sink = make(path="orders.csv", format="csv", columns=("n",))
    await sink.open()
    await _deliver(sink, {"n": 1})
    (tmp_path / "orders.csv").rename(tmp_path / "fetched.csv")
    with pytest.raises(Disconnected):
        await _deliver(sink, {"n": 2})
    await sink.close()
    await sink.open()
    await _deliver(sink, {"n": 1}, {"n": 2})
    assert (tmp_path / "orders.csv").read_bytes() == b"n\n2\n"


async def test_a_file_that_lost_what_was_delivered_halts(make: MakeSink, tmp_path: Path) -> None:
    sink = make()
    await sink.open()
    await _deliver(sink, 1, 2)
    await sink.close()
    (tmp_path / "orders.jsonl").write_bytes(b"1\n")
    with pytest.raises(Halt, match="shorter"):
        await sink.open()


async def test_a_damaged_inbox_halts_and_writes_nothing(make: MakeSink, tmp_path: Path) -> None:
    (tmp_path / ".orders.jsonl.inbox").write_bytes(b"not a database " * 1000)
    with pytest.raises(Halt, match="damaged"):
        await make().open()
    assert not (tmp_path / "orders.jsonl").exists()


async def test_a_link_in_place_of_the_file_halts(make: MakeSink, tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(b"keep\n")
    (tmp_path / "orders.jsonl").symlink_to(tmp_path / "precious")
    with pytest.raises(Halt):
        await make().open()
    assert (tmp_path / "precious").read_bytes() == b"keep\n"


async def test_a_full_file_is_put_aside_and_the_next_one_has_its_header(
    make: MakeSink, tmp_path: Path
) -> None:
    sink = make(path="orders.csv", format="csv", columns=("n",), rotate=Size(8))
    await sink.open()
    for number in range(10, 16):
        await _deliver(sink, {"n": number})
    assert _contents(tmp_path) == {
        "orders.000001.csv": "n\n10\n11\n",
        "orders.000002.csv": "n\n12\n13\n",
        "orders.csv": "n\n14\n15\n",
    }


async def test_only_as_many_ids_as_the_settings_say_are_remembered(
    make: MakeSink, tmp_path: Path
) -> None:
    sink = make(remember=10)
    await sink.open()
    for number in range(30):
        await _deliver(sink, number)
    await _deliver(sink, 29)
    await _deliver(sink, 0)
    await sink.close()
    lines = (tmp_path / "orders.jsonl").read_text().split()
    assert (lines.count("29"), lines.count("0")) == (1, 2)
    with sqlite3.connect(tmp_path / ".orders.jsonl.inbox") as inbox:
        (count,) = inbox.execute("SELECT count(*) FROM delivered").fetchone()
    inbox.close()
    assert count == 10


async def test_ids_are_forgotten_after_their_time(make: MakeSink, tmp_path: Path) -> None:
    sink = make(remember_for=Duration(0))
    await sink.open()
    await _deliver(sink, 1)
    await _deliver(sink, 2)
    await _deliver(sink, 1)
    assert (tmp_path / "orders.jsonl").read_text() == "1\n2\n1\n"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\tx", "\rx"])
async def test_a_spreadsheet_runs_no_text_as_a_formula(
    text: str, make: MakeSink, tmp_path: Path
) -> None:
    for formulas, expected in (("escape", f"'{text}"), ("keep", text)):
        name = f"{formulas}.csv"
        sink = make(path=name, format="csv", columns=("a", "b"), formulas=formulas)
        await sink.open()
        await _deliver(sink, {"a": text, "b": -1})
        with (tmp_path / name).open(newline="") as file:
            assert list(csv.DictReader(file)) == [{"a": expected, "b": "-1"}]


async def test_each_kind_of_value_has_its_place_in_a_row_or_is_refused(
    make: MakeSink, tmp_path: Path
) -> None:
    sink = make(path="orders.csv", format="csv", columns=("a", "b"))
    await sink.open()
    results = await _deliver(
        sink,
        {"a": True, "b": None},
        {"a": 1.5, "c": "left out"},
        {"a": 'say "no",\nnow', "b": "é"},
        {"a": [1]},
        "no object",
    )
    kinds = [type(result) for result in results]
    assert kinds == [type(None), type(None), type(None), Reject, Reject]
    with (tmp_path / "orders.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.reader(file)) == [
            ["a", "b"],
            ["true", ""],
            ["1.5", ""],
            ['say "no",\nnow', "é"],
        ]


async def test_a_message_of_any_id_has_a_file_in_the_folder_itself(
    make: MakeSink, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    sink = make(path="out", format="json")
    await sink.open()
    ids = ["plain-1", "../../etc/x", ".hidden", "a" * 300, "é", "with space"]
    results = await sink.deliver([Delivery(id=i, value=i, type="a.b.c") for i in ids])
    assert results == [None] * len(ids)
    files = [path for path in folder.iterdir() if not path.name.startswith(".")]
    assert sorted(json.loads(path.read_bytes()) for path in files) == sorted(ids)
    assert (folder / "plain-1.json").exists()
