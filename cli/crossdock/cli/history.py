"""``crossdock history``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from crossdock.cli.options import JsonOption, NatsOption, ProjectOption

if TYPE_CHECKING:
    from crossdock.mesh.bus import Bus
    from crossdock.mesh.registry.revision import Revision


def history(
    project: ProjectOption = Path(), *, nats: NatsOption = None, json: JsonOption = False
) -> None:
    """List the revisions of the mesh, newest first: who made each, when and why.

    The last 100 are kept. Exits 1 when the broker does not answer.
    """
    from crossdock.cli.console import say, say_json
    from crossdock.cli.session import visit
    from crossdock.mesh.registry.store import RevisionStore

    async def read(bus: Bus) -> list[Revision]:
        return await RevisionStore(bus).history()

    revisions = visit(project, nats, read)
    if json:
        for each in revisions:
            say_json(each)
    elif not revisions:
        say("nothing was applied yet")
    else:
        _print(revisions)


def _print(revisions: list[Revision]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("revision", "time", "author", "what", "files", "reason")
    for each in revisions:
        forced = f"\nforced: {each.note.forced}" if each.note.forced else ""
        cells = (
            str(each.number),
            each.time,
            each.note.author,
            each.note.origin,
            f"{each.changed} of {each.files} changed",
            f"{each.note.reason}{forced}",
        )
        table.add_row(*(Text(cell) for cell in cells))  # no text of others is markup
    Console().print(table)
