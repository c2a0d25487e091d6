"""Documents are made once, one at a time, for what their reader may see, and never without end."""

from __future__ import annotations

import asyncio
import threading

import pytest

from crossdock.contracts import Contract, Registry
from crossdock.gateway.clients import Client
from crossdock.gateway.documents import Document, Documents
from crossdock.gateway.problems import Refused
from crossdock.mesh.catalogue.description import MeshDescription, described

_REGISTRY = Registry(
    [Contract("sales.order.placed", "1.0.0", {}), Contract("hr.person.hired", "1.0.0", {})]
)
_SHOP = Client(name="shop", key_sha256="", allow=("sales.*.*",))


class _Described:
    """Describes a mesh, and counts how often; waits when it is told to."""

    def __init__(self) -> None:
        self.times = 0
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self) -> MeshDescription:
        self.times += 1
        assert self.go_on.wait(20)
        return MeshDescription(mesh="t", contracts=described(_REGISTRY))


def _names(description: MeshDescription) -> Document:
    return Document.of(
        ",".join(each.name for each in description.contracts).encode(), b"text/plain"
    )


async def test_each_sees_what_it_may_and_the_mesh_is_described_once() -> None:
    describe = _Described()
    documents = Documents(describe)
    assert (await documents.document(_names, _SHOP)).body == b"sales.order.placed"
    assert (await documents.document(_names, None)).body == b"hr.person.hired,sales.order.placed"
    assert len((await documents.description()).contracts) == 2
    assert describe.times == 1


async def test_clients_with_the_same_patterns_share_a_document() -> None:
    documents = Documents(_Described())
    other = Client(name="other", key_sha256="", allow=_SHOP.allow)
    first = await documents.document(_names, _SHOP)
    assert await documents.document(_names, other) is first


async def test_who_asks_when_too_many_wait_is_told_to_come_again() -> None:  # I8
    describe = _Described()
    describe.go_on.clear()
    documents = Documents(describe)
    waiting = [asyncio.create_task(documents.document(_names, _SHOP)) for _ in range(32)]
    await asyncio.sleep(0)  # each of them has its place now
    with pytest.raises(Refused) as refused:
        await documents.document(_names, None)
    assert refused.value.status == 503
    describe.go_on.set()
    assert len({id(each) for each in await asyncio.gather(*waiting)}) == 1
    assert (await documents.document(_names, None)).body


async def test_only_the_last_documents_are_kept() -> None:  # I8
    documents = Documents(_Described())
    first = await documents.document(_names, _SHOP)
    for number in range(32):
        client = Client(name="c", key_sha256="", allow=(f"a.b.c{number}",))
        await documents.document(_names, client)
    again = await documents.document(_names, _SHOP)
    assert again == first
    assert again is not first


async def test_a_document_that_could_not_be_made_is_tried_again() -> None:
    def broken() -> MeshDescription:
        raise OSError

    documents = Documents(broken)
    for _ in range(40):  # more than may wait at once
        with pytest.raises(OSError):  # noqa: PT011 - nothing else is raised
            await documents.document(_names, _SHOP)
