"""``crossdock trace``: where the trace of a message is seen."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from crossdock.cli.options import JsonOption, NatsOption, ProjectOption
from crossdock.cli.why import IdArgument, SequenceOption, missing

if TYPE_CHECKING:
    from crossdock.mesh.bus import Bus
    from crossdock.mesh.trail import Trail

LINK_VARIABLE: Final = "CROSSDOCK_TRACE_LINK"


def trace(
    message_id: IdArgument,
    *,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    sequence: SequenceOption = None,
    json: JsonOption = False,
) -> None:
    """Print the trace of a message, as a link to the tracing system.

    The link is made from `telemetry.trace_link` of mesh.yaml, or from CROSSDOCK_TRACE_LINK, in
    which {trace_id} stands for the id. Exits 1 when there is no such message, or it has no trace.
    """
    from crossdock.cli.console import complain, say, say_json
    from crossdock.cli.session import visit
    from crossdock.mesh.project.loading import load_mesh
    from crossdock.mesh.telemetry.trace_context import is_sampled, trace_id, valid_traceparent

    async def look(bus: Bus) -> Trail | None:
        from crossdock.mesh.trail import follow

        return await follow(bus, message_id, sequence)

    trail = visit(project, nats, look)
    if trail is None:
        complain(missing(message_id))
        raise typer.Exit(1)
    traceparent = trail.message.extensions.get("traceparent", "")
    if not valid_traceparent(traceparent):
        complain("the message carries no trace")
        raise typer.Exit(1)
    found, sampled = trace_id(traceparent), is_sampled(traceparent)
    template = os.environ.get(LINK_VARIABLE) or load_mesh(project).telemetry.trace_link
    link = template.replace("{trace_id}", found) if template else None
    if json:
        say_json({"trace_id": found, "recorded": sampled, "link": link})
        return
    say(link or found)
    if not sampled:
        complain(
            "it was not recorded: telemetry.sample of mesh.yaml is the share of those that are"
        )
    if link is None:
        complain("for a link set telemetry.trace_link in mesh.yaml: https://…/{trace_id}")
