"""The entries of ``steps:`` in a route file: each has one key, which names its pattern."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal

import msgspec

from crossdock.mesh.project.scalars import Duration

PATTERNS: Final = (
    "map",
    "keep",
    "drop",
    "where",
    "split",
    "enrich",
    "tap",
    "normalize",
    "expires",
    "once",
    "python",
    "scatter",
    "detour",
)
_GIVEN_WITH: Final = {
    "as_": ("map", "keep", "drop", "split", "normalize"),
    "steps": ("split", "detour"),
    "on": ("detour",),
    "join": ("split",),
}


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Frozen, by name, unknown keys refused."""


class Join(_File, frozen=True):
    """How the parts of a message come together again.

    Attributes:
        into: Variable that then holds the list of what became of the parts, in their order.
    """

    into: str


class Enrich(_File, frozen=True, rename={"with_": "with"}):
    """A question to another system.

    Attributes:
        call: Name of the client: a file in ``calls/``.
        ask: Contract of a message that asks, ``name@range``, instead of a client: a route takes it
            to whoever answers, and the reply comes back.
        with_: JSONata that makes what is asked.
        into: Variable that then holds the answer.
        answers: With ``ask``: contract of the reply, ``name@range``.
        timeout: With ``ask``: how long the reply is waited for before the message is tried again.
        cache: How long an answer to the same question may be used again, in one process.
        on_error: When there is no answer: ``fail`` as the error says, ``skip`` the variable, or
            take the ``default``. A client whose settings are wrong halts the route all the same.
        default: Taken instead of an answer.
    """

    with_: str
    into: str
    call: str | None = None
    ask: str | None = None
    answers: str | None = None
    timeout: Duration = Duration(5)
    cache: Duration = Duration(0)
    on_error: Literal["fail", "skip", "default"] = "fail"
    default: Any = None

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: With a text for the person who wrote it.
        """
        if (self.call is None) == (self.ask is None):
            raise ValueError("enrich has either `call`, a system, or `ask`, a contract")
        if (self.ask is None) != (self.answers is None):
            raise ValueError("`answers` belongs to `ask`: the contract of the reply")
        if self.ask is not None and self.cache:
            raise ValueError("`cache` belongs to `call`: a question over the mesh is kept anyway")
        if not self.timeout:
            raise ValueError("timeout is more than nothing: write for example 5s")


class Once(_File, frozen=True):
    """What makes two messages the same.

    Attributes:
        key: JSONata that gives the key: a text, number or truth value, or a list of them.
        within: For how long the first message with a key keeps it.
    """

    key: str
    within: Duration = Duration(7 * 86400)


class Scatter(_File, frozen=True):
    """A question to several systems at once.

    Attributes:
        ask: For each client, a file in ``calls/``, the JSONata that makes what it is asked.
        into: Variable that then holds the answers: a list of objects with ``from`` and ``answer``,
            in the order of ``ask``.
        deadline: Who has not answered when this time is up is left out.
        at_least: How many answers are enough; all of them when not given. With fewer the message
            is tried again later.
    """

    ask: dict[str, str]
    into: str
    deadline: Duration = Duration(5)
    at_least: int | None = None


class Step(_File, frozen=True, omit_defaults=True, rename={"as_": "as"}):
    """One step: exactly one of the keys that name a pattern, and what belongs to it.

    Attributes:
        map: Message Translator: JSONata that makes the data of the next step, or the name of a
            ``.jsonata`` file beside the route.
        keep: Content Filter: paths of the fields that stay, such as ``customer.country``; a path
            goes through every item of a list.
        drop: Content Filter: paths of the fields that go.
        where: Message Filter: JSONata condition; what it does not hold for ends here.
        split: Splitter: JSONata that gives the list of parts; each goes on by itself.
        enrich: Content Enricher: asks another system, and keeps the answer in a variable.
        tap: Wire Tap: destination that gets a copy of what is here now.
        normalize: Normalizer: for each accepted contract, ``name@range``, the mapping that makes
            the one of ``as``.
        expires: Message Expiration: how long after its time what is made of a message is wanted.
        once: Idempotent Receiver: lets go on the first message with a key.
        python: Python step: the name of a function in ``steps/*.py``.
        scatter: Scatter-Gather: asks several systems at once, and keeps the answers in a variable.
        detour: Detour: a name; messages go through ``steps`` while an operator has it switched on.
        as_: Contract of what ``map``, ``keep``, ``drop``, ``split`` or ``normalize`` makes,
            ``name@range``; it is checked at once. Without it the data is checked where it is sent.
        steps: With ``split``: steps of the parts; with ``detour``: what it takes messages through.
        on: With ``detour``: it is on as long as no operator decides on it.
        join: With ``split``: the whole goes on instead of its parts, once they have been through
            ``steps`` (Composed Message Processor).
    """

    map: str | None = None
    keep: tuple[str, ...] | None = None
    drop: tuple[str, ...] | None = None
    where: str | None = None
    split: str | None = None
    enrich: Enrich | None = None
    tap: str | None = None
    normalize: dict[str, str] | None = None
    expires: Duration | None = None
    once: Once | None = None
    python: str | None = None
    scatter: Scatter | None = None
    detour: str | None = None
    as_: str | None = None
    steps: tuple[Step, ...] = ()
    on: bool = False
    join: Join | None = None

    def __post_init__(self) -> None:
        """Refuse what is not one step.

        Raises:
            ValueError: With a text for the person who wrote it.
        """
        there = [each for each in PATTERNS if getattr(self, each) is not None]
        if len(there) != 1:
            said = f"{' and '.join(there)} are two" if there else "it has none"
            raise ValueError(f"a step has one of {', '.join(PATTERNS)}; {said}")
        for name, patterns in _GIVEN_WITH.items():
            if getattr(self, name) and there[0] not in patterns:
                key = name.removesuffix("_")
                raise ValueError(f"{key!r} belongs to {', '.join(patterns)}, not to {there[0]!r}")

    @property
    def pattern(self) -> str:
        """Its key."""
        return next(each for each in PATTERNS if getattr(self, each) is not None)


def called(steps: tuple[Step, ...]) -> Iterator[str]:
    """Yield the name of each call that steps make, also those within others."""
    for step in steps:
        if step.enrich is not None and step.enrich.call is not None:
            yield step.enrich.call
        if step.scatter is not None:
            yield from step.scatter.ask
        yield from called(step.steps)


def functions(steps: tuple[Step, ...]) -> Iterator[str]:
    """Yield the name of each Python step that steps use, also those within others."""
    for step in steps:
        if step.python is not None:
            yield step.python
        yield from functions(step.steps)


def asked(steps: tuple[Step, ...]) -> Iterator[str]:
    """Yield each contract that steps ask over the mesh, as written, also within a splitter."""
    for step in steps:
        if step.enrich is not None and step.enrich.ask is not None:
            yield step.enrich.ask
        yield from asked(step.steps)
