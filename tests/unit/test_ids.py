"""Ids are the same for the same work (I4), differ for different work, and keep neighbours close."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from crossdock.contracts import child_id, keyed_id, near_id, new_id, numbered_id

LOCALITY = 12


def test_parts_that_join_to_the_same_text_give_different_ids() -> None:
    assert keyed_id("ab", "c") != keyed_id("a", "bc")
    assert keyed_id("ab") != keyed_id("ab", "")


@given(st.text(), st.text(), st.integers(0, 5))
def test_I4_a_child_has_the_same_id_each_time_and_another_for_each_parent_branch_and_index(
    source: str, parent: str, index: int
) -> None:
    made = child_id(source, parent, "orders", "billing", index)
    assert made == child_id(source, parent, "orders", "billing", index)
    others = {
        child_id(f"{source}x", parent, "orders", "billing", index),
        child_id(source, f"{parent}x", "orders", "billing", index),
        child_id(source, parent, "orders2", "billing", index),
        child_id(source, parent, "orders", "crm", index),
        child_id(source, parent, "orders", "billing", index + 1),
    }
    assert made not in others
    assert len(others) == 5


@given(st.text())
def test_any_neighbour_lends_an_id_of_hexadecimal_digits_only(neighbour: str) -> None:
    made = near_id(neighbour, neighbour)
    assert len(made) == 32
    assert set(made) <= set("0123456789abcdef")


def test_what_derives_from_messages_of_one_moment_begins_alike_over_every_hop() -> None:
    parent = new_id()
    child = child_id("/shop/gateway", parent, "orders", "billing")
    grandchild = child_id("/shop/router/orders", child, "billing", "ledger")
    delivered = near_id(grandchild, "/shop/router/billing", grandchild)
    leading = parent.replace("-", "")[:LOCALITY]
    assert {each[:LOCALITY] for each in (child, grandchild, delivered)} == {leading}
    assert len({child, grandchild, delivered}) == 3


def test_a_neighbour_without_locality_leaves_the_whole_digest() -> None:
    assert near_id("order 17", "a", "b") == keyed_id("a", "b")


def test_the_lines_of_a_file_sort_in_their_order_and_are_told_apart_beyond_it() -> None:
    ids = [numbered_id("hr staff.csv", number, "text") for number in range(1000)]
    assert ids == sorted(ids)
    far = 16**6
    assert numbered_id("hr staff.csv", far, "text") != ids[0]
    assert numbered_id("hr staff.csv", -1, "text") != numbered_id("hr staff.csv", far - 1, "text")
    assert numbered_id("hr staff.csv", 1, "text") != numbered_id("hr staff.csv", 1, "other")
    assert numbered_id("hr other.csv", 1, "text") != ids[1]
