"""Errors are instructions to the runtime.

    CrossdockError
      +-- Disconnected    the system is away: reconnect, then the same messages again
      +-- Retry(after)    transient: this message again, later; counts as an attempt
      +-- Reject          permanent: dead letter at once, nothing else is tried
      +-- Halt            the component is misconfigured: stop, alarm, touch no message

Adapters, steps and expressions raise them; only the runtime acts on them. Their texts never
hold a payload or a secret (I6): they name fields, limits and places.
"""

from __future__ import annotations

from typing import Self

import msgspec


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong, where it is, and what to do.

    Attributes:
        message: What is wrong, in one line, without any value from a payload.
        pointer: JSON Pointer (RFC 6901) into the document, ``""`` for the whole of it.
        keyword: The JSON Schema keyword or our own code that was broken, ``""`` if none.
        place: ``file:line`` or another place a person can open, ``""`` if there is none.
        keyword_location: JSON Pointer of the keyword, following references as validation does
            (draft 2020-12, 12.3.1), ``""`` if no keyword of a schema is broken.
        absolute_keyword_location: URI of the keyword where it is written (12.3.2), else ``""``.
    """

    message: str
    pointer: str = ""
    keyword: str = ""
    place: str = ""
    keyword_location: str = ""
    absolute_keyword_location: str = ""

    def __str__(self) -> str:
        where = ": ".join(part for part in (self.place, self.pointer) if part)
        return f"{where}: {self.message}" if where else self.message


class CrossdockError(Exception):
    """Root of every error that the runtime acts on.

    Attributes:
        reason: One line for a person.
        problems: Every single problem.
        detours: Which detours of a route were taken when it failed: the record says so.
    """

    def __init__(self, reason: str, problems: tuple[Problem, ...] = ()) -> None:
        """Remember why.

        Args:
            reason: One line for a person: what is wrong, where, what to do.
            problems: Every single problem, when there are several.
        """
        super().__init__(reason)
        self.reason = reason
        self.problems = problems
        self.detours: dict[str, bool] = {}

    @classmethod
    def of(cls, reason: str, problems: list[Problem]) -> Self:
        """Build the error from a list of problems, whose count is told in the reason."""
        return cls(f"{reason}: {problems[0]}" if problems else reason, tuple(problems))


class Disconnected(CrossdockError):
    """The other system cannot be reached. The runtime reconnects for ever, with delays.

    It never counts as an attempt and never leads to a dead letter.
    """


class Retry(CrossdockError):
    """This message failed for a reason that may pass. The runtime naks it with a delay."""

    def __init__(self, reason: str, *, after: float | None = None) -> None:
        """Remember why and when.

        Args:
            reason: One line for a person.
            after: Seconds to wait, when the other system said so; else the policy decides.
        """
        super().__init__(reason)
        self.after = after


class Reject(CrossdockError):
    """This message can never be processed as it is: dead letter at once (I3)."""


class Halt(CrossdockError):
    """The component itself is wrong. The runtime stops consuming and raises an alarm."""
