from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from crossdock.contracts import Disconnected, Halt
from crossdock.mesh.project.scalars import Duration, Size
from crossdock.workers.adapter import Received, WorkerContext
from crossdock.workers.file_in import CsvSettings, FileInSettings, FileSource

Make = Callable[..., FileSource]


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
async def make(tmp_path: Path) -> AsyncIterator[Make]:
    made: list[FileSource] = []

    def source(batch: int = 100, **settings: Any) -> FileSource:  # noqa: ANN401 - any setting
        defaults = {"folder": "inbox", "format": "jsonl", "poll": Duration(0.01)}
        chosen = FileInSettings(**{"settle": Duration(0), **defaults, **settings})
        context = WorkerContext(mesh="test", worker="reader", folder=tmp_path, batch=batch)
        made.append(FileSource(chosen, context))
        return made[-1]

    yield source
    for each in made:
        await each.close()


def _open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


async def _some(source: FileSource) -> list[Received]:
    for _ in range(100):
        if things := await source.receive():
            return list(things)
    raise AssertionError("nothing came")


async def test_a_file_is_moved_only_when_everything_in_it_was_acknowledged(
    inbox: Path, make: Make
) -> None:
    (inbox / "a.jsonl").write_text("1\n2\n")
    source = make()
    await source.open()
    things = await _some(source)
    await source.acknowledge(things[:1])
    await source.receive()
    assert (inbox / "a.jsonl").exists()
    await source.acknowledge(things[1:])
    assert (inbox / "done" / "a.jsonl").read_text() == "1\n2\n"
    assert not list((inbox / ".crossdock").iterdir())


async def test_a_name_that_is_taken_in_done_gets_a_suffix(inbox: Path, make: Make) -> None:
    source = make()
    await source.open()
    for text in ("1\n", "2\n", "3\n"):
        (inbox / "a.jsonl").write_text(text)
        await source.acknowledge(await _some(source))
    moved = {path.read_text() for path in (inbox / "done").glob("a*.jsonl")}
    assert moved == {"1\n", "2\n", "3\n"}


async def test_the_same_file_again_gives_the_same_ids_and_other_lines_give_others(
    inbox: Path, make: Make
) -> None:
    source = make()
    await source.open()
    ids = []
    for text in ("1\n1\n", "1\n1\n", "1\n2\n"):
        (inbox / "a.jsonl").write_text(text)
        things = await _some(source)
        ids.append([thing.id for thing in things])
        await source.acknowledge(things)
    assert ids[0] == ids[1]
    assert ids[0][0] == ids[2][0]
    assert len({*ids[0], *ids[2]}) == 3


async def test_links_pipes_hidden_and_other_names_are_left_alone(
    inbox: Path, make: Make, tmp_path: Path
) -> None:
    (tmp_path / "secret.jsonl").write_text('"secret"\n')
    (inbox / "link.jsonl").symlink_to(tmp_path / "secret.jsonl")
    os.mkfifo(inbox / "pipe.jsonl")
    (inbox / "folder.jsonl").mkdir()
    (inbox / ".hidden.jsonl").write_text("1\n")
    (inbox / "other.csv").write_text("1\n")
    (inbox / "good.jsonl").write_text("7\n")
    source = make()
    await source.open()
    things = await _some(source)
    await source.acknowledge(things)
    assert [thing.value for thing in things] == [7]
    assert not await source.receive()
    assert (inbox / "link.jsonl").is_symlink()


async def test_a_file_that_became_a_link_after_it_was_seen_is_refused_and_holds_up_no_other(
    inbox: Path, make: Make, tmp_path: Path
) -> None:
    (tmp_path / "secret.jsonl").write_text('"secret"\n')
    for name in ("a.jsonl", "b.jsonl", "c.jsonl"):
        (inbox / name).write_text("1\n")
    source = make(1)
    await source.open()
    await source.acknowledge(await _some(source))  # has seen all three
    (inbox / "b.jsonl").unlink()
    (inbox / "b.jsonl").symlink_to(tmp_path / "secret.jsonl")
    (thing,) = await _some(source)
    assert thing.place == "c.jsonl:1"


@pytest.mark.parametrize("name", [".crossdock", "done"])
async def test_a_folder_of_ours_that_is_a_link_halts(
    name: str, inbox: Path, make: Make, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").mkdir()
    (inbox / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Halt):
        await make().open()


async def test_a_missing_folder_is_disconnected_until_it_is_there(
    tmp_path: Path, make: Make
) -> None:
    source = make()
    with pytest.raises(Disconnected):
        await source.open()
    (tmp_path / "inbox").mkdir()
    await source.open()


async def test_a_file_that_is_still_written_to_waits(inbox: Path, make: Make) -> None:
    source = make(settle=Duration(0.2), poll=Duration(0.01))
    await source.open()
    path = inbox / "a.jsonl"
    with path.open("a") as file:
        for number in range(5):
            file.write(f"{number}\n")
            file.flush()
            assert not await source.receive()
    things = await _some(source)
    assert [thing.value for thing in things] == [0, 1, 2, 3, 4]


async def test_a_file_that_grows_while_it_is_read_is_read_on(inbox: Path, make: Make) -> None:
    source = make()
    await source.open()
    path = inbox / "a.jsonl"
    path.write_text("1\n")
    things = await _some(source)
    with path.open("a") as file:
        file.write("2\n")
    await source.acknowledge(things)
    more = await _some(source)
    assert [(thing.value, thing.place) for thing in more] == [(2, "a.jsonl:2")]
    await source.acknowledge(more)
    assert (inbox / "done" / "a.jsonl").read_text() == "1\n2\n"


async def test_a_file_that_was_replaced_while_no_one_read_it_is_read_from_its_start(
    inbox: Path, make: Make
) -> None:
    (inbox / "a.jsonl").write_text("1\n2\n3\n")
    source = make()
    await source.open()
    await source.acknowledge((await _some(source))[:2])
    await source.close()
    new = inbox / ".new"
    new.write_text("4\n5\n6\n")
    new.replace(inbox / "a.jsonl")
    await source.open()
    assert [thing.value for thing in await _some(source)] == [4, 5, 6]


async def test_progress_that_a_crash_tore_is_passed_over(inbox: Path, make: Make) -> None:
    (inbox / "a.jsonl").write_text("1\n2\n3\n")
    source = make()
    await source.open()
    await source.acknowledge((await _some(source))[:1])
    await source.close()
    (state,) = (inbox / ".crossdock").iterdir()
    with state.open("ab") as file:
        file.write(b"4 2 12")
    await source.open()
    things = await _some(source)
    assert [thing.value for thing in things] == [2, 3]
    await source.acknowledge(things[:1])
    await source.close()
    await source.open()
    assert [thing.value for thing in await _some(source)] == [3]


async def test_a_csv_file_without_a_good_header_goes_to_failed_and_says_why(
    inbox: Path, make: Make
) -> None:
    (inbox / "a.csv").write_text("a,a\n1,2\n")
    source = make(format="csv")
    await source.open()
    (thing,) = await _some(source)
    assert thing.place == "a.csv:1"
    assert thing.error is not None
    assert "two columns have the same name" in thing.error
    await source.acknowledge([thing])
    assert (inbox / "failed" / "a.csv").exists()


async def test_a_broken_json_file_goes_to_failed_also_after_a_restart(
    inbox: Path, make: Make
) -> None:
    (inbox / "a.json").write_text("{")
    (inbox / "b.json").write_text('{"much": "more than ten"}')
    source = make(1, format="json", max_file=Size(10))
    await source.open()
    (thing,) = await source.receive()
    assert thing.raw == b"{"
    await source.acknowledge([thing])
    await source.close()
    await source.open()
    (other,) = await _some(source)
    await source.acknowledge([other])
    await source.receive()
    assert other.error is not None
    assert other.error.startswith("file larger than max_file (10 bytes)")
    assert {path.name for path in (inbox / "failed").iterdir()} == {"a.json", "b.json"}


async def test_broken_rows_are_received_with_bytes_and_place_between_good_ones(
    inbox: Path, make: Make
) -> None:
    (inbox / "hr.csv").write_bytes(b"id;age\n1;30\n2\n3;x\n4;\xff\n5;NA\n")
    csv = CsvSettings(
        delimiter=";", types={"age": "integer"}, missing=frozenset({"NA"}), empty="null"
    )
    source = make(format="csv", csv=csv)
    await source.open()
    things = await _some(source)
    assert [(thing.place, thing.raw, thing.error) for thing in things if thing.error] == [
        ("hr.csv:3", b"2", "the row has 1 fields, the columns are 2"),
        ("hr.csv:4", b"3;x", "column 'age' is not an integer"),
        ("hr.csv:5", b"4;\xff", "not valid utf-8"),
    ]
    good = [thing.value for thing in things if not thing.error]
    assert good == [{"id": "1", "age": 30}, {"id": "5", "age": None}]
    await source.acknowledge(things)
    assert (inbox / "done" / "hr.csv").exists()


async def test_state_of_a_file_that_a_person_took_away_is_removed(inbox: Path, make: Make) -> None:
    (inbox / "a.jsonl").write_text("1\n2\n")
    source = make(1)
    await source.open()
    await source.acknowledge(await _some(source))
    await source.close()
    assert list((inbox / ".crossdock").iterdir())
    (inbox / "a.jsonl").unlink()
    await source.open()
    assert not list((inbox / ".crossdock").iterdir())


async def test_an_empty_file_and_one_with_only_a_header_are_done(inbox: Path, make: Make) -> None:
    (inbox / "a.csv").write_text("")
    (inbox / "b.csv").write_text("a,b\n")
    source = make(format="csv")
    await source.open()
    assert not await source.receive()
    assert {path.name for path in (inbox / "done").iterdir()} == {"a.csv", "b.csv"}


async def test_one_batch_of_long_lines_is_bounded_in_bytes(inbox: Path, make: Make) -> None:
    line = '"' + "x" * 1_000_000 + '"\n'
    (inbox / "a.jsonl").write_text(line * 40)
    source = make()
    await source.open()
    sizes = []
    while things := await source.receive():
        sizes.append(len(things))
        await source.acknowledge(things)
    assert sum(sizes) == 40
    assert max(sizes) <= 17


async def test_many_small_files_are_read_with_few_open_at_once(inbox: Path, make: Make) -> None:
    for number in range(300):
        (inbox / f"{number:03}.json").write_text(str(number))
    source = make(500, format="json")
    await source.open()
    before = _open_files()
    values: list[int] = []
    while things := await source.receive():
        values += [thing.value for thing in things]
        assert _open_files() < before + 200
        await source.acknowledge(things)
    assert values == list(range(300))
