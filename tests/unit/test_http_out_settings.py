from __future__ import annotations

from typing import Any

import msgspec
import pytest

from crossdock.mesh.project.scalars import Secret
from crossdock.mesh.web.auth import credentials
from crossdock.workers.http_out import BasicAuth, BearerAuth, HeaderAuth, HttpOutSettings


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host/",
        "host/path",
        "https://",
        "https://user:secret@host/",
        "https://host/#part",
        "https://host/a b",
        "https://host/\r\nx: y",
        "https://host:99999/",
        "https://hö.example/",
    ],
)
def test_an_address_that_is_none_or_holds_a_secret_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        HttpOutSettings(url=url)


@pytest.mark.parametrize(
    "headers",
    [
        {"a b": "c"},
        {"x": "y\r\nz: 1"},
        {"x": ""},
        {"Authorization": "Bearer x"},
        {"Content-Length": "1"},
        {"ce-id": "1"},
        {"Idempotency-Key": "1"},
    ],
)
def test_a_header_that_is_none_or_ours_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="headers"):
        HttpOutSettings(url="https://host/", headers=headers)


@pytest.mark.parametrize("settings", [{"concurrency": 0}, {"concurrency": 1000}])
def test_bounds_are_kept(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="concurrency"):
        HttpOutSettings(url="https://host/", **settings)


def test_credentials_go_in_the_clear_only_to_this_machine_or_when_it_is_said() -> None:
    auth = BearerAuth(token=Secret("x"))
    with pytest.raises(ValueError, match="only go over https"):
        HttpOutSettings(url="http://crm.example/", auth=auth)
    HttpOutSettings(url="http://crm.example/", auth=auth, cleartext=True)
    HttpOutSettings(url="http://127.0.0.1:9/", auth=auth)
    HttpOutSettings(url="http://[::1]:9/", auth=auth)
    HttpOutSettings(url="https://crm.example/", auth=auth)


@pytest.mark.parametrize(
    ("auth", "headers"),
    [
        (
            BasicAuth(user="Aladdin", password=Secret("open sesame")),
            {"authorization": "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="},
        ),
        (BearerAuth(token=Secret("t")), {"authorization": "Bearer t"}),
        (HeaderAuth(name="X-Api-Key", value=Secret("k")), {"x-api-key": "k"}),
    ],
)
def test_each_way_to_authenticate_makes_its_header(auth: Any, headers: dict[str, str]) -> None:  # noqa: ANN401 - a union
    assert credentials(auth) == headers


def test_auth_is_chosen_by_its_type_and_an_unknown_key_is_refused() -> None:
    def secret(kind: type, text: str) -> Any:  # noqa: ANN401 - what msgspec asks for
        return kind(text)

    read = {"url": "https://h/", "auth": {"type": "bearer", "token": "t"}}
    settings = msgspec.convert(read, HttpOutSettings, dec_hook=secret)
    assert settings.auth == BearerAuth(token=Secret("t"))
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.convert({"url": "https://h/", "uri": 1}, HttpOutSettings, dec_hook=secret)
