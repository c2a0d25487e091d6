"""What the gateway needs of a project folder."""

from __future__ import annotations

from pathlib import Path

import msgspec

from crossdock.contracts import Registry
from crossdock.gateway.api import Api, load_apis
from crossdock.gateway.client_file import load_clients
from crossdock.gateway.clients import Client
from crossdock.mesh.project.contract_files import load_contracts
from crossdock.mesh.project.loading import load_mesh
from crossdock.mesh.project.settings import MeshFile


class GatewayProject(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway serves.

    Attributes:
        folder: Where it was read.
        mesh: ``mesh.yaml``.
        registry: Contracts.
        clients: Who may call.
        apis: Paths of its own.
    """

    folder: Path
    mesh: MeshFile
    registry: Registry
    clients: tuple[Client, ...]
    apis: tuple[Api, ...]


def load_gateway(folder: Path) -> GatewayProject:
    """Read what the gateway serves.

    Raises:
        Halt: With every problem that was found.
    """
    registry = load_contracts(folder)
    return GatewayProject(
        folder=folder,
        mesh=load_mesh(folder),
        registry=registry,
        clients=load_clients(folder),
        apis=load_apis(folder, registry),
    )
