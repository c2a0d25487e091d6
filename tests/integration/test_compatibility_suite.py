"""The schemas of the official test suite, compared with each other.

They hold every keyword in its odd uses, and data that an old document may be: where a
schema is said to accept all that another does, it must accept what the suite says the other does.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import combinations
from random import Random
from typing import Any, Final

import pytest

from crossdock.contracts import Contract, Halt
from crossdock.contracts.compatibility import compare, counterexample
from json_schema_suite import cases

PAIRS: Final = 40
DRAFTS: Final = ("draft2020-12", "draft7")


def _usable(draft: str) -> dict[str, list[tuple[Contract, list[Any]]]]:
    """Return the schemas of each file of the suite that we accept, with what is valid."""
    found = defaultdict(list)
    for case in cases(draft):
        if isinstance(case.schema, dict):
            contract = Contract("a.b.c", "1.0.0", case.schema)
            try:
                contract.compile()
            except Halt:
                continue
            data = [each["data"] for each in case.tests]
            valid = [each for each in data if not contract.problems(each)]
            found[case.file].append((contract, valid))
    return found


@pytest.mark.parametrize("draft", DRAFTS)
def test_every_schema_is_compatible_with_itself(draft: str) -> None:
    for schemas in _usable(draft).values():
        for contract, _ in schemas:
            assert compare(contract.schema, contract.schema) == []


@pytest.mark.parametrize("draft", DRAFTS)
def test_what_is_called_compatible_accepts_what_the_other_does(draft: str) -> None:
    chance = Random(1)  # noqa: S311 - the same pairs in each run
    proven = 0
    for file, schemas in _usable(draft).items():
        pairs = list(combinations(schemas, 2))
        for (one, ours), (other, theirs) in chance.sample(pairs, min(PAIRS, len(pairs))):
            differences = compare(one.schema, other.schema)
            for direction, source, valid, target in (
                ("backward", one, ours, other),
                ("forward", other, theirs, one),
            ):
                if all(getattr(each, direction).safe for each in differences):
                    proven += 1
                    for document in valid:
                        told = (file, source.schema, target.schema, document)
                        assert not target.problems(document), told
                    assert counterexample(source, target) is None, (file, source, target)
    assert proven > 250, "too few proofs to tell"
