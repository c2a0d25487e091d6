from __future__ import annotations

from typing import Any

import pytest

from crossdock.workers.file_in.settings import CsvSettings, FieldType, FileInSettings
from crossdock.workers.file_in.values import RowValues


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("integer", "+12", 12),
        ("integer", "-0", 0),
        ("number", "1.5e3", 1500.0),
        ("number", "7", 7),
        ("number", ".5", 0.5),
        ("boolean", "TRUE", True),
        ("boolean", "0", False),
        ("string", " NA ", " NA "),
    ],
)
def test_a_column_is_converted(kind: FieldType, text: str, value: Any) -> None:  # noqa: ANN401 - a JSON value
    assert RowValues(["c"], CsvSettings(types={"c": kind})).read([text]) == ({"c": value}, "")


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("integer", "1.0"),
        ("integer", "9" * 19),
        ("integer", "٣"),
        ("integer", "1_000"),
        ("number", "nan"),
        ("number", "inf"),
        ("number", "1e999"),
        ("number", "1,5"),
        ("boolean", "yes"),
    ],
)
def test_what_a_type_does_not_allow_is_refused_by_column(kind: FieldType, text: str) -> None:
    value, error = RowValues(["c"], CsvSettings(types={"c": kind})).read([text])
    assert not value
    assert error.startswith("column 'c' is not")
    assert text not in error


@pytest.mark.parametrize(
    ("empty", "value"),
    [("null", {"c": None}), (None, {"c": None}), ("omit", {}), ("keep", {"c": ""})],
)
@pytest.mark.parametrize("text", ["", "NA"])
def test_an_empty_or_missing_value_becomes_what_the_settings_say(
    text: str,
    empty: Any,  # noqa: ANN401 - one of four literals
    value: dict[str, Any],
) -> None:
    settings = CsvSettings(missing=frozenset({"NA"}), empty=empty)
    assert RowValues(["c"], settings).read([text]) == (value, "")


def test_an_empty_value_of_a_typed_column_is_an_error_when_it_must_be_kept() -> None:
    settings = CsvSettings(types={"c": "number"})
    assert RowValues(["c"], settings).read([""])[1] == "column 'c' is empty, not a number"


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"format": "jsonl", "csv": CsvSettings()}, "only for format: csv"),
        ({"format": "jsonl", "pattern": "../*"}, "holds no /"),
        ({"format": "jsonl", "max_line": 0}, "max_line"),
        ({"format": "jsonl", "folder": ""}, "folder"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any], error: str) -> None:
    with pytest.raises(ValueError, match=error):
        FileInSettings(**{"folder": "inbox", **settings})


@pytest.mark.parametrize(
    "settings",
    [
        {"delimiter": '"'},
        {"delimiter": ";;"},
        {"columns": ("a", "a")},
        {"columns": ("a",), "types": {"b": "integer"}},
    ],
)
def test_csv_settings_that_cannot_be_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"delimiter|columns"):
        CsvSettings(**settings)
