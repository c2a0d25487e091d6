"""What a check of routes can tell: the codes, in the order of the documentation."""

from __future__ import annotations

from typing import Final

CODES: Final = {
    "unknown-field": "a field that no accepted contract has",
    "unknown-value": "a comparison with a value that the contract does not allow there",
    "unlike-comparison": "a comparison of unlike types",
    "unlike-operands": "arithmetic with something that is no number",
    "unknown-variable": "a variable that nothing sets",
    "unknown-function": "a function that JSONata does not have",
    "argument-type": "an argument of the wrong type",
    "argument-count": "too many or too few arguments",
    "duplicate-key": "a key that is written twice",
    "never-true": "a condition that holds for no message",
    "always-true": "a condition that holds for every message",
    "condition-not-boolean": "a condition that is not true or false",
    "unreachable-branch": "a branch that the ones before it leave nothing",
    "uncovered-enum": "a value of an enum that no branch takes",
    "mapping-breaks-contract": "a mapping that cannot keep the contract of what it makes",
    "order-key": "an order key that may not be there",
    "expression-fails": "an expression that fails on a message that the contract accepts",
    "bad-expression": "an expression that is no JSONata, or could not be bounded",
    "not-a-time": "a time that is no text with date, time of day and zone",
    "unknown-contract": "a contract or version that is not there",
    "dangling-destination": "a destination that no worker consumes",
    "route-loop": "routes that feed each other for ever",
    "invalid-route": "a route file that is wrong in itself",
}
