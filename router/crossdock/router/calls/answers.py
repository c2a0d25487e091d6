"""What an answer has to be before a route sees it: bounded JSON that its contract allows."""

from __future__ import annotations

from typing import Final

from crossdock.contracts import Contract, Reject
from crossdock.mesh.exact_numbers import inexact_number
from crossdock.mesh.expression import Json

_ANY: Final = Contract("crossdock.call.answer", "1.0.0", {})


def read_answer(data: bytes | None, contract: Contract | None, name: str) -> Json:
    """Return an answer as a JSON value, None when there was nothing.

    Args:
        data: What came back.
        contract: What it is to keep; None for any JSON.
        name: Of the call, for errors.

    Raises:
        Reject: It is not JSON, breaks its contract, or would lose digits in an expression; without
            any value of it (I6).
    """
    if data is None:
        return None
    value, problems = (contract or _ANY).decode(data)
    if not problems:
        inexact = inexact_number(data, value)
        problems = [] if inexact is None else [inexact]
    if problems:
        raise Reject.of(f"call {name}: the answer cannot be used", problems)
    return value
