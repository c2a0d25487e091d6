from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.mesh.project.document import MAX_BYTES, MAX_DEPTH, parse, read
from crossdock.mesh.project.problems import ProjectError

LAUGHS = b"a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: [*c, *c]\n"


def refused(data: bytes) -> list[str]:
    with pytest.raises(ProjectError) as caught:
        parse(data, "f.yaml")
    return [f"{each.place} {each.message}" for each in caught.value.problems]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a: 1\nb: 2\na: 3\n", "f.yaml:3 key 'a' is there twice, first in line 1"),
        (b"a:\n  b: {c: 1, c: 2}\n", "f.yaml:2 key 'c' is there twice, first in line 2"),
        (b"a: &x 1\n", "f.yaml:1 anchors (&) and aliases (*) are not allowed"),
        (b"a: 1\n<<: *x\n", "f.yaml:2 anchors (&) and aliases (*) are not allowed"),
        (b"a: !!python/object/apply:os.system [id]\n", "f.yaml:1 tags (!) are not allowed"),
        (b"\na: !!binary aGk=\n", "f.yaml:2 tags (!) are not allowed"),
        (b"1: a\n", "f.yaml:1 a key must be text: put it in quotes"),
        (b"a: 1\ntrue: b\n", "f.yaml:2 a key must be text"),
        (b"? [a]\n: b\n", "f.yaml:1 a key must be text"),
        (b"a: 1\n---\nb: 2\n", "f.yaml:2 holds several documents"),
        (b"a: [\n", "f.yaml:2 not YAML"),
        (b"a: 1\n  b: 2\n", "f.yaml:2 not YAML: mapping values are not allowed"),
        (b"a: 1\n\tb: 2\n", "f.yaml:2 not YAML"),
        (b"a: 1\nb: \xff\n", "f.yaml:2 not UTF-8"),
        (b"a: 1\nb: \x07\n", "f.yaml:2 holds a control character"),
        (b"[" * 200, f"f.yaml:1 nested deeper than {MAX_DEPTH} levels"),
        (b"[" * 100_000, "f.yaml:1 not YAML: exceeded maximum nesting depth"),
        (b"{a: " * 200, f"f.yaml:1 nested deeper than {MAX_DEPTH} levels"),
        (b"? " * 200, f"f.yaml:1 nested deeper than {MAX_DEPTH} levels"),
    ],
)
def test_hostile_yaml_is_refused_with_its_line(data: bytes, expected: str) -> None:
    assert refused(data)[0].startswith(expected)


def test_a_billion_laughs_are_refused_at_each_anchor() -> None:
    assert len(refused(LAUGHS)) > 6


def test_every_refused_thing_is_told_at_once() -> None:
    assert len(refused(b"a: 1\na: 2\nb: !x 1\nc: &d 1\n2: 3\n")) == 4


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("12", 12),
        ("-3", -3),
        ("007", 7),
        ("1.50", 1.5),
        ("1e3", 1000.0),
        ("'12'", "12"),
        ("12:30:00", "12:30:00"),
        ("2024-01-01", "2024-01-01"),
        (".inf", ".inf"),
        ("9" * 400, "9" * 400),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    assert parse(f"a: {text}\n".encode(), "f.yaml").value == {"a": value}


def test_every_value_has_its_line() -> None:
    document = parse(b"a: 1\nb:\n  - c: 1\n  - d:\n      e: |\n        x\n        y\n", "f.yaml")
    places = [
        document.place(path)
        for path in ((), ("b",), ("b", 1), ("b", 1, "d", "e"), ("b", 1, "nowhere", "z"))
    ]
    assert places == ["f.yaml:1", "f.yaml:2", "f.yaml:4", "f.yaml:6", "f.yaml:4"]
    assert document.place(("b", 1, "d", "e"), row=1) == "f.yaml:7"


def test_pointers_and_paths_are_each_others_opposite() -> None:
    document = parse(b"a/b: [{'0': {c~d: 1}}]\n", "f.yaml")
    path = ("a/b", 0, "0", "c~d")
    assert document.path_of(document.problem("x", path).pointer) == path


@given(st.binary(max_size=100))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(ProjectError):
        parse(data, "f.yaml")


@given(st.text(alphabet="ab:-?[]{}!&*|>'\"\n #%@,0", max_size=60))
@settings(max_examples=500, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(ProjectError):
        parse(text.encode(), "f.yaml")


def test_a_file_outside_of_the_project_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("a: 1")
    project = tmp_path / "p"
    project.mkdir()
    (project / "link.yaml").symlink_to(tmp_path / "secret.yaml")
    (project / "folder").symlink_to(tmp_path)
    linked = ("link.yaml", "folder/secret.yaml", "folder/p/link.yaml")
    for file in ("../secret.yaml", "a/../../secret.yaml", *linked, str(tmp_path / "secret.yaml")):
        with pytest.raises(ProjectError, match="lies outside the project folder"):
            read(project, file)


def test_a_link_within_the_project_is_followed_as_kubernetes_mounts_files(tmp_path: Path) -> None:
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "mesh.yaml").write_text("mesh: a")
    (tmp_path / "mesh.yaml").symlink_to("..data/mesh.yaml")
    assert read(tmp_path, "mesh.yaml").value == {"mesh": "a"}


def test_a_file_that_is_too_large_missing_or_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "large.yaml").write_bytes(b"#" * (MAX_BYTES + 1))
    (tmp_path / "folder.yaml").mkdir()
    for file, text in (
        ("large.yaml", "larger than"),
        ("gone.yaml", "no such file"),
        ("folder.yaml", "is a directory"),
        ("a\0b", "not a file name"),
    ):
        with pytest.raises(ProjectError, match=text):
            read(tmp_path, file)
