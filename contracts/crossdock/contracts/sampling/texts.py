"""Makes texts: of a format, after a pattern, of a length, or just some words."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from crossdock.contracts.sampling.patterns import matching

_WORDS: Final = (
    *("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbour", "iris", "juniper"),
    *("karst", "lagoon", "maple", "north", "orchard", "pine", "quarry", "river", "slate", "tundra"),
)
_BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
_SECONDS: Final = 365 * 86400


def text_of(schema: dict[str, Any], random: Random) -> str:
    """Return a text for a schema of the type string; whether it fits is to be checked.

    Raises:
        ValueError: No text can be made for its pattern or format.
    """
    least, most = int(schema.get("minLength", 0)), schema.get("maxLength")
    if isinstance(pattern := schema.get("pattern"), str):
        return matching(pattern, random, least)
    if isinstance(name := schema.get("format"), str) and name in _FORMATS:
        return _FORMATS[name](random)
    text = random.choice(_WORDS)
    while len(text) < least:
        text += f" {random.choice(_WORDS)}"
    return text if most is None else text[: int(most)].strip().ljust(min(least, int(most)), "x")


def _host(random: Random) -> str:
    return f"{random.choice(_WORDS)}.example"


def _email(random: Random) -> str:
    return f"{random.choice(_WORDS)}@{_host(random)}"


def _uri(random: Random) -> str:
    return f"https://{_host(random)}/{random.choice(_WORDS)}"


def _moment(random: Random) -> datetime:
    return _BEGIN + timedelta(seconds=random.randrange(_SECONDS))


_FORMATS: Final[dict[str, Callable[[Random], str]]] = {
    "date-time": lambda random: f"{_moment(random):%Y-%m-%dT%H:%M:%SZ}",
    "date": lambda random: f"{_moment(random):%Y-%m-%d}",
    "time": lambda random: f"{_moment(random):%H:%M:%SZ}",
    "duration": lambda random: f"PT{random.randint(1, 59)}M",
    "email": _email,
    "idn-email": _email,
    "hostname": _host,
    "idn-hostname": _host,
    "ipv4": lambda random: f"192.0.2.{random.randint(1, 254)}",
    "ipv6": lambda random: f"2001:db8::{random.randint(1, 0xFFFF):x}",
    "uri": _uri,
    "iri": _uri,
    "uri-reference": lambda random: f"/{random.choice(_WORDS)}",
    "iri-reference": lambda random: f"/{random.choice(_WORDS)}",
    "uri-template": lambda random: f"/{random.choice(_WORDS)}/{{id}}",
    "uuid": lambda random: str(UUID(int=random.getrandbits(128), version=4)),
    "json-pointer": lambda random: f"/{random.choice(_WORDS)}",
    "relative-json-pointer": lambda random: f"0/{random.choice(_WORDS)}",
    "regex": lambda random: f"^{random.choice(_WORDS)}$",
}
