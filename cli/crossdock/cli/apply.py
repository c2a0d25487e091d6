"""``crossdock apply``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from crossdock.cli.options import (
    AuthorOption,
    ForceOption,
    JsonOption,
    NatsOption,
    ProjectOption,
    ReasonOption,
    WaitOption,
    YesOption,
)

if TYPE_CHECKING:
    from crossdock.cli.proposing import Proposal
    from crossdock.mesh.registry.store import Head, RevisionStore


def apply(  # noqa: PLR0913 - each is an option of the command
    project: ProjectOption = Path(),
    *,
    reason: ReasonOption,
    author: AuthorOption = None,
    nats: NatsOption = None,
    force: ForceOption = False,
    yes: YesOption = False,
    wait: WaitOption = True,
    json: JsonOption = False,
) -> None:
    """Make the project what the mesh runs: shows the plan, asks, and waits for the services.

    Everything takes effect as one revision, or nothing does. Exits with 1 when it was not applied,
    4 when it was but a service does not run it (it keeps the last good one and says why), 5 when
    somebody else applied meanwhile.
    """
    from crossdock.cli.proposing import of_folder
    from crossdock.cli.revising import Wish, revise

    async def propose(_store: RevisionStore, _head: Head) -> Proposal:
        return await of_folder(project)

    wish = Wish(
        project=project,
        nats=nats,
        origin="apply",
        reason=reason,
        author=author,
        force=force,
        yes=yes,
        wait=wait,
        json=json,
    )
    revise(wish, propose)
