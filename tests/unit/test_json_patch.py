"""Repairs by JSON Patch: applied within bounds, refused without a value in the reason."""

from __future__ import annotations

import json

import pytest

from crossdock.contracts import Reject
from crossdock.contracts.masking import MASK
from crossdock.mesh.json_patch import MAX_BYTES, Change, apply, changes

DATA = b'{"total": 1, "lines": [{"sku": "a"}], "secret": "hunter2"}'


def patch(*operations: dict[str, object]) -> bytes:
    return json.dumps(operations).encode()


def test_operations_are_applied_in_order() -> None:
    done = apply(
        DATA,
        patch(
            {"op": "test", "path": "/total", "value": 1},
            {"op": "replace", "path": "/total", "value": 2.5},
            {"op": "add", "path": "/lines/-", "value": {"sku": "b"}},
            {"op": "remove", "path": "/secret"},
            {"op": "copy", "from": "/lines/0", "path": "/first"},
        ),
    )
    assert json.loads(done) == {
        "total": 2.5,
        "lines": [{"sku": "a"}, {"sku": "b"}],
        "first": {"sku": "a"},
    }


@pytest.mark.parametrize(
    ("operations", "reason"),
    [
        (b"{", "not JSON"),
        (b'{"op": "add"}', "a patch is a list"),
        (b"[1]", "a patch is a list"),
        (patch({"op": "frobnicate", "path": "/total"}), "operation 1 of the patch is none"),
        (patch({"op": "replace", "path": "/total"}), "operation 1 of the patch is none"),
        (patch({"op": "replace", "path": "/gone/deep", "value": 1}), "no such place"),
        (patch({"op": "remove", "path": "/lines/7"}), "no such place"),
        (patch({"op": "remove", "path": "total"}), "no such place"),
        (patch({"op": "add", "path": "/total/x", "value": 1}), "no such place"),
        (patch({"op": "test", "path": "/secret", "value": "x"}), "not what its test says"),
        (b'[{"op": "add", "path": "/x", "value": "' + b"x" * MAX_BYTES + b'"}]', "larger than"),
    ],
)
def test_what_cannot_be_applied_is_refused_with_its_place_and_no_value_I6(
    operations: bytes, reason: str
) -> None:
    with pytest.raises(Reject, match=reason) as refused:
        apply(DATA, operations)
    assert "hunter2" not in str(refused.value)


def test_a_patch_that_doubles_the_data_again_and_again_is_bounded_I8() -> None:
    doubling = [{"op": "copy", "from": "/a", "path": "/a/-"}] * 20
    with pytest.raises(Reject, match="larger than"):
        apply(json.dumps({"a": ["x" * 100_000]}).encode(), json.dumps(doubling).encode())


def test_data_that_would_lose_digits_is_not_touched() -> None:
    with pytest.raises(Reject, match="without a loss"):
        apply(b'{"n": 12345678901234567890123}', patch({"op": "remove", "path": "/n"}))


def test_what_changed_is_told_by_place_and_what_is_personal_is_hidden() -> None:
    after = b'{"total": true, "lines": [{"sku": "b"}, {"sku": "c"}], "secret": "other"}'
    assert list(changes(DATA, after, ["/secret"])) == [
        Change("/total", "1", "true"),
        Change("/lines/0/sku", '"a"', '"b"'),
        Change("/lines/1", None, '{"sku":"c"}'),
        Change("/secret", MASK, MASK),
    ]
