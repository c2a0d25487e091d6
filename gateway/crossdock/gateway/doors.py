"""Which contract a request means, and whether its client may use it.

One :class:`Doors` belongs to one set of contracts, clients and APIs; when these change, the gateway
takes a new one, so nothing that was remembered outlives what it was derived from.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from crossdock.contracts import ContractRef, Reject, Subjects
from crossdock.contracts.contract import Contract
from crossdock.contracts.registry import Registry
from crossdock.gateway.api import Api
from crossdock.gateway.asgi import Header
from crossdock.gateway.clients import Client, Clients
from crossdock.gateway.deprecation import deprecation_headers
from crossdock.gateway.problems import Refused, unauthorized
from crossdock.mesh.catalogue.description import Describe, MeshDescription, described
from crossdock.mesh.telemetry.steps import Step, sending

_LONGEST_REFERENCE: Final = 256
_MOST_CACHED: Final = 1024
_SHOWN: Final = 5


class Door(msgspec.Struct, frozen=True):
    """One contract's way in.

    Attributes:
        contract: The version that was chosen.
        subject: Where its messages are published.
        step: How publishing there is traced.
        headers: What a 202 says of the contract: that it is deprecated.
    """

    contract: Contract
    subject: str
    step: Step
    headers: tuple[Header, ...] = ()


class Doors:
    """The doors of one mesh, for one set of contracts, clients and APIs."""

    def __init__(
        self,
        registry: Registry,
        clients: Clients,
        subjects: Subjects,
        apis: Sequence[Api] = (),
        describe: Describe | None = None,
    ) -> None:
        """Take what there is.

        Args:
            registry: The contracts.
            clients: Who may use them.
            subjects: Of the mesh.
            apis: Paths of their own.
            describe: Describes the mesh to those who read about it; without it, only the contracts.
        """
        self.registry = registry
        self.clients = clients
        self.subjects = subjects
        self.apis = apis
        self.describe = describe or self._contracts_only
        self._found: dict[str, Door] = {}

    def identify(self, headers: dict[bytes, bytes]) -> Client:
        """Return who sent a request.

        Raises:
            Refused: No valid key came with it.
        """
        client = self.clients.identify(headers)
        if client is None:
            raise unauthorized("Send a valid API key: Authorization: Bearer cdk_…")
        return client

    def open(self, reference: str, client: Client) -> Door:
        """Return the door that ``name`` or ``name@range`` means.

        Raises:
            Refused: The client may not use it, or there is no such contract. A client learns
                nothing about contracts that it may not use.
        """
        door = self._found.get(reference)
        if door is None:
            return self._find(reference, client)
        if not self.clients.may_send(client, door.contract.name):
            raise _forbidden(client)
        return door

    def _contracts_only(self) -> MeshDescription:
        contracts = described(self.registry)
        return MeshDescription(mesh=self.subjects.mesh, contracts=contracts)

    def _find(self, reference: str, client: Client) -> Door:
        if len(reference) > _LONGEST_REFERENCE:
            raise Refused("unknown-contract", "This is too long for the name of a contract.")
        try:
            wanted = ContractRef.parse(reference)
        except ValueError as error:
            raise Refused("unknown-contract", str(error)) from error
        if not self.clients.may_send(client, wanted.name):
            raise _forbidden(client)
        try:
            contract = self.registry.resolve(wanted)
        except Reject as error:
            raise Refused("unknown-contract", self._explain(wanted)) from error
        if len(self._found) >= _MOST_CACHED:  # I8: references come from callers
            self._found.clear()
        subject = self.subjects.incoming(contract.name)
        headers = deprecation_headers(self.registry.about(contract.name).deprecated)
        door = Door(contract, subject, sending(subject), headers)
        self._found[reference] = door
        return door

    def _explain(self, wanted: ContractRef) -> str:
        # Written here, because the registry's own text names contracts of others as well.
        there = self.registry.versions(wanted.name)
        if not there:
            return f"There is no contract {wanted.name}."
        return f"No version of {wanted.name} is in range; there is {', '.join(there[-_SHOWN:])}."


def _forbidden(client: Client) -> Refused:
    return Refused("forbidden", f"The client {client.name} is not allowed to use this contract.")
