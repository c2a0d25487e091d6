"""What a check of processes can tell beside the codes of routes."""

from __future__ import annotations

from typing import Final

CODES: Final = {
    "unknown-state": "a state that is gone to, and is not there",
    "unreachable-state": "a state that no way leads to",
    "no-way-out": "a state that no way leads from to an end",
    "no-end": "a process without a state that ends",
    "unreachable-transition": "a message that the ones before it leave nothing",
    "invalid-process": "a process file that is wrong in itself",
}
