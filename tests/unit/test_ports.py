from __future__ import annotations

import asyncio

import pytest

from crossdock.mesh.ports import ReservedPort, split_address


@pytest.mark.parametrize(
    ("text", "expected"),
    [("127.0.0.1:80", ("127.0.0.1", 80)), ("[::1]:0", ("::1", 0)), ("localhost:65535", None)],
)
def test_an_address_is_read(text: str, expected: tuple[str, int] | None) -> None:
    assert split_address(text) == (expected or ("localhost", 65535))


@pytest.mark.parametrize("text", ["", "80", ":80", "a:", "a:b", "a:65536", "a:-1"])
def test_what_is_no_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"127\.0\.0\.1:8080"):
        split_address(text)


async def test_a_server_may_listen_on_a_reserved_port_again_and_again() -> None:
    port = ReservedPort("127.0.0.1")
    for _ in range(2):
        server = await asyncio.start_server(lambda _r, w: w.close(), port.host, port.port)
        server.close()
        await server.wait_closed()
    port.release()


async def test_a_port_on_which_another_listens_is_not_reserved() -> None:
    server = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.1", 0)
    with pytest.raises(OSError, match="in use"):
        ReservedPort("127.0.0.1", server.sockets[0].getsockname()[1])
    server.close()
    await server.wait_closed()
