"""What can be read of the gateway beside messages: contracts, and documents about the mesh.

A client sees the contracts that it may send, and nothing of others; the whole mesh is only for one
with the scope ``mesh``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import quote

import msgspec

from crossdock.gateway.clients import Client
from crossdock.gateway.conditional import answer_document
from crossdock.gateway.contract_entries import PATH, entry_of
from crossdock.gateway.documents import Document, Documents, Maker
from crossdock.gateway.doors import Doors
from crossdock.gateway.ingress import Ingress, Request
from crossdock.gateway.openapi import openapi
from crossdock.gateway.problems import Refused
from crossdock.mesh.catalogue.asyncapi import asyncapi
from crossdock.mesh.catalogue.description import MeshDescription

Read = Callable[[Request, dict[str, str]], Awaitable[None]]
_LATEST: Final = "latest"
_JSON: Final = b"application/json"


class Reads:
    """Answers what is read, from the contracts and clients of now.

    Attributes:
        endpoints: What answers a path; it is given the request and the path's parameters.
    """

    def __init__(self, ingress: Ingress) -> None:
        self._ingress = ingress
        self._made: tuple[Doors, Documents] | None = None
        self.endpoints: dict[str, Read] = {
            PATH: self._contracts,
            f"{PATH}/{{name}}": self._contract,
            f"{PATH}/{{name}}/{{version}}": self._schema,
            "/openapi.json": self._openapi,
            "/asyncapi.json": self._asyncapi,
        }

    async def document(self, make: Maker, client: Client | None) -> Document:
        """Return a document of the contracts that a client may send; None: of the whole mesh.

        Raises:
            Refused: Too much is being made.
        """
        return await self._documents().document(make, client)

    async def _contracts(self, request: Request, _: dict[str, str]) -> None:
        await self._answer(request, _listed)

    async def _contract(self, request: Request, path: dict[str, str]) -> None:
        door = self._ingress.doors.open(path["name"], request.client)
        description = await self._documents().description()
        found = next(each for each in description.contracts if each.name == door.contract.name)
        document = Document.of(msgspec.json.encode(entry_of(found)), _JSON)
        await answer_document(request.headers, request.send, document, door.headers)

    async def _schema(self, request: Request, path: dict[str, str]) -> None:
        version = "*" if path["version"] == _LATEST else path["version"]
        door = self._ingress.doors.open(f"{path['name']}@{version}", request.client)
        contract = door.contract
        document = Document.of(msgspec.json.encode(contract.schema), b"application/schema+json")
        # A range leads to another version tomorrow: this says which one it is today.
        where = f"{PATH}/{contract.name}/{quote(contract.version)}".encode()
        more = [(b"content-location", where), *door.headers]
        await answer_document(request.headers, request.send, document, more)

    async def _openapi(self, request: Request, _: dict[str, str]) -> None:
        await self._answer(request, self._make_openapi)

    async def _asyncapi(self, request: Request, _: dict[str, str]) -> None:
        if "mesh" not in request.client.scopes:
            raise Refused("forbidden", f"The client {request.client.name} has no scope mesh.")
        await answer_document(
            request.headers, request.send, await self.document(_make_asyncapi, None)
        )

    async def _answer(self, request: Request, make: Maker) -> None:
        await answer_document(
            request.headers, request.send, await self.document(make, request.client)
        )

    def _documents(self) -> Documents:
        doors = self._ingress.doors
        if self._made is None or self._made[0] is not doors:
            self._made = (doors, Documents(doors.describe))
        return self._made[1]

    def _make_openapi(self, description: MeshDescription) -> Document:
        return _encoded(openapi(description, self._ingress.settings))


def _make_asyncapi(description: MeshDescription) -> Document:
    return _encoded(asyncapi(description))


def _listed(description: MeshDescription) -> Document:
    return _encoded([entry_of(each) for each in description.contracts])


def _encoded(value: object) -> Document:
    return Document.of(msgspec.json.encode(value), _JSON)
