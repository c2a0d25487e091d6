"""Every byte of any file is in exactly one record, or in a blank line: none lost, none twice."""

from __future__ import annotations

import io
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crossdock.workers.file_in.lines import LineReader
from crossdock.workers.file_in.records import Record, json_record, jsonl_records
from crossdock.workers.file_in.rows import BadHeader, csv_records, read_header
from crossdock.workers.file_in.settings import CsvSettings
from crossdock.workers.file_in.values import RowValues

_LIMIT = 40
_anything = st.binary(max_size=400)
_pieces = st.sampled_from(
    [
        b"a",
        b",",
        b'"',
        b'""',
        b"\n",
        b"\r\n",
        b"\r",
        b"{",
        b"}",
        b"1",
        b"\xff",
        b"\0",
        b" ",
        b"x" * 30,
    ]
)
_csv_like = st.lists(_pieces, max_size=60).map(b"".join)
_hostile = _anything | _csv_like


def _jsonl(data: bytes, limit: int = _LIMIT) -> list[Record]:
    return list(jsonl_records(LineReader(io.BytesIO(data), limit)))


def _csv(data: bytes, columns: tuple[str, ...] = ("a", "b"), limit: int = _LIMIT) -> list[Record]:
    settings = CsvSettings(columns=columns)
    lines = LineReader(io.BytesIO(data), limit)
    return list(csv_records(lines, settings, RowValues(columns, settings)))


def _outside(data: bytes, records: list[Record]) -> bytes:
    """Check that records follow each other without overlap; return what is in none of them."""
    position, outside = 0, b""
    for record in records:
        assert position <= record.start < record.end <= len(data)
        outside += data[position : record.start]
        position = record.end
    return outside + data[position:]


@given(_hostile)
def test_every_line_of_any_file_is_read_or_broken_as_jsonl(data: bytes) -> None:
    records = _jsonl(data)
    text = data.removeprefix(b"\xef\xbb\xbf")
    assert _outside(data, records).removeprefix(b"\xef\xbb\xbf").strip() == b""
    filled = [line for line in text.split(b"\n") if line.strip()]
    assert len(records) == len(filled)
    for record in records:
        assert record.error is not None or record.value == json.loads(record.raw)


@given(_hostile)
@example(b'"a\n1,2\n')
@example(b'1,2\n"x\n\n3,4\n5,"6\n7"\n')
def test_every_line_of_any_file_is_read_or_broken_as_csv(data: bytes) -> None:
    records = _csv(data)
    assert _outside(data, records).strip(b"\r\n") == b""
    for record in records:
        assert (record.error is None) == isinstance(record.value, dict)


@given(_hostile)
def test_reading_on_from_any_record_gives_the_rest(data: bytes) -> None:
    records = _csv(data)
    settings = CsvSettings(columns=("a", "b"))
    for index, record in enumerate(records):
        lines = LineReader(io.BytesIO(data), _LIMIT, offset=record.end, number=record.last_line)
        rest = list(csv_records(lines, settings, RowValues(("a", "b"), settings)))
        assert rest == records[index + 1 :]


@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=8)), max_size=10))
def test_what_was_written_as_csv_is_read_back(rows: list[tuple[str, str]]) -> None:
    rows = [(a.replace("\r", ""), b.replace("\r", "")) for a, b in rows]
    quoted = [",".join('"' + field.replace('"', '""') + '"' for field in row) for row in rows]
    records = _csv("\r\n".join(quoted).encode(), limit=1000)
    assert [(record.value["a"], record.value["b"]) for record in records] == rows


@given(_hostile)
def test_a_header_of_any_bytes_is_read_or_refused(data: bytes) -> None:
    lines = LineReader(io.BytesIO(data), _LIMIT)
    try:
        columns = read_header(lines, CsvSettings())
    except BadHeader as error:
        columns, record = (), error.record
        assert record.error is not None and record.whole_file  # noqa: PT018 - either may be
    assert len(set(columns)) == len(columns)


@given(_hostile)
def test_any_json_file_is_read_or_broken(data: bytes) -> None:
    record = json_record(io.BytesIO(data), 100)
    assert record.error is not None or record.value == json.loads(record.raw)
    assert record.whole_file == (record.error is not None)


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"1,2,3", "the row has 3 fields, the columns are 2"),
        (b"1", "the row has 1 fields, the columns are 2"),
        (b"\xff,2", "not valid utf-8"),
        (b'"1"x,2', "not well-formed CSV"),
        (b"1," + b"2" * 50, "line longer than max_line (40 bytes)"),
    ],
)
def test_a_broken_row_says_why_and_harms_no_other(line: bytes, error: str) -> None:
    before, broken, after = _csv(b"1,2\n" + line + b"\n3,4\n")
    assert (before.value, after.value) == ({"a": "1", "b": "2"}, {"a": "3", "b": "4"})
    assert broken.number == 2
    assert line.startswith(broken.raw)
    assert broken.error is not None
    assert broken.error.startswith(error)


def test_a_stray_quote_swallows_no_good_row() -> None:
    records = _csv(b'1,2\n3,"4\n5,6\n7,8\n')
    assert [(record.number, record.error is None) for record in records] == [
        (1, True),
        (2, False),
        (3, True),
        (4, True),
    ]


def test_a_row_may_go_over_several_lines() -> None:
    (first, second) = _csv(b'1,"two\r\nlines ""and"" quotes"\r\n3,4')
    assert first.value == {"a": "1", "b": 'two\r\nlines "and" quotes'}
    assert (first.number, first.last_line, second.number) == (1, 2, 3)


def test_a_byte_order_mark_is_no_part_of_the_first_column() -> None:
    assert read_header(LineReader(io.BytesIO(b"\xef\xbb\xbfa,b\n"), 99), CsvSettings()) == (
        "a",
        "b",
    )
    assert _jsonl(b"\xef\xbb\xbf1\n")[0].value == 1
    assert json_record(io.BytesIO(b"\xef\xbb\xbf1"), 9).value == 1


@pytest.mark.parametrize(
    ("header", "error"),
    [
        (b"a,a", "two columns have the same name"),
        (b"a,,b", "column 2 has no name"),
        (b"a,c", "it has no column 'b', which types names"),
        (b'"a', "not well-formed CSV"),
    ],
)
def test_a_header_that_names_no_columns_refuses_the_file(header: bytes, error: str) -> None:
    settings = CsvSettings(types={"b": "integer"})
    with pytest.raises(BadHeader, match=error):
        read_header(LineReader(io.BytesIO(header + b"\n1,2\n"), 99), settings)


def test_deep_json_is_broken_and_not_a_crash() -> None:
    (record,) = _jsonl(b"[" * 50_000, limit=100_000)
    assert record.error == "JSON nested too deeply"


def test_a_value_is_in_no_error_and_no_repr() -> None:
    settings = CsvSettings(columns=("a", "b"), types={"b": "integer"})
    lines = LineReader(io.BytesIO(b"1,secret\n"), 99)
    (record,) = csv_records(lines, settings, RowValues(("a", "b"), settings))
    assert record.error == "column 'b' is not an integer"
    assert "secret" not in repr(record)
