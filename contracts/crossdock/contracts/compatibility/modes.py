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

    @property
    def backward(self) -> bool:
        """Whether old documents must stay valid."""
        return self.startswith(("backward", "full"))

    @property
    def forward(self) -> bool:
        """Whether new documents must be valid for old readers."""
        return self.startswith(("forward", "full"))

    def breaks(self, difference: Difference) -> bool:
        """Tell whether a difference breaks it; what is not decided does."""
        backward = self.backward and not difference.backward.safe
        return backward or (self.forward and not difference.forward.safe)
