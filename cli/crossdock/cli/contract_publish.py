"""``crossdock contract publish``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

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


def publish(  # noqa: PLR0913 - each is an option of the command
    name: Annotated[
        str | None,
        typer.Argument(help="The contract; default: all of the project.", show_default=False),
    ] = None,
    *,
    reason: ReasonOption,
    author: AuthorOption = None,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    force: ForceOption = False,
    yes: YesOption = False,
    wait: WaitOption = True,
    json: JsonOption = False,
) -> None:
    """Make contracts of the project those of the running mesh; all else of it stays.

    Refuses to change a version that was published, and a new one that breaks what `compatibility`
    in its contract.yaml promises. With --force it does not, and that is kept with the reason. Exits
    as `crossdock apply` does.
    """
    from crossdock.cli.proposing import with_contracts
    from crossdock.cli.revising import Wish, revise
    from crossdock.contracts import Halt

    async def propose(store: RevisionStore, head: Head) -> Proposal:
        if head.revision is None:
            raise Halt("the mesh runs no project yet: begin with `crossdock apply`")
        return await with_contracts(store, head.revision, project, name)

    wish = Wish(
        project=project,
        nats=nats,
        origin="publish",
        reason=reason,
        author=author,
        force=force,
        yes=yes,
        wait=wait,
        json=json,
    )
    revise(wish, propose)
