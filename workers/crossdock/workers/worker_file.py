"""``workers/*.yaml``: one worker a file, which connects one system."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from crossdock.mesh.project.scalars import Size
from crossdock.mesh.project.settings import Throttle


class Reply(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"as_": "as"}
):
    """The answer of a system becomes a message (Request-Reply).

    Attributes:
        as_: Contract of that message, ``name@range``.
        map: JSONata over the answer that makes its data, or the name of a ``.jsonata`` file beside
            the worker; ``$request`` is the data of the message that was delivered. The answer is
            the data when not given.
        max: Largest answer.
    """

    as_: str
    map: str | None = None
    max: Size = Size(64 * 1024)

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: With a text for the person who wrote it.
        """
        if not self.max:
            raise ValueError("max is more than nothing: write for example 64KiB")


class WorkerFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole of a worker file.

    Attributes:
        worker: Name: ``a-z 0-9 _ -``.
        adapter: Name of the adapter, as ``crossdock worker --list`` shows them.
        settings: The adapter's own settings.
        description: For people.
        publishes: Source only: contract of what it publishes, ``name@range``.
        id: Source only: JSONata over what was received that gives its stable identity.
        consumes: Sink only: its destination; the worker's name when not given.
        map: JSONata, or the name of a ``.jsonata`` file beside the worker: for a source from what
            was received to the contract's data, for a sink from the data to what is delivered.
        reply: Sink only: what becomes of the answers of its system; nothing when not given.
        expired: Sink only: what becomes of a message after its ``expirytime``: ``drop`` leaves it
            out, ``dead`` makes a dead letter of it.
        test_messages: Sink only: what becomes of a message that is marked as a test: ``record``
            ends it here, when it could have been delivered; ``deliver`` delivers it.
        order: Sink only: messages with the same value are delivered in order, also across retries
            and replicas: a JSONata expression over the data, or the word ``partitionkey`` for the
            attribute of that name.
        throttle: Sink only: how many messages it takes in a time, with all replicas.
        on_failure: Name of the failure policy.
        batch: Most messages delivered or published at once.
        group: Workers of one group share a process.
    """

    worker: str
    adapter: str
    settings: dict[str, Any] = {}
    description: str = ""
    publishes: str | None = None
    id: str | None = None
    consumes: str | None = None
    map: str | None = None
    reply: Reply | None = None
    expired: Literal["drop", "dead"] = "drop"
    test_messages: Literal["record", "deliver"] = "record"
    order: str | None = None
    throttle: Throttle | None = None
    on_failure: str = "standard"
    batch: Annotated[int, msgspec.Meta(ge=1)] = 500
    group: str = "workers"

    @property
    def destination(self) -> str:
        """Destination that a sink consumes."""
        return self.consumes or self.worker
