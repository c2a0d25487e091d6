"""Values to rows, rows to values, positions: the pure parts of the SQL adapters."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.contracts import CrossdockError, Halt, Reject
from crossdock.mesh.project.scalars import Secret, SecretUrl
from crossdock.mesh.project.secrets import resolve_secrets
from crossdock.mesh.sql.location import locate, shown
from crossdock.mesh.sql.values import json_value, sqlite_text
from crossdock.workers.adapter import Delivery
from crossdock.workers.sql_in import SqlInSettings
from crossdock.workers.sql_in.position import Place, Position
from crossdock.workers.sql_out import SqlOutSettings
from crossdock.workers.sql_out.rows import Shape, runs


def rows_of(shape: Shape, values: list[Any]) -> list[Any]:
    deliveries = [Delivery(id=f"id-{i}", value=each, type="a.b.c") for i, each in enumerate(values)]
    results: list[CrossdockError | None] = [None] * len(values)
    rows = list(shape.rows(deliveries, results))
    for refusal in results:
        if refusal is not None:
            raise refusal
    return rows


def test_rows_that_fill_the_same_columns_are_one_run() -> None:
    shape = Shape(["a", "b"], {}, ())
    rows = rows_of(shape, [{"a": 1}, {"a": 2}, {"a": 3, "b": 4}, {"a": 5}])
    assert [len(run) for run in runs(rows, by_key=False)] == [2, 1, 1]


def test_a_key_comes_once_in_a_run() -> None:
    shape = Shape(["a", "b"], {}, ("a",))
    rows = rows_of(shape, [{"a": each, "b": 0} for each in (1, 2, 1, 1, 3)])
    assert [len(run) for run in runs(rows, by_key=True)] == [2, 1, 2]


def test_an_upsert_whose_key_is_a_list_is_compared_by_its_value() -> None:
    shape = Shape(["a"], {}, ("a",))
    rows = rows_of(shape, [{"a": [1]}, {"a": [1]}])
    assert [len(run) for run in runs(rows, by_key=True)] == [1, 1]


def test_hostile_field_names_are_cut_and_do_not_grow_the_memory() -> None:
    shape = Shape([], {}, ())
    with pytest.raises(Reject) as caught:
        rows_of(shape, [{"x" * 10_000: 1}])
    assert len(caught.value.reason) < 200
    lenient = Shape([f"c{each}" for each in range(1000)], {}, ())
    for each in range(1000):
        rows_of(lenient, [{f"c{each}": 1}])
    assert len(lenient._layouts) <= 256


def test_a_row_is_shown_without_its_cells() -> None:
    assert "hidden" not in repr(rows_of(Shape(["a"], {}, ()), [{"a": "hidden"}]))


@pytest.mark.parametrize(
    ("value", "text", "expected"),
    [
        (Decimal("1.50"), False, 1.5),
        (Decimal("1.50"), True, "1.50"),
        (Decimal(10) ** 18, False, 10**18),
        (Decimal("1E+3"), False, 1000),
        (b"\x00\xff", False, "AP8="),
        ([Decimal("0.1"), {"a": b""}], False, [0.1, {"a": ""}]),
        (True, False, True),
    ],
)
def test_values_become_json(value: object, text: bool, expected: object) -> None:  # noqa: FBT001 - a case
    assert json_value(value, decimal_text=text) == expected


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), Decimal("NaN"), sqlite_text(b"\xff"), object(), {1}]
)
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="holds"):
        json_value(value, decimal_text=False)


@settings(deadline=None)
@given(data=st.data(), overlap=st.integers(0, 4), batch=st.integers(1, 5))
def test_no_row_is_skipped_and_none_is_done_twice(
    data: st.DataObject, overlap: int, batch: int
) -> None:
    """A model of the source: rows appear late, are acknowledged by batches, crashes forget."""
    table: list[Place] = [(each,) for each in range(20)]
    saved = position = Position()
    pending: list[Place] = []
    done: list[Place] = []
    for _ in range(200):
        if len(done) == len(table):
            break
        above = [each for each in table if position.low is None or each > position.low]
        limit = batch + len(pending) + len(position.done) + overlap
        listing = above[:limit]
        known = set(pending) | set(position.done)
        pending += [each for each in listing if each not in known][:batch]
        acknowledged = pending[: data.draw(st.integers(0, len(pending)))]
        del pending[: len(acknowledged)]
        done += acknowledged
        position = position.after(
            set(acknowledged),
            listing,
            whole=len(listing) < limit,
            overlap=overlap,
            passable=len(listing),
        )
        if acknowledged:
            saved = position
        if data.draw(st.integers(0, 5)) == 0:  # a crash
            position, pending = saved, []
    else:
        return  # Hypothesis acknowledged nothing for long: no end to judge
    assert sorted(done) == table


def test_a_row_that_is_not_done_holds_the_position_back() -> None:
    position = Position().after({(2,), (3,)}, [(1,), (2,), (3,)], whole=True, overlap=0, passable=3)
    assert position == Position(None, ((2,), (3,)))
    assert position.after(
        {(1,)}, [(1,), (2,), (3,)], whole=True, overlap=0, passable=3
    ) == Position((3,))


def test_deleted_rows_leave_the_position() -> None:
    position = Position(None, ((1,), (2,)))
    assert position.after({(3,)}, [(2,), (3,)], whole=True, overlap=5, passable=2).done == (
        (2,),
        (3,),
    )


def test_a_relative_sqlite_path_starts_at_the_project_folder() -> None:
    assert locate("sqlite:///data/x.db", Path("/project")).database == "/project/data/x.db"
    assert locate("sqlite:////data/x.db", Path("/project")).database == "/data/x.db"


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "mysql://user:hidden@host/db",
        "sqlite:///:memory:",
        "sqlite://",
        "postgresql://user:hidden@host:port/db",
    ],
)
def test_urls_that_cannot_be_used_halt_and_are_not_told(text: str) -> None:
    with pytest.raises(Halt) as caught:
        locate(text, Path("/project"))
    assert "hidden" not in f"{caught.value!r}{caught.value.__cause__!r}"


def test_a_database_is_shown_without_user_password_and_options() -> None:
    url = locate("postgresql://user:hidden@host/db?password=hidden", Path())
    assert shown(url) == "PostgreSQL database db at host:5432"


def test_a_referenced_url_is_resolved_at_run_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_DATABASE", "sqlite:///x.db")
    settings = SqlOutSettings(url=SecretUrl.parse("${env:TEST_DATABASE}"), table="things")
    resolved = resolve_secrets(settings, Path())
    assert resolved.url == Secret("sqlite:///x.db")
    assert "x.db" not in repr(resolved)


def test_settings_that_make_no_sense_together_are_refused() -> None:
    url = SecretUrl("sqlite:///x.db")
    with pytest.raises(ValueError, match="upsert needs key"):
        SqlOutSettings(url=url, table="a", mode="upsert")
    with pytest.raises(ValueError, match="same table"):
        SqlOutSettings(url=url, table="crossdock_inbox")
    with pytest.raises(ValueError, match="another column"):
        SqlInSettings(url=url, table="a", key="id", tie="id")
    with pytest.raises(ValueError, match="overlap"):
        SqlInSettings(url=url, table="a", key="id", overlap=-1)
