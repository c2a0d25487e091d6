from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from crossdock.contracts import Halt
from crossdock.mesh.project.scalars import Secret, SecretUrl
from crossdock.mesh.project.secrets import MAX_BYTES, resolve_secrets


class Login(msgspec.Struct, frozen=True):
    user: str
    password: Secret
    url: SecretUrl | None = None
    more: tuple[dict[str, str], ...] = ()
    port: int = 1

    def __post_init__(self) -> None:
        if self.password.reveal() == "hunter2":
            raise ValueError(f"{self.password.reveal()} is too weak")


def test_references_are_replaced_wherever_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USER_NAME", "ada")
    (tmp_path / "password").write_text("s3cret\n")
    settings = Login(
        user="${env:USER_NAME}",
        password=Secret("${file:password}"),
        url=SecretUrl("postgresql://${env:USER_NAME}:${file:password}@db/x"),
        more=({"a": "Bearer ${env:USER_NAME}"},),
    )
    resolved = resolve_secrets(settings, tmp_path)
    assert resolved.user == "ada"
    assert resolved.password == Secret("s3cret")
    assert resolved.url == SecretUrl("postgresql://ada:s3cret@db/x")
    assert resolved.more == ({"a": "Bearer ada"},)
    assert "s3cret" not in repr(resolved)
    assert settings.user == "${env:USER_NAME}"


def test_a_secret_that_holds_a_reference_is_not_resolved_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTER", "${env:INNER}")
    monkeypatch.setenv("INNER", "x")
    assert resolve_secrets("${env:OUTER}", tmp_path) == "${env:INNER}"


@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_variable_halts_and_names_variable_and_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    monkeypatch.delenv("GONE", raising=False)
    if value is not None:
        monkeypatch.setenv("GONE", value)
    with pytest.raises(
        Halt, match="variable GONE is not set, but settings need it at /db/password"
    ):
        resolve_secrets({"db": {"password": "${env:GONE}"}}, tmp_path)


def test_a_missing_empty_large_or_binary_file_halts(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "large").write_bytes(b"x" * (MAX_BYTES + 1))
    (tmp_path / "binary").write_bytes(b"hunter2\xff")
    for file, text in (
        ("gone", "cannot be read"),
        ("empty", "is empty"),
        ("large", "is larger than"),
        ("binary", "is not UTF-8"),
    ):
        with pytest.raises(Halt, match=f"{file} {text}.*at /0") as caught:
            resolve_secrets([f"${{file:{file}}}"], tmp_path)
        assert "hunter2" not in str(caught.value)


def test_i6_an_error_after_resolving_does_not_quote_the_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSWORD", "hunter2")
    with pytest.raises(Halt) as caught:
        resolve_secrets(Login(user="a", password=Secret("${env:PASSWORD}")), tmp_path)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "text",
    [
        "sqlite:///orders.db",
        "postgresql://app@db/orders",
        "postgresql://app:${env:PASSWORD}@db/orders",
        "postgresql+psycopg://${env:USER}:${file:/run/p}@db:5432/orders?sslmode=require",
        "postgresql://db/x?password=${env:X}",
        "${env:DATABASE_URL}",
    ],
)
def test_a_url_without_a_literal_password_may_be_written(text: str) -> None:
    assert SecretUrl.parse(text).reveal() == text


@pytest.mark.parametrize(
    "text",
    [
        "hunter2",
        "postgresql://app:hunter2@db/orders",
        "postgresql://app:hunter2${env:X}@db/orders",
        "postgresql://app:p@ss@db/orders",
        "postgresql://db/x?a=b&password=hunter2",
        "${env:X}\nhunter2",
    ],
)
def test_a_url_with_a_literal_password_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(ValueError, match="not a URL that is safe") as caught:
        SecretUrl.parse(text)
    assert "hunter2" not in str(caught.value)
