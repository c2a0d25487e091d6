"""JSONata expressions, always bounded: conditions, mappings and identities of the project files.

Whoever writes an expression is trusted as far as the project is; the data it meets is not. So text
and shape of an expression are checked when it is compiled, its run is bounded in time and depth,
and its result in size and nesting (I8).

What the engine (jsonata-rs) does, which the tests pin down:

* A number has no type of its own: ``1.0`` comes out as ``1``, and an integer beyond 2^53 loses its
  last digits without a word: see :mod:`crossdock.mesh.exact_numbers`.
* A path that finds one thing gives that thing, one that finds several a list: write ``[lines.sku]``
  or ``lines.sku[]`` where a list is wanted. A key whose value is undefined is left out of its
  object; ``null`` stays. A function as a result becomes ``null``.
* As a whole value, ``null`` is the same as nothing: every path in it is undefined.
* A compiled expression belongs to the thread that made it, so each thread compiles its own. Running
  it holds the interpreter: an event loop stands still for as long, typically 3 to 15 µs.
* A list of several items that is written out counts as a call that does not end, each time: so an
  evaluation that is nested too deep is done once more with a hundred times the depth.
* The clock is read between steps, so a built-in that is slow on large data may overrun the time;
  the four that take the square of its size only get small messages.
* Its memory has no bound, so what is as large as the square of a message is found before it runs:
  see :mod:`crossdock.mesh.expression_growth`.
"""

from __future__ import annotations

import re
import threading
import time
from typing import Any, Final, TypeAlias

import jsonata
import msgspec

from crossdock.contracts import Reject, Retry
from crossdock.mesh.expression_growth import grows_too_large, repeated_parts
from crossdock.mesh.expression_guard import is_heavy, line_and_column, refusals
from crossdock.mesh.expression_variables import Uses
from crossdock.mesh.large_stack import in_large_stack

Json: TypeAlias = Any
"""A JSON value, as msgspec decodes it: None, bool, int, float, str, list, dict."""
UNDEFINED: Final = jsonata.UNDEFINED
"""What an expression gives that finds nothing; false as a condition."""

TIMEOUT: Final = 1.0
"""Seconds that one evaluation may take."""
DEPTH: Final = 500
"""Nested calls and operators that one evaluation may reach at first."""
DEEPEST: Final = 50_000
"""The same where an evaluation is done once more, with room for it."""
MAX_HEAVY_INPUT: Final = 128 * 1024
"""Bytes of JSON that a message may have for built-ins that take the square of its size."""
MAX_RESULT: Final = 16 * 1024**2
"""Bytes of JSON that a result may have."""

_CODE = re.compile(r"[A-Z][A-Z0-9_]{1,24}\Z")
_FULL: Final = "TIMEOUT"
_DEEP: Final = "STACK_OVERFLOW"
_CONTAINERS: Final = frozenset({dict, list})
# The engine's own texts quote values of the payload, so they are never passed on (I6).
_MEANING: Final = {
    "D1001": "a number is out of range",
    "D2014": "a range is too large",
    "D3030": "$number was given something that is not a number",
    "D3110": "a time is not in ISO 8601",
    "D3137": "$error was called",
    "D3141": "an $assert does not hold",
    _DEEP: f"calls are nested more than {DEEPEST} deep",
    "T0410": "an argument has the wrong type",
    "T1006": "something that is not a function is called",
    "T2001": "the left side of an operator is not a number",
    "T2002": "the right side of an operator is not a number",
    "T2009": "two values of different types are compared",
    "T2010": "values that have no order are compared",
    _FULL: f"it ran longer than {TIMEOUT:g} s",
}


class _Compiled(threading.local):
    """What a thread has compiled, by text.

    The engine's objects may be run and dropped by the thread that made them only, so they belong to
    the thread and not to an :class:`Expression`, which may die anywhere.
    """

    def __init__(self) -> None:
        self.by_text: dict[str, jsonata.Jsonata] = {}


_KEPT: Final = 4096
_compiled = _Compiled()


class Expression:
    """One compiled JSONata expression; may be used from any thread."""

    __slots__ = ("_heavy", "_repeated", "_uses", "place", "text")

    def __init__(self, text: str, *, place: str = "") -> None:
        """Compile it.

        Args:
            text: The expression.
            place: ``file:line`` or another place that error texts name.

        Raises:
            ValueError: When it is not JSONata, or could not be bounded; with a text for the person
                who wrote it.
        """
        self.text = text
        self.place = place
        self._heavy = is_heavy(text)
        self._uses = Uses(text)
        self._repeated = repeated_parts(text)
        refused = refusals(text)
        if refused:
            raise ValueError("; ".join(refused))
        self._compile()

    def evaluate(self, value: Json, bindings: dict[str, Json] | None = None) -> Json:
        """Return what the expression makes of a JSON value, or :data:`UNDEFINED`.

        Args:
            value: JSON-like Python: None, bool, int, float, str, list, dict.
            bindings: Variables, named without their ``$``.

        Raises:
            Reject: When it cannot be evaluated on this value, or its result breaks a bound. The
                reason names place and JSONata code, and no value.
            Retry: When it took too long, but not for its own fault: the machine was too busy.
        """
        result = self._run(value, bindings)
        if type(result) in _CONTAINERS:
            self._encode(result)
        return result

    def transform(
        self,
        value: Json,
        bindings: dict[str, Json] | None = None,
    ) -> tuple[Json, bytes]:
        """Return what the expression makes of a value, and the same as JSON.

        Raises:
            Reject: As :meth:`evaluate`, and when the result is undefined.
            Retry: As :meth:`evaluate`.
        """
        result = self._run(value, bindings)
        if result is UNDEFINED:
            raise Reject(f"{self._name()} gives nothing (undefined) for this message")
        return result, self._encode(result)

    def holds(self, value: Json, bindings: dict[str, Json] | None = None) -> bool:
        """Tell whether the result counts as true, as JSONata's ``$boolean`` has it.

        Raises:
            Reject: As :meth:`evaluate`.
            Retry: As :meth:`evaluate`.
        """
        result = self._run(value, bindings)
        return result is True or (result is not False and truth(result))

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"

    def _compile(self) -> jsonata.Jsonata:
        compiled = self._compiled(DEPTH)
        own = _compiled.by_text
        while len(own) >= _KEPT:
            own.pop(next(iter(own)))
        own[self.text] = compiled
        return compiled

    def _compiled(self, depth: int) -> jsonata.Jsonata:
        try:
            compiled = jsonata.Jsonata(self.text)
        except jsonata.JsonataError as error:
            line, column = line_and_column(self.text, error.position)
            raise ValueError(
                f"not a JSONata expression: line {line}, column {column}: {error} ({error.code})"
            ) from error
        compiled.set_runtime_bounds(int(TIMEOUT * 1000), depth)
        compiled.set_output_convert_nulls(convert=False)
        return compiled

    def _run(self, value: Json, bindings: dict[str, Json] | None) -> Json:
        compiled = _compiled.by_text.get(self.text)
        if compiled is None:
            compiled = self._compile()
        if self._heavy:
            self._check_size(value)
        if self._repeated and grows_too_large(self._repeated, value, bindings):
            raise Reject(
                f"{self._name()} repeats a part of the message for each of its items, and this "
                "message is too large for that: repeat only the fields that are needed"
            )
        if bindings is not None:
            bindings = self._uses.of(bindings)
        return self._evaluated(compiled, value, bindings, is_deep=False)

    def _evaluated(
        self,
        compiled: jsonata.Jsonata,
        value: Json,
        bindings: dict[str, Json] | None,
        *,
        is_deep: bool,
    ) -> Json:
        try:
            return compiled.evaluate(value, bindings)
        except jsonata.JsonataError as error:
            code = error.code
            if code != _FULL and (code != _DEEP or is_deep):
                raise self._failed(code, error.position) from None  # I6: it quotes values
        except (OverflowError, ValueError):
            raise Reject(
                f"{self._name()} cannot read this message: a number beyond 64 bits, or a value "
                "that JSON does not have"
            ) from None
        if code == _DEEP:
            return in_large_stack(lambda: self._run_deep(value, bindings))
        return self._run_again(compiled, value, bindings)

    def _run_deep(self, value: Json, bindings: dict[str, Json] | None) -> Json:
        """Run once more with room for many calls.

        The engine counts each list of several items that is written out as a call that never ends:
        `lines.(country in ["DE", "FR"])` reaches any depth with the number of lines.
        """
        return self._evaluated(self._compiled(DEEPEST), value, bindings, is_deep=True)

    def _check_size(self, value: Json) -> None:
        try:
            size = len(msgspec.json.encode(value))
        except (RecursionError, TypeError, ValueError):
            raise Reject(f"{self._name()} cannot read this message: it is no JSON") from None
        if size > MAX_HEAVY_INPUT:
            raise Reject(
                f"{self._name()} uses $distinct, $keys, $match or $spread, which take messages of "
                f"at most {MAX_HEAVY_INPUT} bytes"
            )

    def _run_again(
        self,
        compiled: jsonata.Jsonata,
        value: Json,
        bindings: dict[str, Json] | None,
    ) -> Json:
        """Run once more after a time-out: a process that stood still is no fault of a message."""
        began = time.thread_time()
        try:
            return compiled.evaluate(value, bindings)
        except jsonata.JsonataError as error:
            if error.code == _FULL and time.thread_time() - began < TIMEOUT / 2:
                raise Retry(f"{self._name()} got no time to run: the machine is busy") from None
            raise self._failed(error.code, error.position) from None  # I6: it quotes values

    def _failed(self, code: str, position: int) -> Reject:
        code = code if _CODE.match(code) else "unknown"  # I6: the engine's code may be free text
        where = ""
        if position > 0:  # the engine says 0 or -1 where it does not know
            where = " at line {}, column {}".format(*line_and_column(self.text, position))
        meaning = _MEANING.get(code, "a function could not do its work")
        return Reject(f"{self._name()} failed{where}: {meaning} ({code})")

    def _encode(self, result: Json) -> bytes:
        try:
            data = msgspec.json.encode(result)
        except (RecursionError, ValueError):
            raise Reject(f"{self._name()} gives a result that is nested too deep") from None
        if len(data) > MAX_RESULT:
            raise Reject(f"{self._name()} gives more than {MAX_RESULT} bytes")
        return data

    def _name(self) -> str:
        return f"{self.place}: the expression" if self.place else "the expression"


def truth(value: Json) -> bool:
    """Tell whether a result counts as true: JSONata's ``$boolean``, with undefined as false."""
    if isinstance(value, list):
        return any(truth(each) for each in value)
    return bool(value)  # undefined, null, 0, "" and {} are false in both languages
