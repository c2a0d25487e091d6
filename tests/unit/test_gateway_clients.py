"""Who may call the gateway: keys, patterns, sources, and the file that holds them."""

from __future__ import annotations

import re
import stat
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from crossdock.cli.main import app
from crossdock.contracts import Halt
from crossdock.gateway.client_file import FILE, add_client, load_clients, revoke_client
from crossdock.gateway.clients import Client, Clients, digest_of, is_pattern, new_key


def client(name: str, *allow: str, sources: tuple[str, ...] = ()) -> Client:
    return Client(name=name, key_sha256=digest_of(f"cdk_{name}"), allow=allow, sources=sources)


def bearer(key: str) -> dict[bytes, bytes]:
    return {b"authorization": b"Bearer " + key.encode()}


@pytest.mark.parametrize(
    ("pattern", "contract", "allowed"),
    [
        ("*", "sales.order.placed", True),
        ("sales.order.placed", "sales.order.placed", True),
        ("sales.*.*", "sales.order.placed", True),
        ("*.order.*", "sales.order.placed", True),
        ("sales.order.placed", "sales.order.lost", False),
        ("sales.*.*", "salesx.order.placed", False),
        ("sales.*.*", "hr.sales.placed", False),
    ],
)
def test_a_pattern_allows_whole_tokens(pattern: str, contract: str, *, allowed: bool) -> None:
    assert client("a", pattern).may_send(contract) is allowed


def test_a_client_without_patterns_may_send_nothing() -> None:
    assert not client("a").may_send("sales.order.placed")


@pytest.mark.parametrize("text", ["", "sales", "sales.*", "sales.>", "s*.a.b", "a.b.c.d", "A.b.c"])
def test_what_is_no_pattern_is_told_apart(text: str) -> None:
    assert not is_pattern(text)


def test_a_client_is_found_by_its_key_in_either_header() -> None:
    clients = Clients([client("a", "*"), client("b", "*")])
    assert clients.identify(bearer("cdk_b")) == client("b", "*")
    assert clients.identify({b"x-api-key": b"cdk_a"}) == client("a", "*")
    assert clients.identify({b"authorization": b"bearer  cdk_a"}) == client("a", "*")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer("cdk_c"),
        bearer(""),
        bearer(digest_of("cdk_a")),
        {b"authorization": b"Basic cdk_a", b"x-api-key": b"cdk_a"},
        {b"x-api-key": b"\xff\x00"},
    ],
)
def test_without_a_good_key_there_is_no_client(headers: dict[bytes, bytes]) -> None:
    assert Clients([client("a", "*")]).identify(headers) is None


def test_a_wrong_key_is_never_anonymous() -> None:
    clients = Clients(anonymous=True)
    anonymous = clients.identify({})
    assert anonymous is not None
    assert anonymous.name == "anonymous"
    assert clients.identify(bearer("cdk_a")) is None


def test_a_revoked_client_is_not_found() -> None:
    gone = msgspec.structs.replace(client("a", "*"), revoked="2026-01-01T00:00:00Z")
    assert Clients([gone]).identify(bearer("cdk_a")) is None


def test_a_claimed_source_is_its_owners_alone() -> None:
    erp, shop, any_ = client("erp", "*", sources=("/erp/*",)), client("shop", "*"), client("x", "*")
    clients = Clients([erp, shop, any_])
    assert not clients.claimed_by_another(erp, "/erp/1")
    assert clients.claimed_by_another(shop, "/erp/1")
    assert clients.claimed_by_another(erp, "/shop")
    assert not clients.claimed_by_another(shop, "/shop")


def test_neither_key_nor_digest_is_in_a_repr() -> None:  # I6
    one = client("a", "*")
    assert one.key_sha256 not in repr(one)


def test_a_key_has_256_random_bits() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert all(re.fullmatch(r"cdk_[A-Za-z0-9_-]{43}", each) for each in keys)


def test_a_key_is_kept_as_its_digest_only_and_the_file_is_private(tmp_path: Path) -> None:
    key = add_client(tmp_path, "shop", ("sales.*.*",), ("/shop/*",), ("metrics",))
    path = tmp_path / FILE
    assert key not in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    (loaded,) = load_clients(tmp_path)
    assert loaded.key_sha256 == sha256(key.encode()).hexdigest()
    assert (loaded.allow, loaded.sources, loaded.scopes) == (
        ("sales.*.*",),
        ("/shop/*",),
        ("metrics",),
    )
    assert Clients([loaded]).identify(bearer(key)) == loaded
    assert [each.name for each in tmp_path.iterdir()] == [FILE]


def test_a_revoked_key_is_refused_and_stays_listed(tmp_path: Path) -> None:
    key = add_client(tmp_path, "shop", ("*",))
    first = revoke_client(tmp_path, "shop")
    assert revoke_client(tmp_path, "shop") == first
    assert Clients(load_clients(tmp_path)).identify(bearer(key)) is None
    assert [each.name for each in load_clients(tmp_path)] == ["shop"]


def test_without_a_file_there_is_nobody(tmp_path: Path) -> None:
    assert load_clients(tmp_path) == ()


def test_clients_added_at_once_are_all_kept(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: add_client(tmp_path, f"c{n}", ("*",)), range(16)))
    assert {each.name for each in load_clients(tmp_path)} == {f"c{n}" for n in range(16)}


@pytest.mark.parametrize(
    ("name", "allow", "sources"),
    [
        ("Shop!", ("*",), ()),
        ("anonymous", ("*",), ()),
        ("shop", ("sales.>",), ()),
        ("shop", ("*",), ("/a*b",)),
        ("shop", ("*",), ("*",)),
    ],
)
def test_a_bad_client_is_refused_and_the_file_is_left_as_it_was(
    tmp_path: Path, name: str, allow: tuple[str, ...], sources: tuple[str, ...]
) -> None:
    add_client(tmp_path, "first", ("*",))
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(Halt):
        add_client(tmp_path, name, allow, sources)
    assert (tmp_path / FILE).read_bytes() == before


def test_every_problem_of_the_file_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(
        "clients:\n"
        f"  - name: a\n    key_sha256: {'a' * 64}\n    allow: ['*']\n"
        f"  - name: a\n    key_sha256: {'a' * 64}\n    allow: [sales]\n"
        "  - name: c\n    key_sha256: short\n"
    )
    with pytest.raises(Halt) as caught:
        load_clients(tmp_path)
    assert [each.place for each in caught.value.problems] == [
        f"{FILE}:7",
        f"{FILE}:9",
        f"{FILE}:5",
        f"{FILE}:6",
    ]


def test_an_unknown_key_in_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("clients:\n  - name: a\n    key: cdk_plain\n")
    with pytest.raises(Halt) as caught:
        load_clients(tmp_path)
    assert any(each.place == f"{FILE}:3" for each in caught.value.problems)
    assert "cdk_plain" not in str(caught.value.problems)


def command(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(app, ["client", *arguments, "--project", str(folder)])


def test_the_command_prints_the_key_once(tmp_path: Path) -> None:
    added = command(tmp_path, "add", "shop", "--allow", "sales.*.*", "--allow", "hr.a.b")
    assert added.exit_code == 0, added.output
    key = added.stdout.strip()
    assert digest_of(key) == load_clients(tmp_path)[0].key_sha256
    assert load_clients(tmp_path)[0].allow == ("sales.*.*", "hr.a.b")
    assert key not in command(tmp_path, "list").output
    assert key not in command(tmp_path, "list", "--json").output


def test_the_commands_speak_json(tmp_path: Path) -> None:
    added = msgspec.json.decode(command(tmp_path, "add", "a", "--allow", "*", "--json").stdout)
    assert digest_of(added["key"]) == load_clients(tmp_path)[0].key_sha256
    revoked = msgspec.json.decode(command(tmp_path, "revoke", "a", "--json").stdout)
    assert revoked["revoked"]
    (listed,) = msgspec.json.decode(command(tmp_path, "list", "--json").stdout)
    assert listed == revoked
    assert "key_sha256" not in listed


def test_the_command_tells_what_is_wrong(tmp_path: Path) -> None:
    command(tmp_path, "add", "a", "--allow", "*")
    for arguments, text in (
        (("add", "a", "--allow", "*"), "already"),
        (("add", "b", "--allow", "x.>"), "pattern"),
        (("revoke", "nobody"), "no client"),
    ):
        refused = command(tmp_path, *arguments)
        assert refused.exit_code == 78
        assert text in refused.stderr
        assert refused.stdout == ""


def test_a_client_that_may_read_the_whole_mesh_is_made_so(tmp_path: Path) -> None:
    made = command(tmp_path, "add", "portal", "--allow", "*", "--mesh")
    assert made.exit_code == 0
    (client,) = load_clients(tmp_path)
    assert client.scopes == ("mesh",)
