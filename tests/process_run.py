"""An instance of a process that runs without a broker, for tests."""

from __future__ import annotations

import msgspec

from crossdock.contracts import Message
from crossdock.router.processes.arriving import arrival_of
from crossdock.router.processes.compiled import CompiledProcess
from crossdock.router.processes.events import Arrival, Order, Place, Sent
from crossdock.router.processes.folding import Folded, fold, time_up
from crossdock.router.processes.instance import Instance, read_instance
from fulfilment import compiled_fulfilment

NOW = 1_700_000_000_000
MINUTE = 60_000
X = "x"


PRESENT = compiled_fulfilment()


class Running:
    """An instance, its time and what it sent."""

    def __init__(self, process: CompiledProcess = PRESENT) -> None:
        self.process = process
        self.instance = Instance(key="o1")
        self.now = NOW
        self.last: Folded | None = None

    def come(self, *messages: Message, waited: bool = False) -> Place:
        arrivals = [arrival_of([self.process], each, waited=waited) for each in messages]
        assert all(isinstance(each, Arrival) for each in arrivals)
        return self.let(*arrivals)  # type: ignore[arg-type] # as just said

    def let(self, *events: Arrival | Order | Sent) -> Place:
        folded = fold(lambda _: self.process, self.instance, events, self.now)
        self._take(folded)
        return folded.places[-1]

    def later(self, milliseconds: int) -> bool:
        self.now += milliseconds
        folded = time_up(lambda _: self.process, self.instance, self.now)
        if folded is None:
            return False
        self._take(folded)
        return True

    def _take(self, folded: Folded) -> None:
        self.last = folded
        self.instance = read_instance(msgspec.json.encode(folded.instance))
        assert self.instance == folded.instance

    @property
    def where(self) -> tuple[str, str]:
        return self.instance.status, self.instance.state

    def sent(self) -> list[str]:
        """Contracts of all that is sent, in order."""
        return [c.headers["ce-type"] for each in self.instance.outbox for c in each.commands]


def order(name: str, id_: str = "c1") -> Order:
    return Order(id=id_, name=name, token=X, by="ada", reason="test")  # type: ignore[arg-type] # a literal
