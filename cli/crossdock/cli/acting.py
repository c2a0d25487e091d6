"""Who does something to messages, for the audit record."""

from __future__ import annotations

import getpass
import os
import socket
from typing import Annotated, Final

import typer

BY_VARIABLE: Final = "CROSSDOCK_BY"
_MOST_CHARACTERS: Final = 100

ReasonOption = Annotated[
    str, typer.Option(help="Why, in your words: it is kept in the audit record.")
]


def who() -> str:
    """Return who acts: ``CROSSDOCK_BY``, else the user of this machine."""
    said = os.environ.get(BY_VARIABLE, "").strip()
    if said:
        return said[:_MOST_CHARACTERS]
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"[:_MOST_CHARACTERS]
