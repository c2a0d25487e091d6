"""What a new version of a contract must keep."""

from __future__ import annotations

from enum import StrEnum

from crossdock.contracts.compatibility.difference import Difference


class Mode(StrEnum):
    """What a new version of a contract must keep, as schema registries name it.

    ``backward``: who reads with the new version can read what was written with the old one.
    ``forward``: who reads with the old version can read what is written with the new one.
    ``full``: both. Each towards the version before, or towards all of them (``…-transitive``).
    """

    NONE = "none"
    BACKWARD = "backward"
    FORWARD = "forward"
    FULL = "full"
    BACKWARD_TRANSITIVE = "backward-transitive"
    FORWARD_TRANSITIVE = "forward-transitive"
    FULL_TRANSITIVE = "full-transitive"

    @property
    def transitive(self) -> bool:
        """Whether it holds towards all versions before."""
        return self.endswith("-transitive")

    def breaks(self, difference: Difference) -> bool:
        """Tell whether a difference breaks it; what is not decided does."""
        name = self.removesuffix("-transitive")
        backward = name in ("backward", "full") and not difference.backward.safe
        forward = name in ("forward", "full") and not difference.forward.safe
        return backward or forward
