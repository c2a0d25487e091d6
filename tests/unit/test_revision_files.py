from __future__ import annotations

from pathlib import Path

import pytest

from crossdock.contracts import Halt
from crossdock.mesh.registry.comparing import compare, text_diff
from crossdock.mesh.registry.folders import read_project, write_files
from crossdock.mesh.registry.leaks import find_leaks
from crossdock.mesh.registry.paths import Item, belongs, item_of
from crossdock.mesh.registry.revision import (
    Note,
    digest_of,
    make_lists,
    pack,
    read_lists,
    unpack,
)


@pytest.mark.parametrize(
    "path",
    [
        "mesh.yaml",
        "clients.yaml",
        "routes/a.yaml",
        "routes/a map.jsonata",
        "contracts/sales/order.placed/1.0.0-beta.1+x.schema.json",
        "contracts/definitions/address.json",
        "steps/taxes.py",
        "steps/_shared.py",
    ],
)
def test_a_file_of_a_project_belongs_to_a_revision(path: str) -> None:
    assert belongs(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/mesh.yaml",
        "other.yaml",
        "routes",
        "routes/",
        "routes/../mesh.yaml",
        "routes/./a.yaml",
        "routes//a.yaml",
        "routes/.a.yaml",
        "routes/a.pem",
        "routes/a.py",
        "steps/deep/a.py",
        "routes\\a.yaml",
        "routes/a\n.yaml",
        "routes/a\x00.yaml",
        "secrets/a.yaml",
        ".crossdock/connection.json",
        "routes/" + "a/" * 10 + "b.yaml",
        "routes/" + "a" * 600 + ".yaml",
    ],
)
def test_nothing_else_does(path: str) -> None:
    assert not belongs(path)


def test_a_file_is_told_by_what_it_is_a_part_of() -> None:
    assert item_of("contracts/sales/order.placed/1.2.0.schema.json") == Item(
        "contract", "sales.order.placed", "1.2.0"
    )
    assert item_of("contracts/sales/order.placed/examples/a.json") == Item(
        "contract", "sales.order.placed", main=False
    )
    assert item_of("contracts/definitions/address.json").kind == "definition"
    assert item_of("routes/orders.yaml") == Item("route", "orders")
    assert item_of("routes/orders.jsonata") == Item("route", "orders", main=False)
    assert item_of("apis/shop.yaml").kind == "api"
    assert item_of("calls/prices.yaml").kind == "call"
    assert item_of("mesh.yaml").kind == "mesh"


def test_what_differs_is_told_by_path() -> None:
    changes = compare({"routes/a.yaml": "1", "routes/b.yaml": "1"}, {"routes/a.yaml": "2"})
    assert [(each.sign, each.path) for each in changes] == [
        ("changed", "routes/a.yaml"),
        ("removed", "routes/b.yaml"),
    ]
    assert compare({"routes/a.yaml": "1"}, {"routes/a.yaml": "1"}) == []


def test_a_diff_is_bounded_and_cannot_write_to_a_terminal() -> None:
    assert text_diff(b"a\nb\n", b"a\nc\n")[1:] == [" a", "-b", "+c"]
    assert "\x1b" not in "".join(text_diff(b"", b"\x1b[2J\x07"))
    lines = text_diff(b"", b"x\n" * 10_000)
    assert len(lines) == 401
    assert lines[-1] == "… 9601 lines more"
    assert max(map(len, text_diff(b"", b"x" * 10_000))) < 250


def test_a_small_change_of_many_files_makes_one_new_list() -> None:
    files = {f"routes/r{n}.yaml": digest_of(b"%d" % n) for n in range(5000)}
    before = make_lists(files)
    after = make_lists(files | {"routes/r7.yaml": digest_of(b"other")})
    assert len(before) == 16
    assert len(after.keys() - before.keys()) == 1
    assert read_lists(before.values()) == files


def test_content_that_is_not_what_its_digest_says_or_too_large_is_refused() -> None:
    content = b"x" * 100_000
    assert unpack(pack(content), digest_of(content)) == content
    for stored in (pack(b"y"), b"not packed at all", pack(content)[:-9]):
        with pytest.raises(Halt, match="damaged"):
            unpack(stored, digest_of(content))
    with pytest.raises(Halt, match="damaged"):  # as of a bomb (I8)
        unpack(pack(content), digest_of(content), most=1000)


@pytest.mark.parametrize("text", ["", " ", "two\nlines", "\x1b[31m", "x" * 1001])
def test_who_and_why_are_one_line(text: str) -> None:
    with pytest.raises(ValueError, match="one line"):
        Note(author="ann", reason=text)


def test_a_project_is_read_and_written_as_it_was(tmp_path: Path) -> None:
    project = tmp_path / "project"
    for path, text in {
        "mesh.yaml": "mesh: t",
        "values.yaml": "not ours",
        "routes/a.yaml": "a",
        "routes/.hidden.yaml": "x",
        "workers/w.yaml": "password: ${file:workers/token.json}",
        "workers/token.json": "secret",
        "workers/notes.txt": "x",
        ".crossdock/connection.json": "secret",
    }.items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(text)
    found = read_project(project)
    assert set(found.files) == {"mesh.yaml", "routes/a.yaml", "workers/w.yaml"}
    assert found.left_out == ("workers/notes.txt", "workers/token.json")
    assert b"secret" not in b"".join(found.contents.values())
    copy = tmp_path / "copy"
    write_files(copy, found.files, found.contents, {})
    assert (copy / "routes" / "a.yaml").read_text() == "a"
    linked = tmp_path / "linked"
    have = {digest: copy / path for path, digest in found.files.items()}
    write_files(linked, found.files, {}, have)
    assert (linked / "routes" / "a.yaml").read_text() == "a"
    assert copy.stat().st_mode & 0o77 == 0


@pytest.mark.parametrize(
    "text",
    [
        "-----BEGIN RSA PRIVATE KEY-----",
        "url: amqp://user:hunter2@host/",
        "key: cdk_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "token: ghp_" + "a" * 36,
    ],
)
def test_I6_a_secret_in_a_file_is_found_and_not_repeated(text: str) -> None:
    (problem,) = find_leaks({"workers/w.yaml": f"worker: w\n# {text}\n".encode()})
    assert problem.place == "workers/w.yaml:2"
    assert text not in str(problem)


@pytest.mark.parametrize(
    "text",
    [
        "url: postgresql://app:${env:PASSWORD}@db/orders",
        "https://json-schema.org/draft/2020-12/schema",
        "time: 12:30@work",
        "mail: a@example.com",
        "url: http://host:8080/@x",
    ],
)
def test_what_is_no_secret_is_none(text: str) -> None:
    assert list(find_leaks({"workers/w.yaml": text.encode()})) == []
