"""One version of a contract: decodes data and tells everything that is wrong with it (I5)."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from itertools import islice
from typing import Any, Final
from urllib.parse import quote

import jsonschema_rs
import msgspec
from semantic_version import Version

from crossdock.contracts.errors import Halt, Problem
from crossdock.contracts.reference import NAME, dataschema
from crossdock.contracts.violations import Violation, pointer, violations

MAX_DEPTH: Final = 100
MAX_PROBLEMS: Final = 20
_MANY_NODES: Final = 2000
_BACKTRACKS: Final = 100_000
_NAME_BYTES: Final = 80
_DRAFTS: Final = {
    "https://json-schema.org/draft/2020-12/schema": jsonschema_rs.Draft202012Validator,
    "http://json-schema.org/draft-07/schema": jsonschema_rs.Draft7Validator,
}
DEFAULT_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"

_decode = msgspec.json.Decoder().decode


class Contract(msgspec.Struct, frozen=True, dict=True):
    """One version of a contract. Two are equal when name, version and schema are.

    Attributes:
        name: ``domain.entity.event``.
        version: Semantic version, such as ``2.1.0``.
        schema: JSON Schema, draft 2020-12 (also without ``$schema``) or draft-07, whole in itself:
            it refers to nothing outside.
    """

    name: str
    version: str
    schema: dict[str, Any]

    def __post_init__(self) -> None:
        if not NAME.match(self.name):
            raise ValueError(f"{self.name[:_NAME_BYTES]!r} is not a contract name")
        Version(self.version)  # its ValueError names the version

    @cached_property
    def dataschema(self) -> str:
        """The CloudEvents ``dataschema`` of messages under this contract."""
        return dataschema(self.name, self.version)

    @cached_property
    def _validator(self) -> jsonschema_rs.Validator:
        return _compile(self)

    @cached_property
    def _is_valid(self) -> Callable[[object], bool]:
        return self._validator.is_valid  # bound once: the valid path is the hot one

    def check(self) -> None:
        """Check the schema against its draft's own schema: cheap, but follows no `$ref`.

        Raises:
            Halt: When it is not a schema, with the place in it.
        """
        if _draft(self.schema) not in _DRAFTS or not jsonschema_rs.meta.is_valid(self.schema):
            self.compile()

    def compile(self) -> None:
        """Make ready to validate; otherwise the first use does it.

        Raises:
            Halt: When the schema cannot be used, with the place in it.
        """
        _ = self._validator

    def decode(self, data: bytes) -> tuple[Any, list[Problem]]:
        """Read JSON and check it. Never raises because of the data.

        Of a name that an object holds twice, the last one counts. ``NaN``, infinities, numbers
        beyond a double and text that is not Unicode are refused.

        Args:
            data: JSON in UTF-8.

        Returns:
            The value and what is wrong with it; the value is None when it could not be read.
        """
        try:
            value = _decode(data)
        except UnicodeDecodeError as error:
            return None, [_unreadable(f"not UTF-8 (byte {error.start} of a string)")]
        except msgspec.MsgspecError as error:  # its texts name bytes by position, never by value
            return None, [_unreadable(f"not JSON: {error}")]
        except RecursionError:
            return None, [_too_deep()]
        # Only a document with that many brackets can be that deep: two scans at memory speed.
        if data.count(b"{") + data.count(b"[") > MAX_DEPTH and _deeper(value, MAX_DEPTH):
            return None, [_too_deep()]
        return value, [] if self._is_valid(value) else self.problems(value)

    def problems(self, value: object) -> list[Problem]:
        """Return what is wrong with a JSON-like value, at most 20 problems; empty when nothing is.

        The texts hold no value of it (I6). Where it is large, only its first problem is told,
        because finding them all could be made to take seconds (I8).
        """
        try:
            if self._is_valid(value):
                return []
            return [_problem(each, self.dataschema) for each in self._violations(value)]
        except ValueError:  # from the validator, for what is no JSON: a key that is a number, bytes
            return [_unreadable("holds what JSON cannot express")]

    def _violations(self, value: object) -> list[Violation]:
        if _has_fewer_nodes(value, _MANY_NODES):
            return list(islice(violations(self._validator.iter_errors(value)), MAX_PROBLEMS))
        try:
            self._validator.validate(value)
        except jsonschema_rs.ValidationError as error:
            more = Violation(path=(), keyword="", message="large: only its first problem is told")
            return [*islice(violations(iter((error,))), MAX_PROBLEMS - 1), more]
        return []


def _draft(schema: dict[str, Any]) -> str:
    return str(schema.get("$schema", DEFAULT_DRAFT)).removesuffix("#")


def _compile(contract: Contract) -> jsonschema_rs.Validator:
    try:
        validator = _DRAFTS[_draft(contract.schema)]
    except KeyError:
        problem = Problem(
            message="this draft is not supported: use draft 2020-12 or draft-07",
            pointer="/$schema",
            keyword="$schema",
        )
        raise Halt.of(f"contract {contract.name} {contract.version}", [problem]) from None
    try:
        return validator(
            contract.schema,
            validate_formats=True,
            offline=True,  # a schema must not make us fetch anything
            pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=_BACKTRACKS),
        )
    except jsonschema_rs.ValidationError as error:
        problems = [_schema_problem(error)]
        raise Halt.of(f"contract {contract.name} {contract.version}", problems) from error


def _schema_problem(error: jsonschema_rs.ValidationError) -> Problem:
    """Say what is wrong with a schema; it is no payload, so a failed `$ref` may be named."""
    if error.kind.name == "$ref":
        return Problem(message=f"not a usable schema: {error.message[:300]}", keyword="$ref")
    first = next(violations(iter((error,))))
    return Problem(
        message=f"not a valid schema: {first.message}",
        pointer=pointer(first.path),
        keyword=first.keyword,
    )


def _problem(violation: Violation, schema: str) -> Problem:
    where = violation.absolute or f"{schema}#{quote(pointer(violation.schema_path))}"
    is_ours = not violation.keyword  # what we say of the whole, and no keyword does
    return Problem(
        message=violation.message,
        pointer=pointer(violation.path),
        keyword=violation.keyword,
        keyword_location=pointer(violation.evaluation_path),
        absolute_keyword_location="" if is_ours else where,
    )


def _unreadable(message: str) -> Problem:
    return Problem(message=message, keyword="json")


def _too_deep() -> Problem:
    return Problem(message=f"nested deeper than {MAX_DEPTH} levels", keyword="depth")


def _deeper(value: object, limit: int) -> bool:
    """Tell whether lists and objects are nested deeper than the limit; without recursion."""
    level: list[Any] = [value] if isinstance(value, dict | list) else []
    for _ in range(limit):
        level = [
            child
            for each in level
            for child in (each.values() if isinstance(each, dict) else each)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _has_fewer_nodes(value: object, limit: int) -> bool:
    waiting: list[object] = [value]
    seen = 0
    while waiting and seen < limit:
        each = waiting.pop()
        seen += 1
        if isinstance(each, dict):
            seen += len(each)
            waiting.extend(child for child in each.values() if isinstance(child, dict | list))
        elif isinstance(each, list):
            seen += len(each)
            waiting.extend(child for child in each if isinstance(child, dict | list))
    return seen < limit
