"""The judge of the fault tests, judged: each kind of wrong turns it red, and only that."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from faults.checker import Observed, Verdict, check, redelivered
from faults.ledger import Entries, Ledger, Order, read

ORDERS = [
    Order("a", ("eu",)),
    Order("b", ("world",)),
    Order("both", ("eu", "world")),
    Order("filtered"),
    Order("bad", ("eu",), bad=True),
]


def entries(*unacknowledged: str) -> Entries:
    sent = {order.key: order for order in ORDERS}
    return Entries(sent, set(sent) - set(unacknowledged))


def observed(
    eu: str = "a both", world: str = "b both", dead: str = "bad", stored: str | None = None
) -> Observed:
    return Observed(
        {"eu": eu.split(), "world": world.split()},
        [("eu", key) for key in dead.split()],
        (stored or "a b both filtered bad").split(),
        {"by-country": Counter(routed=4, filtered=1)},
    )


def wrong(verdict: Verdict) -> dict[str, tuple[str, ...]]:
    return {kind: found for kind, found in verdict.wrong().items() if kind != "unbalanced"}


def test_all_is_well() -> None:
    verdict = check(entries(), observed())
    assert verdict.green, verdict
    assert [(each.name, each.taken, each.out, each.dead) for each in verdict.balances] == [
        ("eu", 3, 2, 1),
        ("world", 2, 2, 0),
        ("by-country", 5, 4, 0),
    ]


def test_an_acknowledged_message_without_effect_is_lost() -> None:
    verdict = check(entries(), observed(world="b"))
    assert wrong(verdict) == {"lost": ("world: both",)}
    assert len(verdict.unbalanced) == 1


def test_what_was_never_acknowledged_is_not_lost_and_may_have_its_effect() -> None:
    assert check(entries("a"), observed(eu="both")).green
    assert check(entries("a"), observed()).green


@pytest.mark.parametrize(
    ("eu", "dead"), [("a both a", "bad"), ("a both", "bad bad"), ("a both bad", "bad")]
)
def test_a_second_effect_a_second_dead_letter_and_both_at_once_are_twice(
    eu: str, dead: str
) -> None:
    verdict = check(entries(), observed(eu=eu, dead=dead))
    assert verdict.twice in (("eu: a",), ("eu: bad",))
    assert not verdict.lost
    assert verdict.unbalanced


def test_an_effect_that_nobody_asked_for_is_unexpected() -> None:
    for strange in ("stranger", "filtered", "b"):
        verdict = check(entries(), observed(eu=f"a both {strange}"))
        assert wrong(verdict) == {"unexpected": (f"eu: {strange}",)}


def test_a_good_message_among_the_dead_letters_is_wrong_but_not_lost() -> None:
    verdict = check(entries(), observed(eu="both", dead="bad a"))
    assert verdict.wrong() == {"wrongly dead": ("eu: a",)}


def test_a_bad_message_that_was_delivered_is_wrong() -> None:
    verdict = check(entries(), observed(eu="a both bad", dead=""))
    assert verdict.wrong() == {"wrongly delivered": ("eu: bad",)}


def test_a_dead_letter_of_an_unknown_component_is_unexpected() -> None:
    found = observed()
    found.dead.append(("by-country", "a"))
    assert check(entries(), found).unexpected == ("by-country: a",)


def test_a_message_that_came_in_twice_is_said() -> None:
    verdict = check(entries(), observed(stored="a a b both filtered bad"))
    assert verdict.stored_twice == ("a",)


def test_a_route_that_has_not_settled_all_is_unbalanced() -> None:
    found = observed()
    found.decided["by-country"]["routed"] -= 1
    verdict = check(entries(), found)
    assert wrong(verdict) == {}
    assert not verdict.green


def test_the_verdict_says_how_many_and_shows_a_few() -> None:
    sent = {f"k{n}": Order(f"k{n}", ("eu",)) for n in range(9)}
    verdict = check(Entries(sent, set(sent)), Observed({"eu": []}))
    assert str(verdict).startswith("red: 9 lost (eu: k0, eu: k1, eu: k2, eu: k3, eu: k4); ")


def test_redelivery_is_a_share_of_the_messages() -> None:
    assert redelivered(1010, 1000) == pytest.approx(0.01)
    assert redelivered(0, 0) == 0


def test_a_ledger_is_read_as_it_was_written_and_a_cut_line_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    with Ledger(path) as ledger:
        for order in ORDERS:
            ledger.sent(order)
        ledger.acknowledged("a")
    with path.open("a") as file:
        file.write('{"acknowledged": "b"}')
    found = read(path)
    assert found.sent == {order.key: order for order in ORDERS}
    assert found.acknowledged == {"a"}
