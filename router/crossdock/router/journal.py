"""What a message has been answered by those that must not be asked twice (ADR 16).

A message that fails at a step, and is tried again or sent again as a dead letter, goes on from that
step: answers of steps before it are taken from here. Deciding is a pure function of the message and
the answers, so it comes to the same place with them. An answer belongs to its question and not to
its step: where a repair of the data or of the route changes the question, it is asked anew.
"""

from __future__ import annotations

import asyncio
import binascii
import zlib
from base64 import b85decode, b85encode
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from crossdock.contracts import CrossdockError, keyed_id
from crossdock.mesh.bus import Incoming
from crossdock.mesh.dead_letters import DONE
from crossdock.mesh.expression import Json
from crossdock.router.effects import Answer, Call, Effect

if TYPE_CHECKING:
    from crossdock.router.answering import Answers

_MOST: Final = 64 * 1024  # bytes of answers; what is beyond is asked again (I8)
_MOST_TEXT: Final = 32 * 1024  # of a header; the broker counts it to the message
_MOST_READ: Final = 1024 * 1024
_REMEMBERED: Final = 1000

_DECODER = msgspec.json.Decoder(dict[str, Json])


class Journal:
    """The answers of one message."""

    __slots__ = ("_answers", "_owner", "_size")

    def __init__(self, owner: tuple[str, ...], text: str = "") -> None:
        """Read what :meth:`text` gave; anything else is as good as nothing.

        Args:
            owner: Route and identity of the message, which a redrive does not change.
            text: What is known of it.
        """
        self._owner = owner
        try:
            found = zlib.decompressobj()
            self._answers = _DECODER.decode(found.decompress(b85decode(text), _MOST_READ))
        except (ValueError, zlib.error, binascii.Error, msgspec.DecodeError):
            self._answers = {}
        self._size = 0

    def __repr__(self) -> str:  # I6
        return f"Journal({len(self._answers)} answers)"

    def text(self) -> str:
        """Return all of it for a header; nothing when it is too large: then all is asked again."""
        if not self._answers:
            return ""
        text = b85encode(zlib.compress(msgspec.json.encode(self._answers))).decode()
        return text if len(text) <= _MOST_TEXT else ""

    async def ask(self, answers: Answers, asked: Counter[bytes], effect: Effect) -> Answer:
        """Return the answer to one question: from here if it was answered, else for real.

        Args:
            answers: Who answers for real.
            asked: What this decision has asked so far: parts may ask the same, each for itself.
            effect: The question.
        """
        question = answers.once(effect)
        if question is None:
            return (await answers([effect]))[0]
        asked[question] += 1
        key = keyed_id(question.hex(), str(asked[question]))
        if key in self._answers:
            return self._answers[key]
        if isinstance(effect, Call):
            effect = msgspec.structs.replace(effect, key=keyed_id(*self._owner, key))
        answer = (await answers([effect]))[0]
        if not isinstance(answer, CrossdockError):
            size = len(msgspec.json.encode(answer))
            if self._size + size <= _MOST:
                self._size += size
                self._answers[key] = answer
        return answer


class Journals:
    """The journals of messages that are not finished, in one process (I8: at most 1,000)."""

    def __init__(self, route: str, answers: Answers) -> None:
        """Know nothing yet.

        Args:
            route: Name of the route.
            answers: Who answers for real.
        """
        self._route = route
        self._answers = answers
        self._journals: dict[int, Journal] = {}

    def asking(self, incoming: Incoming) -> Callable[[Sequence[Effect]], Awaitable[list[Answer]]]:
        """Return what answers the questions of one attempt of a message."""
        journal = self._journals.get(incoming.sequence)
        if journal is None:
            owner = (self._route, *incoming.message().identity)
            journal = Journal(owner, incoming.headers.get(DONE, ""))
            if len(self._journals) >= _REMEMBERED:
                self._journals.pop(next(iter(self._journals)))
            self._journals[incoming.sequence] = journal
        asked: Counter[bytes] = Counter()

        async def answer(effects: Sequence[Effect]) -> list[Answer]:
            return await asyncio.gather(
                *(journal.ask(self._answers, asked, each) for each in effects)
            )

        return answer

    def forget(self, incoming: Incoming) -> None:
        """Forget a message that is finished."""
        self._journals.pop(incoming.sequence, None)

    def done(self, incoming: Incoming) -> str:
        """Return, for its dead letter, what was done of a message; and forget it."""
        journal = self._journals.pop(incoming.sequence, None)
        return "" if journal is None else journal.text()
