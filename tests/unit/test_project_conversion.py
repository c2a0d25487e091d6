from __future__ import annotations

from typing import Annotated, Any, Literal

import jsonschema_rs
import msgspec
import pytest

from crossdock.mesh.project.conversion import convert
from crossdock.mesh.project.document import parse
from crossdock.mesh.project.problems import ProjectError
from crossdock.mesh.project.scalars import Duration, Secret, Size
from crossdock.mesh.project.settings import MeshFile
from crossdock.mesh.project.type_schema import schema_of


class File(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="file", tag_field="kind"):
    path: str


class Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="table", tag_field="kind"):
    table: str
    key: tuple[str, ...] = ()
    limit: int = 5

    def __post_init__(self) -> None:
        if self.limit > 10:
            raise ValueError("limit is 10 at most")


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    target: File | Table | None = None
    all: tuple[File | Table, ...] = ()
    to: str | tuple[str, ...] = ""
    mode: Literal["insert", "upsert"] = "insert"
    share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    wait: Duration | None = None
    size: Size = Size(1)
    password: Secret | None = None
    headers: dict[str, str] = {}
    pair: tuple[int, str] | None = None
    anything: Any = None


def convert_text(text: str) -> Settings:
    return convert(parse(text.encode(), "s.yaml"), Settings)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tagret: 1", ["1 unknown key 'tagret'; did you mean 'target'?"]),
        ("to: 3", ["1 expected a string or a list"]),
        ("to: [a,\n  3]", ["2 expected a string"]),
        ("target: {kind: flie, path: a}", ['1 not one of the allowed values: "file", "table"']),
        ("target: {path: a}", ["1 missing key 'kind': add it"]),
        ("target: {kind: file}", ["1 missing key 'path': add it"]),
        ("target:\n  kind: table\n  table: 7", ["3 expected a string"]),
        ("target: a", ["1 expected an object or null"]),
        ("all:\n- kind: file\n  path: a\n- kind: x", ['4 not one of the allowed values: "file",']),
        ("mode: update", ['1 not one of the allowed values: "insert", "upsert"']),
        ("share: 1.5", ["1 greater than 1"]),
        ("wait: 30", ["1 not a duration: write for example 500ms"]),
        ("size: 1MB", ["1 not a size: write for example 512B"]),
        ("password: hunter2", ["1 a secret is never written into a file: write ${env:NAME}"]),
        ("headers: {a: 1}", ["1 expected a string"]),
        ("pair: [1]", ["1 fewer than 2 items"]),
        ("- a", ["1 expected an object"]),
        ("", ["1 nothing is there: fill it in"]),
        (
            "all:\n- {kind: table, table: a, limit: 11}\n- {kind: table, table: a, limit: 12}",
            ["2 limit is 10 at most", "3 limit is 10 at most"],
        ),
    ],
)
def test_each_problem_has_its_line_and_says_what_to_do(text: str, expected: list[str]) -> None:
    with pytest.raises(ProjectError) as caught:
        convert_text(text)
    told = [
        f"{each.place.removeprefix('s.yaml:')} {each.message}" for each in caught.value.problems
    ]
    assert len(told) == len(expected)
    for each, beginning in zip(told, expected, strict=True):
        assert each.startswith(beginning)


def test_i6_a_literal_secret_is_in_no_text() -> None:
    with pytest.raises(ProjectError) as caught:
        convert_text("password: hunter2")
    assert "hunter2" not in str(caught.value)


def test_all_that_is_right_becomes_the_type() -> None:
    settings = convert_text(
        "target: {kind: table, table: t, key: [a]}\n"
        "all: [{kind: file, path: p}]\nto: [a, b]\nmode: upsert\nshare: 1\nwait: 2m\n"
        "size: 2KiB\npassword: '${env:P}'\nheaders: {a: b}\npair: [1, b]\nanything: [{}]\n"
    )
    assert settings == Settings(
        target=Table(table="t", key=("a",)),
        all=(File(path="p"),),
        to=("a", "b"),
        mode="upsert",
        share=1.0,
        wait=Duration(120),
        size=Size(2048),
        password=Secret("${env:P}"),
        headers={"a": "b"},
        pair=(1, "b"),
        anything=[{}],
    )


def test_a_part_that_is_not_there_counts_as_empty() -> None:
    document = parse(b"a: 1\n", "s.yaml")
    assert convert(document, Settings, ("settings",)) == Settings()
    with pytest.raises(ProjectError, match="missing key 'kind'"):
        convert(document, File, ("settings",))


@pytest.mark.parametrize("kind", [MeshFile, Settings])
def test_the_schema_of_a_settings_type_is_a_json_schema(kind: type) -> None:
    assert jsonschema_rs.meta.is_valid(schema_of(kind))


def test_a_type_that_no_file_can_hold_is_refused() -> None:
    class Odd(msgspec.Struct):
        data: bytes

    with pytest.raises(TypeError, match="BytesType"):
        schema_of(Odd)
