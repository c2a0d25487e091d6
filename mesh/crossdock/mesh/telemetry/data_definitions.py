"""The metrics of data that is kept apart from its messages (Claim Check)."""

from __future__ import annotations

from typing import Final

from crossdock.mesh.telemetry.definition import Definition

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

DATA_HELD = Definition(
    "crossdock_data_held_messages",
    "counter",
    "Claim checks published: their data was stored, or was known already.",
    ("data",),
)
DATA_FETCHED = Definition(
    "crossdock_data_fetched_messages", "counter", "Claim checks whose data was fetched."
)
DATA_SECONDS = Definition(
    "crossdock_data_duration_seconds",
    "histogram",
    "Time to store or to fetch the data of one claim check.",
    buckets=_SECONDS,
)
DATA_OBJECTS = Definition(
    "crossdock_data_objects", "gauge", "Data that is kept apart from its messages: how many."
)
DATA_BYTES = Definition(
    "crossdock_data_bytes", "gauge", "Data that is kept apart from its messages: bytes on disk."
)
DATA_REMOVED = Definition(
    "crossdock_data_removed_objects", "counter", "Data that no message needed any more."
)
