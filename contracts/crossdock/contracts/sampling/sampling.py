"""Makes documents that fit a contract, the same ones from the same seed."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import cycle, islice
from random import Random
from typing import Any, Final

import jsonschema_rs

from crossdock.contracts.contract import Contract
from crossdock.contracts.errors import Problem
from crossdock.contracts.sampling.values import ValueMaker
from crossdock.contracts.schema_places import SchemaPlaces

_TRIES: Final = 60
# Most optional members, then all, then none: where they exclude one another, one of these fits.
_SHARES: Final = (0.8, 1.0, 0.0)


def samples(contract: Contract, count: int, seed: int) -> Iterator[Any]:
    """Yield documents that the contract accepts; each has been given to it.

    Args:
        contract: What they are to fit.
        count: How many.
        seed: The same seed gives the same documents.

    Raises:
        ValueError: None was found in 60 tries; says what was wrong with the last.
        Halt: The schema cannot be used.
    """
    contract.compile()
    random = Random(seed)  # noqa: S311 - examples, not secrets
    schema = _canonical(contract)
    places = SchemaPlaces(schema)
    written = SchemaPlaces(contract.schema)
    for _ in range(count):
        yield _in_order(_one(contract, schema, places, random), written, ())


def _one(contract: Contract, schema: dict[str, Any], places: SchemaPlaces, random: Random) -> Any:  # noqa: ANN401 - JSON is untyped
    why = ""
    for share in islice(cycle(_SHARES), _TRIES):
        try:
            value = ValueMaker(places, random, share).make(schema)
        except ValueError as error:
            why = str(error)
            continue
        problems = contract.problems(value)
        if not problems:
            return value
        why = _told(problems[0])
    raise ValueError(
        f"no document was found that fits {contract.name} {contract.version} in {_TRIES} tries; "
        f"the last: {why}"
    )


def _canonical(contract: Contract) -> dict[str, Any]:
    """Return the schema with its contradictions, conditions and negations worked out.

    Where the canonical form is not to be had, as written: then there are more tries that fail.
    """
    try:
        form = jsonschema_rs.canonicalize(contract.schema, validate_formats=True, offline=True)
        found = form.to_json_schema()
    except (ValueError, jsonschema_rs.ReferencingError):
        return contract.schema
    return found if isinstance(found, dict) else contract.schema


def _in_order(value: Any, written: SchemaPlaces, path: tuple[str, ...]) -> Any:  # noqa: ANN401 - as above
    """Put members in the order in which the schema declares them."""
    if isinstance(value, list):
        return [_in_order(each, written, (*path, "*")) for each in value]
    if not isinstance(value, dict):
        return value
    declared = [name for part in written.at(path) for name in part.get("properties", ())]
    names = [name for name in dict.fromkeys([*declared, *value]) if name in value]
    return {name: _in_order(value[name], written, (*path, name)) for name in names}


def _told(problem: Problem) -> str:
    return f"{problem.pointer or 'the whole of it'}: {problem.message}"
