"""``crossdock rollback``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossdock.cli.options import (
    AuthorOption,
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


def rollback(  # noqa: PLR0913 - each is an option of the command
    revision: Annotated[
        int | None,
        typer.Argument(help="Its number; default: the one before.", min=1, show_default=False),
    ] = None,
    *,
    reason: ReasonOption,
    author: AuthorOption = None,
    project: ProjectOption = Path(),
    nats: NatsOption = None,
    yes: YesOption = False,
    wait: WaitOption = True,
    json: JsonOption = False,
) -> None:
    """Make a new revision with the files of an older one; `crossdock history` lists them.

    The project folder stays as it is. Published versions of contracts may go away by it: messages
    that name them are then refused. Exits as `crossdock apply` does.
    """
    from crossdock.cli.proposing import of_revision
    from crossdock.cli.revising import Wish, revise
    from crossdock.contracts import Halt

    async def propose(store: RevisionStore, head: Head) -> Proposal:
        wanted = head.number - 1 if revision is None else revision
        kept = {each.number: each for each in await store.history()}
        if wanted not in kept:
            there = f"{min(kept)} to {max(kept)}" if kept else "none"
            raise Halt(f"there is no revision {wanted} to go back to; kept are {there}")
        return await of_revision(store, kept[wanted])

    wish = Wish(
        project=project,
        nats=nats,
        origin="rollback",
        reason=reason,
        author=author,
        force=True,
        yes=yes,
        wait=wait,
        json=json,
    )
    revise(wish, propose)
