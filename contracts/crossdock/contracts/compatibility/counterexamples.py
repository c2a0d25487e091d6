"""Shows what a break is: a document that one version accepts and the other refuses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from crossdock.contracts.compatibility.document import DRAFT_2020, Document
from crossdock.contracts.compatibility.expanding import Expansion, TooComplexError
from crossdock.contracts.compatibility.witnesses import witness
from crossdock.contracts.contract import Contract
from crossdock.contracts.errors import Problem


class Counterexample(msgspec.Struct, frozen=True, kw_only=True):
    """A document that one version of a contract accepts and another refuses.

    Attributes:
        document: The document; made from the schemas, or one that was given.
        problems: What the other version has against it.
    """

    document: Any
    problems: tuple[Problem, ...]

    def __repr__(self) -> str:  # I6: a given document may be a real one
        return f"Counterexample({len(self.problems)} problems)"


def counterexample(
    accepting: Contract, refusing: Contract, given: Iterable[Any] = ()
) -> Counterexample | None:
    """Search a document that one version accepts and another refuses.

    That none is found proves nothing.

    Args:
        accepting: The version that accepts it.
        refusing: The version that refuses it.
        given: Documents to try first, such as examples.

    Raises:
        Halt: A schema does not compile.
    """
    for document in given:
        if _differs(accepting, refusing, document):
            return _shown(document, refusing)
    try:
        found = _search(accepting, refusing)
    except (TooComplexError, ValueError, RecursionError):
        return None
    return found


def _search(accepting: Contract, refusing: Contract) -> Counterexample | None:
    source, target = Document(accepting.schema), Document(refusing.schema)
    modern = source.draft != target.draft
    found = witness(
        Expansion(source, cut=False, modern=modern).write(source.root),
        Expansion(target, cut=True, modern=modern).write(target.root),
        DRAFT_2020 if modern else source.draft,
        lambda document: _differs(accepting, refusing, document),
    )
    return None if found is None else _shown(found.value, refusing)


def _differs(accepting: Contract, refusing: Contract, document: object) -> bool:
    return not accepting.problems(document) and bool(refusing.problems(document))


def _shown(document: object, refusing: Contract) -> Counterexample:
    return Counterexample(document=document, problems=tuple(refusing.problems(document)))
