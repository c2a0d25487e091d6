"""The ledger: what was sent and what was acknowledged, on disk before it counts.

One JSON line for each event. It knows nothing of crossdock but what its callers see: an HTTP 202.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO


@dataclass(frozen=True)
class Order:
    """One thing to send, and what has to become of it by the project's route.

    Attributes:
        key: Its own name, which every effect and every dead letter carries.
        to: Destinations that it has to reach; none when the route has to filter it.
        bad: It can never be delivered: at each destination it has to become a dead letter.
    """

    key: str
    to: tuple[str, ...] = ()
    bad: bool = False


@dataclass
class Entries:
    """What a ledger holds."""

    sent: dict[str, Order] = field(default_factory=dict)
    acknowledged: set[str] = field(default_factory=set)


class Ledger:
    """Appends to a file; what is in it was there before the next step was taken."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: TextIO = path.open("a", encoding="utf-8")

    def sent(self, order: Order) -> None:
        """Write that an order is about to be sent."""
        self._append({"sent": asdict(order)})

    def acknowledged(self, key: str) -> None:
        """Write that a 202 came for it."""
        self._append({"acknowledged": key})

    def _append(self, entry: dict[str, object]) -> None:
        self._file.write(json.dumps(entry) + "\n")
        self._file.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()


def read(path: Path) -> Entries:
    """Read a ledger; a last line that was cut off by a crash does not count."""
    entries = Entries()
    for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
        if not line.endswith("\n"):
            break
        event = json.loads(line)
        if "sent" in event:
            order = event["sent"]
            entries.sent[order["key"]] = Order(order["key"], tuple(order["to"]), order["bad"])
        else:
            entries.acknowledged.add(event["acknowledged"])
    return entries
