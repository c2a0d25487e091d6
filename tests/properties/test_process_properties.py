"""Whatever comes in whatever order: an instance ends once, and its commands follow from its way."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from crossdock.contracts import Message
from crossdock.router.processes.arriving import arrival_of
from crossdock.router.processes.events import Arrival
from crossdock.router.processes.folding import Folded, fold, time_up
from crossdock.router.processes.instance import Command, Instance
from fulfilment import compiled_fulfilment, told

PROCESS = compiled_fulfilment()
ANSWERS = (
    "stock.goods.reserved",
    "stock.goods.refused",
    "stock.goods.released",
    "bank.payment.made",
    "bank.payment.refused",
)
NEEDED = ("sales.order.placed", "stock.goods.reserved", "bank.payment.made")
NOW = 1_700_000_000_000
messages = st.tuples(st.sampled_from(ANSWERS), st.integers(0, 2))
events = st.lists(st.one_of(messages, st.just(("wait", 0))), max_size=12)


class Run:
    """One instance, and all that it ever sent."""

    def __init__(self) -> None:
        self.instance = Instance(key="o1")
        self.now = NOW
        self.sent: dict[str, Command] = {}
        self.ends = 0

    def come(self, *messages: Message) -> None:
        arrivals = [arrival_of([PROCESS], each) for each in messages]
        assert all(isinstance(each, Arrival) for each in arrivals)
        found = [each for each in arrivals if isinstance(each, Arrival)]
        self._take(fold(lambda _: PROCESS, self.instance, found, self.now))

    def wait(self) -> None:
        self.now += 30 * 60_000
        folded = time_up(lambda _: PROCESS, self.instance, self.now)
        if folded is not None:
            self._take(folded)

    def _take(self, folded: Folded) -> None:
        for waiting in folded.instance.outbox:
            for each in waiting.commands:
                assert self.sent.setdefault(each.headers["ce-id"], each) == each  # I4
        self.ends += folded.instance.phase == "ended" and self.instance.phase != "ended"
        assert not (self.instance.phase == "ended" and folded.instance.phase != "ended")
        self.instance = folded.instance

    def types(self) -> list[str]:
        return [each.headers["ce-type"] for each in self.sent.values()]


@given(st.permutations(NEEDED), st.lists(st.sampled_from(NEEDED), max_size=4))
def test_the_answers_of_an_order_lead_to_its_end_in_any_order_and_twice_I4(
    order: list[str], again: list[str]
) -> None:
    run = Run()
    for each in (*order, *again):
        run.come(told(each, "o1"))
    assert (run.instance.state, run.ends) == ("done", 1)
    assert run.types() == ["stock.reserve.requested", "bank.payment.requested"]


@given(events)
def test_whatever_comes_each_command_is_sent_once_and_taken_back_only_after_it_was_sent(
    coming: list[tuple[str, int]],
) -> None:
    run = Run()
    run.come(told("sales.order.placed", "o1"))
    for contract, number in coming:
        if contract == "wait":
            run.wait()
        else:
            run.come(told(contract, "o1", id_=f"{contract}-{number}"))
    types = run.types()
    assert max(Counter(types).values()) == 1
    for undo, done in (
        ("stock.release.requested", "stock.reserve.requested"),
        ("bank.refund.requested", "bank.payment.requested"),
    ):
        if undo in types:
            assert types.index(done) < types.index(undo)
    if run.instance.state == "done":
        assert not {"stock.release.requested", "bank.refund.requested"} & set(types)
    if run.instance.phase == "ended":
        assert (run.ends, run.instance.owed, run.instance.kept) == (1, (), ())
    assert len(run.instance.story) == run.instance.number


@given(events)
def test_the_same_events_make_the_same_instance_one_by_one_and_together_I4(
    coming: list[tuple[str, int]],
) -> None:
    found = [
        told(contract, "o1", id_=f"{contract}-{number}")
        for contract, number in coming
        if contract != "wait"
    ]
    start = told("sales.order.placed", "o1")
    together, apart = Run(), Run()
    together.come(start, *found)
    for each in (start, *found):
        apart.come(each)
    assert together.instance == apart.instance
