"""Contracts and the canonical message: pure, no I/O.

Everything here is a value or a function of values, so it is tested without an event loop.
"""

from crossdock.contracts.about import About, Deprecation, Expected
from crossdock.contracts.contract import Contract
from crossdock.contracts.errors import (
    CrossdockError,
    Disconnected,
    Halt,
    Problem,
    Reject,
    Retry,
)
from crossdock.contracts.ids import child_id, keyed_id, near_id, new_id, numbered_id
from crossdock.contracts.message import Message
from crossdock.contracts.reference import ContractRef
from crossdock.contracts.registry import Registry
from crossdock.contracts.subjects import Subjects, is_token

__all__ = [
    "About",
    "Contract",
    "ContractRef",
    "CrossdockError",
    "Deprecation",
    "Disconnected",
    "Expected",
    "Halt",
    "Message",
    "Problem",
    "Registry",
    "Reject",
    "Retry",
    "Subjects",
    "child_id",
    "is_token",
    "keyed_id",
    "near_id",
    "new_id",
    "numbered_id",
]
