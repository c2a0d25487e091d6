"""A copy of the project to run, with the tables of the systems beside the mesh."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec

from carry.lines import Lines

_PROJECT: Final = Path(__file__).resolve().parent.parent
_PARTS: Final = ("mesh.yaml", "contracts", "routes", "workers")
_MQTT_PORT: Final = "18840"
_PORT_IS_IN: Final = ("mesh.yaml", "workers/flow-meter.yaml")
_TABLES: Final = {
    "sales.db": "purchases (customer TEXT, day TEXT, cds INTEGER, dollars REAL)",
    "weather.db": "reports (origin TEXT, year REAL, month REAL, day REAL, hour REAL, temp REAL, "
    "dewp REAL, humid REAL, wind_dir REAL, wind_speed REAL, wind_gust REAL, precip REAL, "
    "pressure REAL, visib REAL, time_hour TEXT)",
    "climate.db": "climate (local_time TEXT, celsius REAL, humidity REAL, lux REAL, co2_ppm REAL)",
    "building.db": "measurements (line INTEGER PRIMARY KEY, time TEXT, V1 REAL, V2 REAL, V3 REAL, "
    "V4 REAL)",
}


class Stage(msgspec.Struct, frozen=True):
    """Where a trial runs.

    Attributes:
        project: The copy of the project.
        store: Folder of the broker's store.
        mqtt_port: Port of the broker's MQTT listener.
        env: Environment of the mesh's processes.
        meter_password: What the flow meter logs in with.
    """

    project: Path
    store: Path
    mqtt_port: int
    env: dict[str, str]
    meter_password: str

    def __repr__(self) -> str:
        return f"Stage({str(self.project)!r})"

    @property
    def data(self) -> Path:
        """Folder of the systems beside the mesh."""
        return self.project / "data"


def set_up(folder: Path, room: Lines) -> Stage:
    """Copy the project, make the tables, and fill the one that the room's sensors write."""
    project = folder / "project"
    project.mkdir(parents=True)
    for name in _PARTS:
        copy = shutil.copytree if (_PROJECT / name).is_dir() else shutil.copy
        copy(_PROJECT / name, project / name)
    port = _free_port()
    for name in _PORT_IS_IN:
        file = project / name
        file.write_text(file.read_text().replace(_MQTT_PORT, str(port)))
    password = secrets.token_urlsafe(16)
    env = {**os.environ, "METER_PASSWORD": password}
    stage = Stage(project, folder / "store", port, env, password)
    (stage.data / "incoming").mkdir(parents=True)
    for file_name, table in _TABLES.items():
        with closing(sqlite3.connect(stage.data / file_name)) as database, database:
            database.execute(f"CREATE TABLE {table}")
    with closing(sqlite3.connect(stage.data / "building.db")) as database, database:
        rows = [(number, *line.split(",")) for number, line in room.records()]
        database.executemany("INSERT INTO measurements VALUES (?, ?, ?, ?, ?, ?)", rows)
    return stage


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
