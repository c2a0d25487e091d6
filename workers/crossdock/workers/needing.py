"""Says that an adapter needs a package, without importing it yet.

Reading and checking a project loads every adapter; a package that takes half a second to import is
imported by the process that runs the adapter only.
"""

from __future__ import annotations

from importlib.util import find_spec


def need(package: str) -> None:
    """Do nothing when a package is installed.

    Raises:
        ModuleNotFoundError: It is not; the registry tells which extra to install.
    """
    if find_spec(package) is None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)
