"""Idempotent Receiver: ``once`` lets go on the first message with a key, and no other."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from crossdock.contracts import CrossdockError, Reject
from crossdock.contracts.marking import is_test
from crossdock.mesh.claims import LEAST
from crossdock.mesh.expression import UNDEFINED, Expression
from crossdock.router.compile_scope import CompileScope
from crossdock.router.effects import Claim, Deciding
from crossdock.router.flow import EffectStep, Flow, Run
from crossdock.router.step_file import Step


class IdempotentReceiver(EffectStep, frozen=True, kw_only=True):
    """Lets go on who claims a key first.

    Attributes:
        key: Gives the key.
        window: Seconds for which a key is kept.
    """

    key: Expression
    window: float

    @property
    def asks(self) -> bool:
        """It does: who was first is known to the mesh."""
        return True

    def run(self, flows: list[Flow], run: Run) -> Deciding[list[Flow]]:
        """Return those that are the first with their key."""
        answers = yield tuple([self._claim(flow, run) for flow in flows])
        for answer in answers:
            if isinstance(answer, CrossdockError):
                raise answer
        return [flow for flow, first in zip(flows, answers, strict=True) if first]

    def expressions(self) -> Iterator[tuple[str, Expression]]:
        """Yield what gives the key."""
        yield f"/{self.name}/once/key", self.key

    def _claim(self, flow: Flow, run: Run) -> Claim:
        flow.check_exact(self.name)
        key = self.key.evaluate(flow.data, flow.variables)
        if key is UNDEFINED or key is None or isinstance(key, dict) or key == []:
            raise Reject(f"{self.name}: there is no key")
        claimed = f"{self.name} {msgspec.json.encode(key).decode()}"
        part = "".join(f"/{at}" for at in flow.part)
        return Claim(
            step=self.name,
            # A test takes nothing away from the real messages of its key.
            key=f"test {claimed}" if is_test(run.message) else claimed,
            holder=f"{' '.join(run.message.identity)}{part}",
            window=self.window,
        )


def compile_once(step: Step, name: str, scope: CompileScope) -> IdempotentReceiver | None:
    """Make the step ready to run; None when something is wrong with it."""
    if step.once is None:
        return None
    key = scope.expression(step.once.key, f"/{name}/once/key")
    if step.once.within < LEAST:
        scope.wrong(f"/{name}/once/within", f"at least {LEAST:g}s")
    if key is None:
        return None
    return IdempotentReceiver(name=name, pattern="once", key=key, window=float(step.once.within))
