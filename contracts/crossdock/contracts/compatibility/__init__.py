"""Compares two versions of a contract's schema: what changed, and whom it breaks."""

from crossdock.contracts.compatibility.codes import CODES, Code
from crossdock.contracts.compatibility.comparing import compare
from crossdock.contracts.compatibility.counterexamples import Counterexample, counterexample
from crossdock.contracts.compatibility.difference import Difference
from crossdock.contracts.compatibility.effects import Effect, worst
from crossdock.contracts.compatibility.modes import Mode
from crossdock.contracts.compatibility.versions import Step, compare_versions, refused_steps, steps

__all__ = [
    "CODES",
    "Code",
    "Counterexample",
    "Difference",
    "Effect",
    "Mode",
    "Step",
    "compare",
    "compare_versions",
    "counterexample",
    "refused_steps",
    "steps",
    "worst",
]
