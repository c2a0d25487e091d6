"""Claim checks: their form, the settings, and what a message does with them."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from crossdock.contracts import Message
from crossdock.contracts.claim_check import HEADER, LARGEST, ClaimCheck, checks_in
from crossdock.contracts.message import is_extension
from crossdock.gateway.event_attributes import read_attributes
from crossdock.mesh.bus.room import Room
from crossdock.mesh.groups import Member
from crossdock.mesh.groups.state import enclose, enclosed
from crossdock.mesh.project.scalars import Size
from crossdock.mesh.project.settings import ClaimCheckSettings, GatewaySettings, MeshFile

CHECK = ClaimCheck.of(b"large")


def message(**more: object) -> Message:
    return msgspec.convert({"id": "1", "source": "/t", "type": "a.b.c", **more}, Message)


def test_a_check_is_read_as_it_was_written() -> None:
    assert ClaimCheck.parse(str(CHECK)) == CHECK
    assert CHECK.fits(b"large")
    assert not CHECK.fits(b"Large")
    assert not CHECK.fits(b"large ")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "http://example.com/secret",
        "file:///etc/passwd",
        "crossdock:data/../../x/1",
        f"crossdock:data/{'A' * 64}/1",
        f"crossdock:data/{'a' * 63}/1",
        f"crossdock:data/{'a' * 64}/",
        f"crossdock:data/{'a' * 64}/01",
        f"crossdock:data/{'a' * 64}/-1",
        f"crossdock:data/{'a' * 64}/1\n",
        f"crossdock:data/{'a' * 64}/{LARGEST + 1}",
        f" crossdock:data/{'a' * 64}/1",
    ],
)
def test_nothing_else_is_a_check(text: str) -> None:
    with pytest.raises(ValueError, match="none that this mesh has made"):
        ClaimCheck.parse(text)


def test_a_message_carries_its_check_as_an_attribute_that_no_route_sees() -> None:
    headers = message(dataref=str(CHECK)).headers()
    assert headers[HEADER] == str(CHECK)
    found = Message.from_headers(headers, b"")
    assert found.dataref == str(CHECK)
    assert found.extensions == {}
    assert HEADER not in message().headers()


def test_a_caller_can_set_no_check() -> None:
    assert not is_extension("dataref")
    given = {"id": "1", "source": "/x", "specversion": "1.0", "type": "a.b.c"}
    _, problems = read_attributes(given | {"dataref": str(CHECK)}, "/3")
    (problem,) = problems
    assert (problem.pointer, problem.keyword) == ("/3/dataref", "dataref")
    assert "only the mesh itself" in problem.message


def test_who_waits_in_a_group_waits_with_its_check_only() -> None:
    whole = message(dataref=str(CHECK), data=b"large")
    kept = enclose(whole)
    assert b"large" not in bytes(kept)
    assert checks_in(bytes(kept)) == {CHECK}
    found = enclosed(Member(b"12345678", "1", None, kept))
    assert (found.data, found.dataref) == (b"", str(CHECK))
    small = message(data=b'{"a":1}')
    assert enclosed(Member(b"12345678", "1", None, enclose(small))) == small


@pytest.mark.parametrize(
    ("above", "most", "why"),
    [
        (1, 10_000, "above is from 1KiB to 4MiB"),
        (8 * 1024**2, 16 * 1024**2, "above is from 1KiB to 4MiB"),
        (2 * 1024**2, 1024**2, "most is from `above` to 128MiB"),
        (256 * 1024, 1024**3, "most is from `above` to 128MiB"),
    ],
)
def test_settings_that_cannot_work_are_refused(above: int, most: int, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        ClaimCheckSettings(above=Size(above), most=Size(most))


def test_the_door_is_as_wide_as_the_mesh_unless_it_is_told_otherwise() -> None:
    checks = ClaimCheckSettings(most=Size(32 * 1024**2))
    assert MeshFile(mesh="t", claim_check=checks).door.largest_body == 32 * 1024**2
    narrow = GatewaySettings(max_body=Size(1024))
    assert MeshFile(mesh="t", gateway=narrow).door.largest_body == 1024
    with pytest.raises(ValueError, match="make the one smaller or the other larger"):
        MeshFile(mesh="t", gateway=GatewaySettings(max_body=Size(64 * 1024**2)))


async def test_room_is_given_in_turn_and_never_twice() -> None:
    room = Room(10)
    now, most, order = 0, 0, list[int]()

    async def use(number: int, size: int) -> None:
        nonlocal now, most
        async with room.take(size):
            now += size
            most = max(most, now)
            order.append(number)
            for _ in range(3):
                await asyncio.sleep(0)
            now -= size

    await asyncio.gather(*(use(number, size) for number, size in enumerate((4, 6, 8, 0, 3, 20, 1))))
    assert now == 0
    assert most == 20  # what is larger than all of it had it alone
    assert order.index(2) < order.index(4) < order.index(5) < order.index(6)
    assert order.index(3) < order.index(2)  # who needs none waits for nobody
