"""What an expression reads of the variables that it is given: nothing else needs to be handed over.

Handing a variable over copies its value into the engine, for each evaluation. A part of a message
of 1,000 parts knows the whole of it; copying that for each part would take the square of its size.
So of ``$whole.order`` only ``order`` is handed over.
"""

from __future__ import annotations

import re
from typing import Any, Final

_USE: Final = re.compile(r"\$([A-Za-z_]\w*)(?:\s*\.\s*([A-Za-z_]\w*)\b(?!\s*\())?")


class Uses:
    """The variables of one expression, and the members of each that it looks at."""

    __slots__ = ("_members",)

    def __init__(self, text: str) -> None:
        """Look at the text of an expression; one that is named in a text only does no harm."""
        self._members: dict[str, set[str] | None] = {}
        upwards = "%" in text  # from a member back to what holds it
        for name, member in _USE.findall(text):
            known = self._members.setdefault(name, set())
            if not member or upwards or known is None:
                self._members[name] = None  # the whole of it
            else:
                known.add(member)

    def of(self, variables: dict[str, Any]) -> dict[str, Any] | None:
        """Return what is to be handed over of some variables; None for nothing."""
        found = {
            name: _part(variables[name], members)
            for name, members in self._members.items()
            if name in variables
        }
        return found or None


def _part(value: Any, members: set[str] | None) -> Any:  # noqa: ANN401 - a JSON value
    if members is None or not isinstance(value, dict):
        return value
    return {name: value[name] for name in members if name in value}
