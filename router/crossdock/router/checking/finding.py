"""What a check finds in an expression."""

from __future__ import annotations

import msgspec


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong in an expression.

    Attributes:
        code: What kind of thing: one of the codes that the documentation lists.
        message: What is wrong and what to do, in one line.
        at: Where in the expression, a character offset.
        warning: It is probably not meant, but may be.
    """

    code: str
    message: str
    at: int = 0
    warning: bool = False
