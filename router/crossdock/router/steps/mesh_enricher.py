"""Content Enricher over the mesh: ``enrich`` with ``ask`` sends a message and waits for its reply.

The question's id follows from the message and from what is asked. So a message that comes again
asks the same question, which is stored once, and finds the reply that came meanwhile: whoever
answers has the effect once (I4), and nothing has to be remembered here.
"""

from __future__ import annotations

import msgspec

from crossdock.contracts import Contract, Reject, child_id, keyed_id
from crossdock.contracts.replying import REPLY_TO, return_address
from crossdock.mesh.expression import Json
from crossdock.router.compile_scope import CompileScope
from crossdock.router.effects import Ask, Effect
from crossdock.router.flow import Run, base_extensions, make_child
from crossdock.router.step_file import Step
from crossdock.router.steps.enricher import Enricher


class MeshEnricher(Enricher, frozen=True, kw_only=True):
    """Asks by a message; the same question of several parts is asked once.

    Attributes:
        contract: Of the question.
        answers: Of the reply.
        route: Name of the route.
        source: Who asks.
    """

    contract: Contract
    answers: Contract
    route: str
    source: str

    def _effect(self, request: Json, key: bytes, run: Run) -> Effect:
        """Return the question as a message with a return address of its own.

        Raises:
            Reject: It breaks its contract.
        """
        problems = self.contract.problems(request)
        if problems:
            text = f"{self.name}: what it asks breaks {self.contract.dataschema}"
            raise Reject.of(text, problems)
        # No destination has a `/`, so that no other child has this id.
        branch = f"ask/{self.name}/{keyed_id(key.decode())}"
        own = child_id(*run.message.identity, self.route, branch)
        extensions = base_extensions(run.message) | {REPLY_TO: return_address(self.source, own)}
        data = msgspec.json.encode(request)
        return Ask(
            step=self.name,
            client=self.contract.name,
            message=make_child(run.message, own, self.source, self.contract, data, extensions),
            answers=self.answers,
            timeout=self.settings.timeout,
        )


def compile_ask(step: Step, name: str, scope: CompileScope) -> MeshEnricher | None:
    """Make the step ready to run; None when something is wrong with it."""
    settings = step.enrich
    if settings is None:
        return None
    question = scope.expression(settings.with_, f"/{name}/enrich/with")
    scope.variable(settings.into, f"/{name}/enrich/into")
    contract = scope.contract(settings.ask, f"/{name}/enrich/ask")
    answers = scope.contract(settings.answers, f"/{name}/enrich/answers")
    if contract is not None and contract.name in {each.name for each in scope.accepted.values()}:
        message = "the route accepts what it asks, and would ask itself for ever: ask another"
        scope.wrong(f"/{name}/enrich/ask", message, "route-loop")
    if question is None or contract is None or answers is None:
        return None
    return MeshEnricher(
        name=name,
        pattern="enrich",
        question=question,
        settings=settings,
        contract=contract,
        answers=answers,
        route=scope.route,
        source=scope.source,
    )
