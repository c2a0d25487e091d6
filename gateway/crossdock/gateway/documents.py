"""Documents about the mesh: made when first asked for, once for all who may see the same.

One :class:`Documents` belongs to one set of contracts and clients, as :class:`Doors` do. Making one
takes a thread, so that messages are taken meanwhile, and one at a time (I8).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from hashlib import sha256
from typing import Final, TypeAlias

import msgspec

from crossdock.gateway.clients import Client
from crossdock.gateway.problems import unavailable
from crossdock.mesh.catalogue.description import Describe, MeshDescription

_MOST_KEPT: Final = 32
_MOST_WAITING: Final = 32
_DIGITS: Final = 32


class Document(msgspec.Struct, frozen=True):
    """Something to answer with.

    Attributes:
        body: Its bytes.
        media_type: What they are.
        etag: Strong entity tag, with its quotes (RFC 9110, section 8.8.3).
    """

    body: bytes
    media_type: bytes
    etag: bytes

    @classmethod
    def of(cls, body: bytes, media_type: bytes) -> Document:
        """Return a document whose tag is made from its content."""
        return cls(body, media_type, b'"%s"' % sha256(body).hexdigest()[:_DIGITS].encode())


Maker: TypeAlias = Callable[[MeshDescription], Document]


class Documents:
    """The documents of one mesh, for one set of contracts and clients.

    Args:
        describe: Describes the whole mesh; may read files, and is called once, in a thread.
    """

    def __init__(self, describe: Describe) -> None:
        self._describe = describe
        self._whole: MeshDescription | None = None
        self._kept: dict[tuple[Maker, tuple[str, ...] | None], Document] = {}
        self._making = asyncio.Lock()
        self._waiting = 0

    async def description(self) -> MeshDescription:
        """Return the description of the whole mesh.

        Raises:
            Refused: Too much is being made.
        """
        if self._whole is None:
            async with self._turn():
                await asyncio.to_thread(self._described)
        return self._described()

    async def document(self, make: Maker, client: Client | None) -> Document:
        """Return a document of the contracts that a client may send, or of the whole mesh.

        Args:
            make: Makes it; pure.
            client: Who will read it; None for one who may see everything.

        Raises:
            Refused: Too much is being made.
        """
        # Clients with the same patterns see the same.
        key = (make, None if client is None else client.allow)
        found = self._kept.get(key)
        if found is None:
            async with self._turn():
                found = self._kept.get(key)
                if found is None:
                    found = await asyncio.to_thread(self._make, make, client)
                    self._keep(key, found)
        return found

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._waiting >= _MOST_WAITING:
            raise unavailable("Too many documents are being made. Ask again.")
        self._waiting += 1
        try:
            async with self._making:
                yield
        finally:
            self._waiting -= 1

    def _keep(self, key: tuple[Maker, tuple[str, ...] | None], document: Document) -> None:
        while len(self._kept) >= _MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = document

    def _make(self, make: Maker, client: Client | None) -> Document:
        described = self._described()
        return make(described if client is None else described.only(client.may_send))

    def _described(self) -> MeshDescription:
        if self._whole is None:
            self._whole = self._describe()
        return self._whole
