"""What a person decides on a component while it runs: values, as the control bucket holds them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias

import msgspec

from crossdock.contracts.subjects import is_token

Kind = Literal["route", "destination", "source"]
KINDS: Final[tuple[Kind, ...]] = ("route", "destination", "source")
FlowState = Literal["running", "paused", "draining"]
_MAX_TEXT: Final = 500


class Name(msgspec.Struct, frozen=True, order=True):
    """A component, as people name it: ``route:orders``.

    Attributes:
        kind: Route, destination or source.
        name: Its name.
    """

    kind: Kind
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


class _Act(msgspec.Struct, frozen=True, kw_only=True, tag_field="act", omit_defaults=True):
    """Attributes: who did it, when (RFC 3339), and why, in their words."""

    by: str
    at: str
    reason: str = ""

    def __post_init__(self) -> None:
        if max(len(self.by), len(self.reason)) > _MAX_TEXT:
            raise ValueError(f"who and why have at most {_MAX_TEXT} characters each")


class Flow(_Act, frozen=True, tag="flow"):
    """Whether a component takes messages.

    Attributes:
        state: ``running``; ``paused`` begins nothing more; ``draining`` takes nothing new and
            finishes what it has.
        until: When a pause is over by itself, RFC 3339; ``""`` for when somebody ends it.
    """

    state: FlowState
    until: str = ""

    def state_at(self, now: datetime) -> FlowState:
        """Return the state that holds at a time."""
        return "running" if self.until and self.seconds_left(now) <= 0 else self.state

    def seconds_left(self, now: datetime) -> float:
        """Return how long it holds by itself; infinite when it does not end by itself."""
        if not self.until:
            return float("inf")
        return (datetime.fromisoformat(self.until) - now).total_seconds()


class Rate(_Act, frozen=True, tag="rate"):
    """How fast a component may be, all replicas together.

    Attributes:
        limit: Messages a second, instead of what the project says; None for that again.
    """

    limit: float | None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.limit is not None and not 0 < self.limit < float("inf"):
            raise ValueError("a rate is more than nothing")


class Switch(_Act, frozen=True, tag="detour"):
    """Whether messages take a detour of a route.

    Attributes:
        on: They do.
    """

    on: bool


Act: TypeAlias = Flow | Rate | Switch
RUNNING: Final[FlowState] = "running"


def flow_key(name: Name) -> str:
    """Return the key under which it is kept whether a component takes messages."""
    return f"{_of(name)}.flow"


def rate_key(name: Name) -> str:
    """Return the key under which the rate of a component is kept."""
    return f"{_of(name)}.rate"


def switch_key(route: str, detour: str) -> str:
    """Return the key under which the switch of a detour is kept."""
    if not is_token(detour):
        raise ValueError(f"{detour[:80]!r} is not the name of a detour")
    return f"{_of(Name('route', route))}.detour.{detour}"


def all_keys(name: Name) -> str:
    """Return a pattern for every key of a component."""
    return f"{_of(name)}.>"


def now_text() -> str:
    """Return the time for an act: to the microsecond, so that no two acts are equal."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _of(name: Name) -> str:
    if name.kind not in KINDS or not is_token(name.name):
        raise ValueError(f"{str(name)[:80]!r} is not the name of a component")
    return f"{name.kind}.{name.name}"
