"""How a project says that it is not usable."""

from __future__ import annotations

from crossdock.contracts import Halt


class ProjectError(Halt):
    """Files of the project are wrong; ``problems`` has each with its place, ``file:line``."""
