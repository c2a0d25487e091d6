"""Secrets that were written into a file by mistake: they must not come into the registry.

Typed settings refuse a literal secret already. This looks at all text, for what is a secret with
certainty by its form: few rules, so that nobody learns to overrule them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from crossdock.contracts import Problem

_RULES: Final = (
    (rb"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----", "a private key"),
    (rb"\bcdk_[A-Za-z0-9_-]{20,}", "an API key of a gateway"),
    (
        rb"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"'$]{1,64}:[^\s/@\"'${<]{1,128}@",
        "a password in a URL",
    ),
    (rb"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b", "an access key of AWS"),
    (rb"\bgh[pousr]_[A-Za-z0-9]{36,}", "a token of GitHub"),
    (rb"\bglpat-[A-Za-z0-9_-]{20,}", "a token of GitLab"),
    (rb"\bxox[abprs]-[A-Za-z0-9-]{10,}", "a token of Slack"),
    (rb"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}", "a JSON Web Token"),
)
_ANY: Final = re.compile(b"|".join(b"(%b)" % rule for rule, _ in _RULES))


def find_leaks(contents: Mapping[str, bytes]) -> Iterator[Problem]:
    """Yield a problem for each secret that stands in a file; it names the place only (I6).

    Args:
        contents: By path.
    """
    for path, content in contents.items():
        for found in _ANY.finditer(content):
            what = _RULES[(found.lastindex or 1) - 1][1]
            line = content.count(b"\n", 0, found.start()) + 1
            message = f"holds {what}: write ${{env:NAME}} or ${{file:PATH}} instead"
            yield Problem(message=message, place=f"{path}:{line}")
