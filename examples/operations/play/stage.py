"""A place to run the example in: a project folder, its secrets, its tables, a client's key."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
from pathlib import Path
from typing import Final

import msgspec

from play.processes import HERE, command
from prepare import prepare

CRM_PORT: Final = 18099
MQTT_PORT: Final = 18830
_PROJECT: Final = ("mesh.yaml", "contracts", "routes", "workers")
_PORTS_ARE_IN: Final = ("mesh.yaml", "workers/meters.yaml", "workers/crm.yaml")


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """Where the example runs.

    Attributes:
        project: The project folder.
        env: Environment of all processes, with the secrets.
        crm_port: Port of the CRM stand-in.
        mqtt_port: Port of the broker's MQTT listener.
    """

    project: Path
    env: dict[str, str]
    crm_port: int
    mqtt_port: int

    def __repr__(self) -> str:
        return f"Stage({str(self.project)!r})"

    @property
    def data(self) -> Path:
        """Folder of the other systems' data."""
        return self.project / "data"


def set_up_copy(folder: Path) -> Stage:
    """Set up a copy of the example, on ports that are free: the example itself stays clean."""
    for name in _PROJECT:
        copy = shutil.copytree if (HERE / name).is_dir() else shutil.copy
        copy(HERE / name, folder / name)
    ports = {CRM_PORT: _free_port(), MQTT_PORT: _free_port()}
    for name in _PORTS_ARE_IN:
        file = folder / name
        text = file.read_text()
        for usual, free in ports.items():
            text = text.replace(str(usual), str(free))
        file.write_text(text)
    return _set_up(folder, ports[CRM_PORT], ports[MQTT_PORT])


def set_up_here() -> Stage:
    """Set up the example itself."""
    return _set_up(HERE, CRM_PORT, MQTT_PORT)


async def add_client(stage: Stage, name: str) -> str:
    """Add a client that may send orders; return its API key."""
    words = ("client", "add", name, "--allow", "sales.order.placed", "--json")
    printed = await command(*words, "--project", str(stage.project), env=stage.env)
    key: str = msgspec.json.decode(printed)["key"]
    return key


def _set_up(folder: Path, crm_port: int, mqtt_port: int) -> Stage:
    prepare(folder)
    env = {
        **os.environ,
        "METERS_PASSWORD": secrets.token_urlsafe(16),
        "CRM_TOKEN": secrets.token_urlsafe(16),
    }
    for name in ("CROSSDOCK_NATS", "CROSSDOCK_URL"):  # they would lead to another mesh
        env.pop(name, None)
    return Stage(project=folder, env=env, crm_port=crm_port, mqtt_port=mqtt_port)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
