"""The electricity meters: each tells every minute what it counted, one in a while nonsense."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

import msgspec

METERS: Final = 20
LIMIT: Final = 9000
_START: Final = datetime(2026, 11, 24, tzinfo=UTC)
_OVER_THE_LIMIT: Final = 0.05
_INVALID_EVERY: Final = 211


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What one meter tells at one time.

    Attributes:
        meter: Its name, which is in the topic and not in the payload.
        at: When, RFC 3339.
        kwh: What it has counted so far.
        watt: What flows now; below 0 in the readings that are wrong.
    """

    meter: str
    at: str
    kwh: float
    watt: int

    @property
    def topic(self) -> str:
        """MQTT topic that it is published on."""
        return f"meters/{self.meter}/state"

    @property
    def valid(self) -> bool:
        """Whether the contract allows it."""
        return self.watt >= 0

    def payload(self) -> bytes:
        """Return it as the meter sends it."""
        return msgspec.json.encode({"at": self.at, "kwh": self.kwh, "watt": self.watt})


def make_readings(count: int, seed: int = 3) -> list[Reading]:
    """Make readings, minute after minute and meter after meter: the same ones each time."""
    chance = Random(seed)  # noqa: S311 - an example, the same at each run
    counters = [chance.uniform(100, 1000) for _ in range(METERS)]
    readings = []
    for number in range(count):
        minute, meter = divmod(number, METERS)
        over = chance.random() < _OVER_THE_LIMIT
        watt = chance.randint(LIMIT + 1, 12_000) if over else chance.randint(200, LIMIT)
        counters[meter] += watt / 60_000
        readings.append(
            Reading(
                meter=f"m-{meter + 1:03}",
                at=(_START + timedelta(minutes=minute)).isoformat().replace("+00:00", "Z"),
                kwh=round(counters[meter], 3),
                watt=-watt if number % _INVALID_EVERY == _INVALID_EVERY - 1 else watt,
            )
        )
    return readings
