from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from crossdock.contracts import Disconnected, Halt, Subjects
from crossdock.mesh.bus import Bus
from crossdock.mesh.project.settings import BrokerSettings
from crossdock.mesh.registry.revision import Note, digest_of
from crossdock.mesh.registry.store import KEPT, Head, Overtaken, RevisionStore
from nats_server import NatsServer

NOTE = Note(author="ann", reason="because")


@pytest.fixture
async def bus(nats_server: NatsServer) -> AsyncIterator[Bus]:
    each = await Bus.connect(nats_server.url, Subjects("t"), name="test")
    yield each
    await each.close()


@pytest.fixture
async def store(bus: Bus) -> RevisionStore:
    each = RevisionStore(bus)
    await each.prepare(BrokerSettings())
    return each


async def put(store: RevisionStore, base: Head, texts: dict[str, str], note: Note = NOTE) -> Head:
    files = {path: digest_of(text.encode()) for path, text in texts.items()}
    return await store.add(
        base, files, {digest_of(t.encode()): t.encode() for t in texts.values()}, note
    )


async def texts(store: RevisionStore, head: Head) -> dict[str, str]:
    files = await store.files(head.revision)
    contents = await store.contents(files.values())
    return {path: contents[digest].decode() for path, digest in files.items()}


async def test_before_the_first_apply_there_is_nothing_and_it_can_be_asked(bus: Bus) -> None:
    store = RevisionStore(bus)
    assert await store.head() == Head()
    assert await store.history() == []
    assert await store.files(None) == {}


async def test_a_revision_is_read_as_it_was_written_and_follows_the_one_before(
    store: RevisionStore,
) -> None:
    one = {"mesh.yaml": "mesh: t", "routes/a.yaml": "a" * 5000, "routes/b.yaml": ""}
    first = await put(store, Head(), one)
    assert first == await store.head()
    assert await texts(store, first) == one
    two = one | {"routes/a.yaml": "other"}
    second = await put(store, first, two)
    assert await texts(store, second) == two
    assert await texts(store, first) == one
    history = await store.history()
    assert [(each.number, each.changed, each.files) for each in history] == [(2, 1, 3), (1, 3, 3)]
    assert history[0].note == NOTE


async def test_of_two_that_follow_the_same_revision_one_wins_and_the_other_is_told_who_did(
    bus: Bus, store: RevisionStore
) -> None:
    base = await put(store, Head(), {"mesh.yaml": "0"})
    other = RevisionStore(bus)
    results = await asyncio.gather(
        put(store, base, {"mesh.yaml": "1"}, Note(author="ann", reason="first")),
        put(other, base, {"mesh.yaml": "2"}, Note(author="bob", reason="second")),
        return_exceptions=True,
    )
    lost = [each for each in results if isinstance(each, Overtaken)]
    won = [each for each in results if isinstance(each, Head)]
    assert (len(won), len(lost)) == (1, 1)
    assert won[0].revision is not None
    note = won[0].revision.note
    assert f"{note.author} made revision 2" in lost[0].reason
    assert note.reason in lost[0].reason
    assert (await store.head()).revision == won[0].revision


async def test_it_outlives_the_broker(nats_server: NatsServer, store: RevisionStore) -> None:
    head = await put(store, Head(), {"mesh.yaml": "kept"})
    nats_server.kill()
    nats_server.start()
    found = None
    while found is None:
        with contextlib.suppress(Disconnected):
            found = await store.head()
    assert found == head
    assert await texts(store, head) == {"mesh.yaml": "kept"}


async def test_what_no_kept_revision_has_is_swept_and_what_one_has_is_not(
    store: RevisionStore,
) -> None:
    head = Head()
    for number in range(KEPT + 3):
        head = await put(store, head, {"mesh.yaml": "same", "routes/a.yaml": f"{number}"})
    removed = await store.sweep(head)
    assert removed == 6  # three contents and three lists
    history = await store.history()
    assert [each.number for each in history] == list(range(KEPT + 3, 3, -1))
    for each in history:
        files = await store.files(each)
        await store.contents(files.values())
    assert await store.sweep(head) == 0


async def test_a_sweep_does_not_touch_what_somebody_is_just_writing(store: RevisionStore) -> None:
    head = await put(store, Head(), {"mesh.yaml": "1"})
    # What another stored who has not yet changed the head:
    await store._bucket.put("blob." + digest_of(b"theirs"), b"x")
    assert await store.sweep(head) == 1
    assert await store._there() >= {digest_of(b"theirs")}


async def test_content_that_is_gone_is_written_again(store: RevisionStore) -> None:
    head = await put(store, Head(), {"mesh.yaml": "1", "routes/a.yaml": "a"})
    await store._bucket.forget("blob." + digest_of(b"1"))
    with pytest.raises(Halt, match="does not hold"):
        await texts(store, head)
    head = await put(store, head, {"mesh.yaml": "1", "routes/a.yaml": "b"})
    assert await texts(store, head) == {"mesh.yaml": "1", "routes/a.yaml": "b"}


async def test_damaged_content_is_refused(store: RevisionStore) -> None:
    head = await put(store, Head(), {"mesh.yaml": "1"})
    await store._bucket.put("blob." + digest_of(b"1"), b"something else")
    with pytest.raises(Halt, match="damaged"):
        await texts(store, head)


async def test_a_file_outside_the_project_is_never_read_from_the_registry(
    store: RevisionStore,
) -> None:
    for path in ("../x.yaml", "/etc/x.yaml", "routes/../../x.yaml", "routes/.x.yaml", "x.yaml"):
        head = await put(store, await store.head(), {path: "1"})
        with pytest.raises(Halt, match="no project has"):
            await store.files(head.revision)
        await store._bucket.forget("head")


async def test_ten_thousand_contracts_fit(store: RevisionStore) -> None:
    many = {
        f"contracts/d{n % 40}/entity.happened-{n}/{part}": f'{{"n": {n}, "part": "{part}"}}'
        for n in range(10_000)
        for part in ("1.0.0.schema.json", "examples/a.json", "examples/b.invalid.json")
    }
    first = await put(store, Head(), many)
    assert await texts(store, first) == many
    before = await store._bucket.keys("blob.*")
    await put(store, first, many | {"mesh.yaml": "1"})
    assert len(await store._bucket.keys("blob.*")) - len(before) == 2
