"""The key of a message: what it has to stay in order with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from crossdock.contracts import Reject
from crossdock.contracts.message import decode
from crossdock.mesh.bus import Incoming
from crossdock.mesh.component import DataElsewhere
from crossdock.mesh.expression import UNDEFINED, Expression, Json
from crossdock.mesh.message_view import VARIABLE, attributes_of

KEY: Final = "partitionkey"
"""CloudEvents attribute that carries the key (Partitioning extension), and the word for it."""
_HEADER: Final = f"ce-{KEY}"
_MOST: Final = 1000


class OrderKey(msgspec.Struct, frozen=True):
    """What ``order`` in a file says.

    Attributes:
        expression: Gives the key from data and ``$message``; None for the attribute
            ``partitionkey``, without which a message keeps no order.
    """

    expression: Expression | None = None

    @classmethod
    def of(cls, written: str, compile_: Callable[[str], Expression | None]) -> OrderKey | None:
        """Return what a file says; None when its expression cannot be compiled.

        Args:
            written: The word ``partitionkey``, or an expression.
            compile_: Compiles an expression, and tells its caller's caller what is wrong with it.
        """
        if written == KEY:
            return cls()
        expression = compile_(written)
        return None if expression is None else cls(expression)

    @property
    def text(self) -> str:
        """The expression as compiled, or the word."""
        return KEY if self.expression is None else self.expression.text

    def of_incoming(self, incoming: Incoming, data: bytes | None = None) -> str | None:
        """Return the key of a message as it comes in; see :data:`crossdock.mesh.component.Key`.

        What cannot be read at all keeps no order: it will be refused for that.
        """
        if self.expression is None:
            return of_attribute(incoming)
        try:
            message = incoming.message()
            if message.dataref and data is None:
                raise DataElsewhere(message.dataref)
            value = msgspec.json.decode(message.data if data is None else data)
        except (ValueError, RecursionError):
            return None
        bound = {"message": attributes_of(message)} if VARIABLE in self.expression.text else {}
        return self.of_value(value, bound)

    def of_value(self, value: Json, variables: dict[str, Json]) -> str:
        """Return the key of a message by its data.

        Raises:
            Reject: It has none, or the expression fails.
            Retry: The machine was too busy.
        """
        assert self.expression is not None  # noqa: S101 - narrows a type: asked for such only
        return key_text(self.expression.evaluate(value, variables or None))


def of_attribute(incoming: Incoming) -> str | None:
    """Return the key that a message carries; does not read its data."""
    written = incoming.headers.get(_HEADER)
    return None if not written else decode(written)


def key_text(value: Json) -> str:
    """Return a key as text: a number and the text of it are the same key.

    Raises:
        Reject: It is neither a text nor a number, or too long.
    """
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        nothing = value is None or value is UNDEFINED or value == ""
        found = "nothing" if nothing else "neither a text nor a number"
        raise Reject(f"order gives {found}: a key is a text or a number")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    if len(text) > _MOST:
        raise Reject(f"order gives a key of {len(text)} characters; {_MOST} are allowed")
    return text
