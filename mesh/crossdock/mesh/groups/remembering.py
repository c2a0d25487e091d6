"""States that this process wrote last, so that it need not read them again.

They may be old, when another replica has changed them: then the conditional write fails, and what
was remembered is forgotten.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final, Generic, TypeVar

S = TypeVar("S")
_MAX_BYTES: Final = 32 * 1024 * 1024
_OVERHEAD: Final = 1000  # of one state in memory, about


class Memory(Generic[S]):
    """The newest states, bounded by their bytes (I8)."""

    def __init__(self) -> None:
        self._states: OrderedDict[str, tuple[int, S, int]] = OrderedDict()
        self._bytes = 0

    def get(self, token: str) -> tuple[int, S] | None:
        """Return sequence and state of a key, if it is remembered."""
        found = self._states.get(token)
        if found is None:
            return None
        self._states.move_to_end(token)
        return found[0], found[1]

    def keep(self, token: str, sequence: int, state: S, size: int) -> None:
        """Remember a state that takes about so many bytes."""
        self.forget([token])
        size += _OVERHEAD
        self._states[token] = (sequence, state, size)
        self._bytes += size
        while self._bytes > _MAX_BYTES:
            self._bytes -= self._states.popitem(last=False)[1][2]

    def forget(self, tokens: Iterable[str]) -> None:
        """Forget some keys."""
        for token in tokens:
            found = self._states.pop(token, None)
            if found is not None:
                self._bytes -= found[2]
