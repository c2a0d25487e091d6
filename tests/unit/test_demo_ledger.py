"""The demo's own judge must not be easy to please: each kind of loss or surplus is told."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from play.checking import Verdict
from play.found import in_files, in_tables
from play.ledger import compare
from play.readings import LIMIT
from play.report import Flow
from play.scene import Script, write_script
from prepare import prepare

TABLES = {"billing-eu": "invoices_eu", "billing-world": "invoices_world"}


@pytest.fixture(scope="module")
def script() -> Script:
    return write_script(300, 200, 400)


@pytest.fixture
def data(script: Script, tmp_path: Path) -> Path:
    """What the systems hold when all went well."""
    prepare(tmp_path)
    data = tmp_path / "data"
    with closing(sqlite3.connect(data / "billing.db")) as database, database:
        for order in script.orders:
            if order.fate in {"billed", "unknown-mail"}:
                table = "invoices_eu" if order.in_union else "invoices_world"
                database.execute(
                    f"INSERT INTO {table} VALUES (?, 'x', 'DE', ?)",  # noqa: S608 - two known names
                    (order.number, float(order.amount)),
                )
    valid = [each for each in script.readings if each.valid]
    with closing(sqlite3.connect(data / "energy.db")) as database, database:
        rows = [(each.meter, each.at, each.kwh, each.watt) for each in valid]
        database.executemany("INSERT INTO readings VALUES (?, ?, ?, ?)", rows)
    over = [each for each in valid if each.watt > LIMIT]
    (data / "alerts" / "alerts.jsonl").write_text(
        "".join(
            json.dumps({"meter": each.meter, "at": each.at, "watt": each.watt}) + "\n"
            for each in over
        )
    )
    return data


def problems(script: Script, data: Path) -> list[str]:
    there = {**in_tables(data), "alerts": in_files(data)["alerts"]}
    wanted = {name: effects for name, effects in script.expected().items() if name in there}
    return [text for place in compare(wanted, there) for text in place.problems()]


def change(data: Path, file: str, statement: str) -> None:
    with closing(sqlite3.connect(data / file)) as database, database:
        assert database.execute(statement).rowcount == 1


def test_what_is_right_balances(script: Script, data: Path) -> None:
    assert problems(script, data) == []


def test_a_row_that_is_missing_is_told(script: Script, data: Path) -> None:
    change(data, "billing.db", "DELETE FROM invoices_eu WHERE rowid = 5")
    (told,) = problems(script, data)
    assert told.startswith("billing-eu: 1 missing, for example 'A-")


def test_a_row_that_is_there_twice_is_told(script: Script, data: Path) -> None:
    change(
        data,
        "billing.db",
        "INSERT INTO invoices_world SELECT * FROM invoices_world WHERE rowid = 3",
    )
    (told,) = problems(script, data)
    assert told.startswith("billing-world: 1 there more than once, for example 'A-")


def test_a_wrong_value_is_told(script: Script, data: Path) -> None:
    change(data, "energy.db", "UPDATE readings SET kwh = kwh + 1 WHERE rowid = 7")
    missing, unexpected = problems(script, data)
    assert missing.startswith("time-series: 1 missing, for example 'm-007 ")
    assert unexpected.startswith("time-series: 1 there, and nobody sent it, for example 'm-007 ")


def test_a_line_that_is_lost_or_doubled_in_a_file_is_told(script: Script, data: Path) -> None:
    file = data / "alerts" / "alerts.jsonl"
    first, second, *rest = file.read_text().splitlines(keepends=True)
    file.write_text("".join([second, second, *rest]))
    missing, twice = problems(script, data)
    assert missing.startswith("alerts: 1 missing")
    assert twice.startswith("alerts: 1 there more than once")
    assert first


def test_a_place_that_nobody_expected_is_told() -> None:
    (place,) = compare({}, {"dead at billing-eu": Counter(["A-1"])})
    assert [*place.problems()] == [
        "dead at billing-eu: 1 there, and nobody sent it, for example 'A-1'"
    ]


@pytest.mark.parametrize(
    ("flow", "at_rest", "balanced"),
    [
        (Flow(name="r", incoming=3, out=1, filtered=1, dead=1), True, True),
        (Flow(name="r", incoming=4, out=1, filtered=1, dead=1), True, False),
        (Flow(name="r", incoming=3, out=1, filtered=1, dead=1), False, False),
    ],
)
def test_in_must_be_out_and_filtered_and_dead_and_all_at_rest_I9(
    flow: Flow, *, at_rest: bool, balanced: bool
) -> None:
    verdict = Verdict(
        sources=[], routes=[flow], destinations=[], places=[], at_rest=at_rest, crm={}
    )
    assert verdict.balanced is balanced
