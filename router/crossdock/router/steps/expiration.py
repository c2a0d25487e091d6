"""Message Expiration: ``expires`` says how long what is made is wanted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import msgspec

from crossdock.contracts import Reject
from crossdock.contracts.expiry import EXPIRY, read_time, write_time
from crossdock.router.compile_scope import CompileScope
from crossdock.router.flow import Flow, PureStep, Run
from crossdock.router.step_file import Step


class Expiration(PureStep, frozen=True, kw_only=True):
    """Sets the attribute ``expirytime``, or keeps an earlier one.

    Attributes:
        after: Seconds after the time of the message.
    """

    after: float

    def apply(self, flow: Flow, run: Run) -> Iterator[Flow]:
        """Yield the part with its time."""
        # From the message and not from the clock: a redelivered one makes the same children (I4).
        began = read_time(run.message.time)
        if began is None:
            raise Reject(f"{self.name}: the message has no time from which to count")
        try:
            expiry = began + timedelta(seconds=self.after)
        except OverflowError:
            raise Reject(f"{self.name}: the time is beyond the year 9999") from None
        said = read_time(run.message.extensions.get(EXPIRY, ""))
        if said is not None and said < expiry:
            expiry = said
        extensions = flow.extensions | {EXPIRY: write_time(expiry)}
        yield msgspec.structs.replace(flow, extensions=extensions)


def compile_expires(step: Step, name: str, scope: CompileScope) -> Expiration | None:
    """Make the step ready to run; None when something is wrong with it."""
    if not step.expires:
        scope.wrong(f"/{name}/expires", "more than nothing: write for example 10m")
        return None
    return Expiration(name=name, pattern="expires", after=float(step.expires))
