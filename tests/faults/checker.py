"""The independent checker: compares what was acknowledged with what happened. Pure, no I/O.

It shares no code with what it checks: its inputs are the ledger of the callers, the rows in the
sinks, and what the streams hold, as any client of the broker reads it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from faults.ledger import Entries, Order

MOST_SHOWN = 5
MOST_REDELIVERED = 0.001


@dataclass
class Observed:
    """What happened, by the keys of the orders.

    Attributes:
        effects: For each destination, a key for each effect; twice for a second effect.
        dead: Component and key of each dead letter.
        stored: A key for each message in the stream of what came in; None when not looked at.
        decided: For each route, outcome (``routed``, ``filtered``, ``dead``) of each stored
            message that it has settled.
    """

    effects: dict[str, list[str]]
    dead: list[tuple[str, str]] = field(default_factory=list)
    stored: list[str] | None = None
    decided: dict[str, Counter[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Balance:
    """One line of the loss ledger: a route or a destination."""

    name: str
    taken: int
    out: int
    filtered: int
    dead: int

    @property
    def holds(self) -> bool:
        return self.taken == self.out + self.filtered + self.dead


@dataclass(frozen=True)
class Verdict:
    """What is wrong; each item names the place and the key.

    Attributes:
        lost: Acknowledged, but neither delivered nor a dead letter.
        twice: A second effect, a second dead letter, or both an effect and a dead letter.
        stored_twice: More than once in the stream of what came in.
        unexpected: Effects or dead letters that nobody asked for.
        wrongly_dead: Good messages among the dead letters.
        wrongly_delivered: Bad messages that had an effect.
        balances: Of each route and destination.
    """

    lost: tuple[str, ...]
    twice: tuple[str, ...]
    stored_twice: tuple[str, ...]
    unexpected: tuple[str, ...]
    wrongly_dead: tuple[str, ...]
    wrongly_delivered: tuple[str, ...]
    balances: tuple[Balance, ...]

    @property
    def unbalanced(self) -> tuple[str, ...]:
        return tuple(str(each) for each in self.balances if not each.holds)

    @property
    def green(self) -> bool:
        return not self.wrong()

    def wrong(self) -> dict[str, tuple[str, ...]]:
        """Return what is wrong, by kind."""
        kinds = {
            "lost": self.lost,
            "twice": self.twice,
            "stored twice": self.stored_twice,
            "unexpected": self.unexpected,
            "wrongly dead": self.wrongly_dead,
            "wrongly delivered": self.wrongly_delivered,
            "unbalanced": self.unbalanced,
        }
        return {kind: found for kind, found in kinds.items() if found}

    def __str__(self) -> str:
        if self.green:
            return "green: " + "; ".join(str(each) for each in self.balances)
        return "red: " + "; ".join(
            f"{len(found)} {kind} ({', '.join(found[:MOST_SHOWN])})"
            for kind, found in self.wrong().items()
        )


def check(ledger: Entries, observed: Observed) -> Verdict:
    """Judge a run that has come to rest: nothing waits and nothing is in flight any more."""
    places = _places(ledger, observed)
    effects = {name: Counter(observed.effects.get(name, ())) for name in places}
    dead = {name: Counter(key for where, key in observed.dead if where == name) for name in places}
    pairs = [(name, key) for name in places for key in effects[name].keys() | dead[name].keys()]
    return Verdict(
        lost=_sorted(
            (name, key)
            for key in ledger.acknowledged
            for name in ledger.sent[key].to
            if not effects[name][key] and not dead[name][key]
        ),
        twice=_sorted(pair for pair in pairs if _times(pair, effects) + _times(pair, dead) > 1),
        stored_twice=tuple(
            sorted(key for key, count in Counter(observed.stored or ()).items() if count > 1)
        ),
        unexpected=_sorted(
            (name, key) for name, key in pairs if name not in _order(ledger, key).to
        ),
        wrongly_dead=_sorted(
            (name, key) for name, key in pairs if dead[name][key] and not _order(ledger, key).bad
        ),
        wrongly_delivered=_sorted(
            (name, key) for name, key in pairs if effects[name][key] and _order(ledger, key).bad
        ),
        balances=(
            *(_of_destination(ledger, name, effects[name], dead[name]) for name in places),
            *_of_routes(observed),
        ),
    )


def redelivered(deliveries: int, messages: int) -> float:
    """Return the share of messages that was delivered again."""
    return (deliveries - messages) / messages if messages else 0.0


def _places(ledger: Entries, observed: Observed) -> list[str]:
    expected = {name for order in ledger.sent.values() for name in order.to}
    return sorted(expected | observed.effects.keys() | {where for where, _ in observed.dead})


def _order(ledger: Entries, key: str) -> Order:
    return ledger.sent.get(key, Order(key))


def _times(pair: tuple[str, str], counts: dict[str, Counter[str]]) -> int:
    return counts[pair[0]][pair[1]]


def _sorted(pairs: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(sorted(f"{name}: {key}" for name, key in pairs))


def _of_destination(
    ledger: Entries, name: str, effects: Counter[str], dead: Counter[str]
) -> Balance:
    """Balance what a destination was owed.

    What was sent and never acknowledged may or may not have come in: it is owed if it is there.
    """
    there = effects.keys() | dead.keys()
    owed = {
        key
        for key, order in ledger.sent.items()
        if name in order.to and (key in ledger.acknowledged or key in there)
    }
    return Balance(name, len(owed), effects.total(), 0, dead.total())


def _of_routes(observed: Observed) -> Iterable[Balance]:
    if observed.stored is None:
        return
    for name, outcomes in sorted(observed.decided.items()):
        yield Balance(
            name,
            len(observed.stored),
            outcomes["routed"],
            outcomes["filtered"],
            outcomes["dead"],
        )
