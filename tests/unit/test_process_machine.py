"""What an instance of a process does with what comes to it: without a broker."""

from __future__ import annotations

import msgspec
import pytest

from crossdock.contracts import Disconnected, Halt
from crossdock.router.processes.arriving import arrival_of
from crossdock.router.processes.events import Arrival, Sent
from crossdock.router.processes.folding import fold
from fulfilment import PROCESS, compiled_fulfilment, told
from process_run import MINUTE, NOW, PRESENT, Running, order


def test_an_order_goes_its_way_to_the_end() -> None:
    run = Running()
    run.come(told("sales.order.placed", "o1"))
    assert run.where == ("running", "reserving")
    run.come(told("stock.goods.reserved", "o1"))
    place = run.come(told("bank.payment.made", "o1"))
    assert run.where == ("ended", "done")
    assert run.sent() == ["stock.reserve.requested", "bank.payment.requested"]
    assert place.outcome == "routed"
    assert [(each.before, each.after) for each in run.instance.story] == [
        ("", "reserving"),
        ("reserving", "paying"),
        ("paying", "done"),
    ]
    (command, _) = [c for each in run.instance.outbox for c in each.commands]
    assert msgspec.json.decode(command.data) == {"order": "o1", "amount": 5}
    assert command.headers["ce-causationid"] == "placed-o1"
    assert command.headers["ce-correlationid"] == "placed-o1"


def test_the_same_messages_make_the_same_commands_I4() -> None:
    one, other = Running(), Running()
    for run in (one, other):
        run.come(told("sales.order.placed", "o1"), told("stock.goods.reserved", "o1"))
    assert one.instance == other.instance


@pytest.mark.parametrize(
    "contract", ["sales.order.placed", "stock.goods.reserved", "bank.payment.made"]
)
def test_a_message_that_comes_again_changes_nothing_I4(contract: str) -> None:
    run = Running()
    places = {}
    for each in ("sales.order.placed", "stock.goods.reserved", "bank.payment.made"):
        places[each] = run.come(told(each, "o1"))
        before = run.instance
        assert run.come(told(each, "o1")) == places[each]
        assert run.instance is not None
        assert run.instance == before
    assert run.come(told(contract, "o1")) == places[contract]
    assert run.last is not None
    assert not run.last.changed


def test_answers_may_come_in_any_order_and_before_the_start() -> None:
    run = Running()
    paid = run.come(told("bank.payment.made", "o1"))
    assert paid.outcome == "grouped"
    run.come(told("stock.goods.reserved", "o1"))
    assert run.where == ("waiting", "")
    run.come(told("sales.order.placed", "o1"))
    assert run.where == ("ended", "done")
    assert not run.instance.kept
    assert run.last is not None
    assert set(paid.steps) <= {own for own, _ in run.last.hints}


def test_what_waits_for_an_instance_that_never_begins_comes_again_as_it_was_and_is_dead() -> None:
    run = Running()
    run.come(told("bank.payment.made", "o1"))
    assert not run.later(59 * MINUTE)
    assert run.later(MINUTE)
    assert run.last is not None
    assert [each.id for each in run.last.released] == ["made-o1"]
    assert run.instance.is_over
    place = run.come(told("bank.payment.made", "o1"), waited=True)
    assert "has waited" in str(place.error)


def test_a_refusal_takes_back_only_what_was_done_before() -> None:
    run = Running()
    run.come(told("sales.order.placed", "o1"), told("stock.goods.reserved", "o1"))
    run.come(told("bank.payment.refused", "o1"))
    assert run.where == ("compensating", "failed")
    assert run.sent()[2:] == ["stock.release.requested"]
    run.come(told("stock.goods.released", "o1"))
    assert run.where == ("ended", "failed")


def test_a_timeout_takes_back_everything_the_last_first() -> None:
    run = Running()
    run.come(told("sales.order.placed", "o1"), told("stock.goods.reserved", "o1"))
    assert not run.later(29 * MINUTE)
    assert run.later(MINUTE)
    assert run.sent()[2:] == ["bank.refund.requested", "stock.release.requested"]
    assert not run.later(0)
    assert run.where == ("compensating", "failed")


def test_a_compensation_that_is_not_confirmed_is_stuck_and_can_be_resumed() -> None:
    run = Running()
    run.come(told("sales.order.placed", "o1"))
    run.later(30 * MINUTE)
    first = run.instance.outbox[-1].commands[-1].headers["ce-id"]
    assert run.later(2_000)
    assert run.where == ("stuck", "failed")
    assert run.last is not None
    assert [hint.stuck for _, hint in run.last.hints] == [
        "states/reserving/enter/0/undo: was not confirmed in its time"
    ]
    assert run.let(order("resume")).outcome == "grouped"
    assert run.where == ("compensating", "failed")
    assert run.instance.outbox[-1].commands[-1].headers["ce-id"] != first
    before = run.instance
    run.let(order("resume"))  # the same order once more
    assert run.instance == before
    run.come(told("stock.goods.released", "o1"))
    assert run.where == ("ended", "failed")


def test_a_confirmation_that_comes_late_goes_on_by_itself() -> None:
    run = Running()
    run.come(told("sales.order.placed", "o1"))
    run.later(30 * MINUTE)
    run.later(2_000)
    run.come(told("stock.goods.released", "o1"))
    assert run.where == ("ended", "failed")


def test_a_person_cancels_and_what_was_done_is_taken_back() -> None:
    run = Running()
    run.come(told("sales.order.placed", "o1"))
    run.let(order("cancel"))
    assert run.where == ("compensating", "cancelled")
    run.come(told("stock.goods.released", "o1"))
    assert run.where == ("ended", "cancelled")
    place = run.let(order("cancel", "c2"))
    assert (place.outcome, place.detail) == ("filtered", "not to cancel: instance x is ended")
    assert run.instance.story[1].note == "ada: test"


def test_what_cannot_be_made_leaves_all_as_it_was() -> None:
    text = PROCESS.replace(
        "as: bank.payment.requested@1\n            map: \"{'order': $key, 'amount': amount}\"",
        "as: bank.payment.requested@1\n            map: \"{'order': $key}\"",
    )
    run = Running(
        compiled_fulfilment(text.replace("go: paying}\n    states", "go: reserving}\n    states"))
    )
    run.come(told("sales.order.placed", "o1"))
    before = run.instance
    place = run.come(told("stock.goods.reserved", "o1"))
    assert "its result breaks crossdock:bank.payment.requested/1.0.0" in str(place.error)
    assert run.instance == before


def test_what_cannot_be_taken_back_is_stuck_with_the_rest_taken_back() -> None:
    text = PROCESS.replace(
        "as: stock.release.requested@1\n              map: \"{'order': $key, 'amount': amount}\"",
        "as: stock.release.requested@1\n              map: \"{'order': $key}\"",
    )
    run = Running(compiled_fulfilment(text))
    run.come(told("sales.order.placed", "o1"), told("stock.goods.reserved", "o1"))
    run.later(30 * MINUTE)
    assert run.where == ("stuck", "failed")
    assert run.sent()[2:] == ["bank.refund.requested"]
    assert [each.place for each in run.instance.owed] == ["states/reserving/enter/0"]


def test_a_loop_is_stopped_and_a_person_may_let_it_go_on() -> None:
    text = PROCESS.replace(
        "- {message: stock.goods.refused@^1, refused: true, go: failed}",
        "- {message: stock.goods.refused@^1, go: reserving}",
    )
    run = Running(compiled_fulfilment(text + "    limits: {transitions: 3}\n"))
    run.come(told("sales.order.placed", "o1"))
    for number in range(4):
        run.come(told("stock.goods.refused", "o1", id_=f"again{number}"))
    assert run.where == ("stuck", "reserving")
    assert "took 3 steps" in run.instance.stuck
    assert [each.id for each in run.instance.kept] == ["again2", "again3"]
    run.let(order("resume"))
    assert run.where == ("running", "reserving")
    assert not run.instance.kept


@pytest.mark.parametrize(
    ("rules", "outcome"),
    [("", "grouped"), ("unexpected: ignore", "filtered"), ("unexpected: dead", "error")],
)
def test_a_message_that_the_state_does_not_expect_waits_is_filtered_or_dead(
    rules: str, outcome: str
) -> None:
    run = Running(compiled_fulfilment(f"{PROCESS}    {rules}\n"))
    run.come(told("sales.order.placed", "o1"))
    place = run.come(told("bank.payment.made", "o1"))
    assert ("error" if place.error else place.outcome) == outcome


@pytest.mark.parametrize(("rules", "dies"), [("", False), ("late: dead", True)])
def test_a_message_after_the_end_is_filtered_or_dead(rules: str, *, dies: bool) -> None:
    run = Running(compiled_fulfilment(f"{PROCESS}    {rules}\n"))
    for each in ("sales.order.placed", "stock.goods.reserved", "bank.payment.made"):
        run.come(told(each, "o1"))
    place = run.come(told("bank.payment.refused", "o1"))
    assert (place.error is not None) is dies
    assert dies or place.detail == "bank.payment.refused comes after the end of its instance"


def test_a_second_start_of_the_same_key_is_filtered() -> None:
    run = Running()
    run.come(told("sales.order.placed", "o1"))
    assert run.come(told("sales.order.placed", "o1", id_="other")).outcome == "filtered"


def test_a_start_whose_condition_does_not_hold_begins_nothing() -> None:
    run = Running()
    place = run.come(told("sales.order.placed", "o1", 0))
    assert (place.outcome, run.instance.status) == ("filtered", "waiting")
    assert "its `when` does not hold" in place.detail


def test_more_messages_than_may_wait_are_dead_letters_I8() -> None:
    run = Running(compiled_fulfilment(f"{PROCESS}    limits: {{kept: 2}}\n"))
    run.come(told("sales.order.placed", "o1"))
    places = [run.come(told("bank.payment.made", "o1", 1, id_=f"m{n}")) for n in range(3)]
    assert [each.error is None for each in places] == [True, True, False]


def test_an_instance_that_keeps_too_much_takes_no_more_I8() -> None:
    run = Running(compiled_fulfilment(f"{PROCESS}    limits: {{data: 5B}}\n"))
    assert "more than 5" in str(run.come(told("sales.order.placed", "o1")).error)


def test_no_instance_begins_beyond_the_bound_and_those_that_run_go_on_I8() -> None:
    run = Running()
    (arrival,) = [arrival_of([PRESENT], told("sales.order.placed", "o1"))]
    assert isinstance(arrival, Arrival)
    folded = fold(lambda _: PRESENT, run.instance, [arrival], NOW, crowded=True)
    assert isinstance(folded.places[0].error, Disconnected)
    assert not folded.changed


def test_commands_stay_until_they_are_known_to_be_sent() -> None:
    run = Running()
    run.come(told("sales.order.placed", "o1"), told("stock.goods.reserved", "o1"))
    run.let(Sent(1))
    assert [each.number for each in run.instance.outbox] == [2]
    run.let(Sent(2))
    assert run.instance.outbox == ()


def test_a_message_without_a_state_to_go_to_is_kept_and_time_goes_on() -> None:
    text = PROCESS.replace(
        "- {message: stock.goods.reserved@^1, go: paying}",
        "- {message: stock.goods.reserved@^1, when: '$data.amount + amount < 20', "
        "keep: \"{'amount': $data.amount + amount}\"}\n"
        "          - {message: stock.goods.reserved@^1, go: paying}",
    )
    run = Running(compiled_fulfilment(text))
    run.come(told("sales.order.placed", "o1"))
    deadline = run.instance.deadline
    run.now += MINUTE
    run.come(told("stock.goods.reserved", "o1", id_="first"))
    assert run.where == ("running", "reserving")
    assert (run.instance.data, run.instance.deadline) == ({"amount": 10}, deadline)
    assert len(run.sent()) == 1
    run.come(told("stock.goods.reserved", "o1", 15, id_="second"))
    assert run.where == ("running", "paying")


def test_a_command_is_sent_only_when_its_condition_holds_and_is_not_taken_back_otherwise() -> None:
    text = PROCESS.replace(
        "as: stock.reserve.requested@1",
        "as: stock.reserve.requested@1\n            when: amount > 9",
    )
    run = Running(compiled_fulfilment(text))
    run.come(told("sales.order.placed", "o1"))
    assert run.sent() == []
    run.later(30 * MINUTE)
    assert run.where == ("ended", "failed")
    assert run.sent() == []


def test_several_contracts_may_begin_an_instance_and_have_keys_of_their_own() -> None:
    text = PROCESS.replace(
        "key: order",
        "key:\n"
        + "".join(
            f"      {each}: order\n"
            for each in (
                "stock.goods.reserved",
                "stock.goods.refused",
                "stock.goods.released",
                "bank.payment.made",
                "bank.payment.refused",
                "bank.refund.requested",
            )
        )
        + "      sales.order.placed: \"order & ''\"",
    ).replace(
        "starts: {on: sales.order.placed@^1, when: amount > 0, keep: \"{'amount': amount}\", "
        "go: reserving}",
        "starts:\n"
        "      - {on: sales.order.placed@^1, keep: \"{'amount': amount}\", go: reserving}\n"
        "      - {on: bank.refund.requested@^1, keep: \"{'amount': 1}\", go: paying}",
    )
    run = Running(compiled_fulfilment(text))
    run.come(told("bank.refund.requested", "o1"))
    assert run.where == ("running", "paying")


def test_the_trace_of_a_message_goes_on_with_its_commands() -> None:
    run = Running()
    message = told("sales.order.placed", "o1")
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    run.come(msgspec.structs.replace(message, extensions={"traceparent": trace}))
    (command,) = [c for each in run.instance.outbox for c in each.commands]
    assert command.headers["ce-traceparent"] == trace


def test_no_key_of_an_instance_and_nothing_that_it_keeps_is_in_a_repr_I6() -> None:
    run = Running()
    run.come(told("bank.payment.made", "o1"), told("sales.order.placed", "o1"))
    assert "o1" not in repr(run.instance).replace(run.instance.id, "")
    assert "amount" not in repr(run.instance.outbox) + repr(run.instance.kept)


def test_a_time_out_that_has_too_much_to_send_is_stuck_and_not_lost_I8() -> None:
    much = "$join([1..100000].('xxxx'))"
    text = PROCESS.replace(
        "failed: {compensate: true, end: true}",
        "failed: {end: true, enter: [{send: bank, as: bank.refund.requested@1, "
        f"map: \"{{'order': {much}, 'amount': 1}}\"}}]}}",
    )
    run = Running(compiled_fulfilment(text))
    run.come(told("sales.order.placed", "o1"))
    assert run.later(30 * MINUTE)
    assert run.where == ("stuck", "reserving")
    assert "more than 262144" in run.instance.stuck


def test_an_instance_may_keep_no_more_than_fits_beside_the_rest() -> None:
    with pytest.raises(Halt, match="at most 256KiB"):
        compiled_fulfilment(f"{PROCESS}    limits: {{data: 1MiB}}\n")
