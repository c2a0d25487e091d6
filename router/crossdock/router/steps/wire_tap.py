"""Wire Tap: ``tap`` sends a copy of what is here now, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from crossdock.contracts import Message, child_id, is_token
from crossdock.router.compile_scope import CompileScope
from crossdock.router.flow import Child, Flow, PureStep, Run, base_extensions, make_child
from crossdock.router.step_file import Step


class WireTap(PureStep, frozen=True, kw_only=True):
    """Sends a copy. What it cannot send it leaves, and the record says so: it never fails.

    Attributes:
        to: Destination of the copies.
        route: Name of the route.
        source: Who makes them.
    """

    to: str
    route: str
    source: str

    @property
    def destinations(self) -> tuple[str, ...]:
        """Where the copies go."""
        return (self.to,)

    def apply(self, flow: Flow, run: Run) -> Iterator[Flow]:
        """Yield the part as it is."""
        sent = flow.contract or run.accepted
        if sent is not flow.contract and sent.problems(flow.data):
            run.notes[self.name] = f"not sent: it breaks {sent.dataschema}"
        else:
            run.taps.append(Child(self.to, self._copy(flow, run)))
        yield flow

    def _copy(self, flow: Flow, run: Run) -> Message:
        part = "".join(f"/{at}" for at in flow.part)
        parent = run.message
        # No destination has a `/`, so that no other child has this id.
        branch = f"{self.to}/{self.name}{part}"
        own = child_id(*run.message.identity, self.route, branch)
        extensions = base_extensions(parent) | flow.extensions
        return make_child(
            parent, own, self.source, flow.contract or run.accepted, flow.bytes(), extensions
        )


def compile_tap(step: Step, name: str, scope: CompileScope) -> WireTap | None:
    """Make the step ready to run; None when something is wrong with it."""
    to = step.tap or ""
    if not is_token(to):
        scope.wrong(f"/{name}/tap", f"{to[:80]!r} is not a destination: use a-z, 0-9, - and _")
        return None
    return WireTap(name=name, pattern="tap", to=to, route=scope.route, source=scope.source)
