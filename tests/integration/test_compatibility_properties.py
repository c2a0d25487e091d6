"""What is called compatible is; what is called breaking can be shown, in most cases."""

from __future__ import annotations

import sys
from collections import Counter
from random import Random
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from crossdock.contracts import Contract, Halt
from crossdock.contracts.compatibility import Difference, compare, counterexample
from document_maker import DocumentMaker
from schema_maker import DRAFT_7, DRAFT_2020, SchemaMaker

DOCUMENTS: Final = 25
PAIRS: Final = 1500
FLOOR: Final = 0.9
DIRECTIONS: Final = ("backward", "forward")

# A seed and not `st.randoms()`: drawing each choice makes mostly small schemas.
seeds = st.integers(0, 2**64 - 1)
drafts = st.sampled_from((DRAFT_2020, DRAFT_7))


def _maker(seed: int, draft: str) -> SchemaMaker:
    return SchemaMaker(Random(seed), draft=draft)  # noqa: S311 - to repeat a run


def _pair(maker: SchemaMaker) -> tuple[Contract, Contract] | None:
    """Return a contract and a changed one; None when chance made what is no schema."""
    old = maker.root()
    new = maker.changed(old)
    versions = (Contract("a.b.c", "1.0.0", old), Contract("a.b.c", "1.1.0", new))
    try:
        for each in versions:
            each.compile()
    except Halt:
        return None
    return versions


def _is_safe(differences: list[Difference], direction: str) -> bool:
    return all(getattr(each, direction).safe for each in differences)


def _valid(maker: DocumentMaker, contract: Contract) -> list[Any]:
    made = [maker.document(contract.schema, contract.schema) for _ in range(DOCUMENTS)]
    return [each for each in made if not contract.problems(each)]


@settings(max_examples=1200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=seeds, draft=drafts)
def test_no_document_is_refused_by_what_is_called_compatible(seed: int, draft: str) -> None:
    maker = _maker(seed, draft)
    pair = _pair(maker)
    assume(pair is not None)
    assert pair is not None
    old, new = pair
    differences = compare(old.schema, new.schema)
    for direction, one, other in (("backward", old, new), ("forward", new, old)):
        if _is_safe(differences, direction):
            for document in _valid(DocumentMaker(maker.random), one):
                assert not other.problems(document), (direction, document, one.schema, other.schema)
            assert counterexample(one, other) is None, (direction, one.schema, other.schema)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=seeds, draft=drafts)
def test_a_schema_is_compatible_with_itself_in_another_order(seed: int, draft: str) -> None:
    old = _maker(seed, draft).root()
    new = dict(reversed(list(old.items())))
    assert compare(old, new) == []


def test_most_breaks_are_shown_by_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    shown: Counter[str] = Counter()
    told: Counter[str] = Counter()
    for seed in range(PAIRS):
        maker = _maker(seed, (DRAFT_2020, DRAFT_7)[seed % 2])
        pair = _pair(maker)
        if pair is not None:
            _count(pair, told, shown)
    with capsys.disabled():  # for who looks: the share of each code
        lines = [f"{each:62} {shown[each]:4} of {told[each]:4}" for each in sorted(told)]
        sys.stdout.write("\n" + "\n".join(lines) + "\n")
    assert shown["any"] >= FLOOR * told["any"] > 500, (shown["any"], told["any"])


def _count(pair: tuple[Contract, Contract], told: Counter[str], shown: Counter[str]) -> None:
    old, new = pair
    differences = compare(old.schema, new.schema)
    for direction, one, other in (("backward", old, new), ("forward", new, old)):
        if not _is_safe(differences, direction):
            codes = {each.code for each in differences if not getattr(each, direction).safe}
            told.update({*codes, "any"})
            if counterexample(one, other) is not None:
                shown.update({*codes, "any"})


def test_a_schema_that_is_huge_when_written_out_ends_undecided() -> None:
    def doubling(name: str) -> dict[str, Any]:
        levels = {
            f"d{at}": {"properties": {key: {"$ref": f"#/$defs/d{at + 1}"} for key in "ab"}}
            for at in range(40)
        }
        return {"$ref": "#/$defs/d0", "$defs": {**levels, "d40": {"type": name}}}

    differences = compare(doubling("string"), doubling("number"))
    assert not _is_safe(differences, "backward")
    assert not _is_safe(differences, "forward")
