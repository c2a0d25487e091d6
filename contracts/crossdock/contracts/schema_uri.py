"""Where a reference in a schema leads (RFC 3986)."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urljoin

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_STAND_IN: Final = "http://crossdock.invalid"


def joined(base: str, reference: str) -> str:
    """Return the URI that a reference means, for any scheme: the standard library knows a few.

    Args:
        base: URI of what the reference stands in, without a fragment; ``""`` when it has none.
        reference: As written: a URI, a path, a fragment or nothing.
    """
    if not reference or reference.startswith("#"):
        return base + reference
    if _SCHEME.match(reference):
        return reference
    scheme, _, rest = base.partition(":")
    if not rest or rest.startswith("//"):
        return urljoin(base, reference)
    path = urljoin(_STAND_IN + rest, reference).removeprefix(_STAND_IN)
    return f"{scheme}:{path}"
