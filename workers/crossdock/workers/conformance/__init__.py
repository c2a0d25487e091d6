"""The conformance kit: what every source and every sink must do, as checks to run against it.

Bring the system you connect (the real one) behind a :class:`SourceHarness` or
:class:`SinkHarness`, then run each check with a fresh harness::

    @pytest.mark.parametrize("check", source_checks(SourceFeatures()), ids=check_name)
    async def test_conforms(check: SourceCheck, harness: MyHarness) -> None:
        await check(harness)

A check raises :class:`NotConforming` with what was promised and what happened instead. What an
implementation cannot do is declared in its features, and its checks are then not in the list.
"""

from crossdock.workers.conformance.expecting import NotConforming
from crossdock.workers.conformance.harness import (
    MARK,
    SinkFeatures,
    SinkHarness,
    SourceFeatures,
    SourceHarness,
)
from crossdock.workers.conformance.sinks import SinkCheck, sink_checks
from crossdock.workers.conformance.sources import SourceCheck, source_checks

__all__ = [
    "MARK",
    "NotConforming",
    "SinkCheck",
    "SinkFeatures",
    "SinkHarness",
    "SourceCheck",
    "SourceFeatures",
    "SourceHarness",
    "check_name",
    "sink_checks",
    "source_checks",
]


def check_name(check: SourceCheck | SinkCheck) -> str:
    """Return the sentence that a check's name is, for test ids and reports."""
    return check.__name__
