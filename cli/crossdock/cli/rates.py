"""How fast: rates as people write them."""

from __future__ import annotations

import re
from typing import Final

import typer

_RATE: Final = re.compile(r"(\d+(?:\.\d+)?)(?:/s)?\Z")


def parse_rate(text: str | None) -> float | None:
    """Return things a second; None for as fast as it goes.

    Raises:
        typer.BadParameter: It is no rate.
    """
    if text is None:
        return None
    found = _RATE.match(text)
    if found is None or float(found[1]) <= 0:
        raise typer.BadParameter(f"{text[:20]!r} is no rate: write for example 50/s")
    return float(found[1])
