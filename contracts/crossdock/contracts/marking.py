"""Test Message: a message that goes the way of real ones, and has no effect at its end.

It is marked by the CloudEvents extension attribute ``testmessage``, which what is made of it
inherits. Who may mark a message is decided at the door.
"""

from __future__ import annotations

from typing import Final

from crossdock.contracts.message import Message

TEST: Final = "testmessage"
MARK: Final = "true"
"""The only value of the attribute."""


def is_test(message: Message) -> bool:
    """Tell whether a message is marked as a test."""
    return message.extensions.get(TEST) == MARK
