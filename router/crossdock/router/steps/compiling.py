"""From the entries of ``steps:`` to steps that are ready to run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from crossdock.router.compile_scope import CompileScope
from crossdock.router.flow import PureStep
from crossdock.router.step_file import Step
from crossdock.router.steps.content_filter import compile_drop, compile_keep
from crossdock.router.steps.detour import Detour
from crossdock.router.steps.enricher import Enricher, compile_enrich
from crossdock.router.steps.expiration import compile_expires
from crossdock.router.steps.function import compile_python
from crossdock.router.steps.idempotent_receiver import compile_once
from crossdock.router.steps.mesh_enricher import compile_ask
from crossdock.router.steps.message_filter import compile_where
from crossdock.router.steps.normalizer import compile_normalize
from crossdock.router.steps.scatter_gather import compile_scatter
from crossdock.router.steps.splitter import Splitter
from crossdock.router.steps.translator import compile_map
from crossdock.router.steps.wire_tap import compile_tap


def compile_steps(steps: tuple[Step, ...], name: str, scope: CompileScope) -> tuple[PureStep, ...]:
    """Make steps ready to run; those with something wrong are left out, and told to the scope.

    Args:
        steps: As written.
        name: Where they stand in the route: ``steps``.
        scope: Of the route.
    """
    compiled = [
        _COMPILERS[step.pattern](step, f"{name}/{at}", scope) for at, step in enumerate(steps)
    ]
    return tuple(each for each in compiled if each is not None)


def _compile_split(step: Step, name: str, scope: CompileScope) -> Splitter | None:
    parts = scope.expression(step.split, f"/{name}/split")
    contract = scope.contract(step.as_, f"/{name}/as")
    steps = compile_steps(step.steps, f"{name}/steps", scope)
    join = None if step.join is None else scope.variable(step.join.into, f"/{name}/join/into")
    if parts is None:
        return None
    return Splitter(
        name=name, pattern="split", parts=parts, contract=contract, steps=steps, join=join
    )


def _compile_detour(step: Step, name: str, scope: CompileScope) -> Detour:
    if not step.steps:
        scope.wrong(f"/{name}/detour", "leads nowhere: give it `steps`")
    steps = compile_steps(step.steps, f"{name}/steps", scope)
    detour = scope.detour(step.detour or "", f"/{name}/detour")
    return Detour(name=name, pattern="detour", detour=detour, on=step.on, steps=steps)


def _compile_enrich(step: Step, name: str, scope: CompileScope) -> Enricher | None:
    if step.enrich is not None and step.enrich.ask is not None:
        return compile_ask(step, name, scope)
    return compile_enrich(step, name, scope)


_COMPILERS: Final[dict[str, Callable[[Step, str, CompileScope], PureStep | None]]] = {
    "map": compile_map,
    "keep": compile_keep,
    "drop": compile_drop,
    "where": compile_where,
    "split": _compile_split,
    "enrich": _compile_enrich,
    "expires": compile_expires,
    "once": compile_once,
    "tap": compile_tap,
    "normalize": compile_normalize,
    "python": compile_python,
    "scatter": compile_scatter,
    "detour": _compile_detour,
}
