"""What the commands of the control bus have in common: acting, and saying what came of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

import typer

from crossdock.cli.console import say_json

if TYPE_CHECKING:
    from crossdock.cli.control_acting import Author, Done, Drained, Wish
    from crossdock.cli.progress import Progress
    from crossdock.mesh.bus import Bus
    from crossdock.mesh.control import Name

NOT_HEEDED: Final = 4
"""Exit code for what was decided, and not everybody heeds yet."""


class Falling:
    """Shows how what is in hand becomes less."""

    def __init__(self, *, quiet: bool) -> None:
        self._progress: Progress | None = None
        self._quiet = quiet
        self._left = 0

    def tell(self, found: Drained) -> None:
        """Show how far it is."""
        from crossdock.cli.progress import Progress

        if self._progress is None:
            self._progress = Progress("draining", found.in_hand, quiet=self._quiet)
            self._progress.__enter__()
            self._left = found.in_hand
        self._progress.advance(max(0, self._left - found.in_hand))
        self._left = min(self._left, found.in_hand)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self._progress is not None:
            self._progress.__exit__(None, None, None)


def author_of(given: str | None, reason: str) -> Author:
    """Return who acts, and why."""
    from crossdock.cli.acting import who
    from crossdock.cli.control_acting import Author

    return Author(given or who(), reason)


def seconds_of(text: str) -> float:
    """Return a time span that was given.

    Raises:
        typer.BadParameter: It is none.
    """
    from crossdock.mesh.project.scalars import Duration

    try:
        found = float(Duration.parse(text))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    if not found:
        raise typer.BadParameter("more than nothing: write for example 10m")
    return found


def act(
    project: Path,
    nats: str | None,
    wishes: Callable[[Bus], Awaitable[list[Wish]]],
    *,
    wait: bool,
    json: bool,
) -> None:
    """Do something to components, say what came of it, and exit.

    Args:
        project: The project folder.
        nats: The broker.
        wishes: Returns what is to be done.
        wait: Whether to wait until every replica heeds it.
        json: Whether to say it as JSON.
    """
    from crossdock.cli.control_acting import fulfil
    from crossdock.cli.session import visit

    async def work(bus: Bus) -> list[Done]:
        return [await fulfil(bus, each, wait=wait) for each in await wishes(bus)]

    _tell(visit(project, nats, work), wait=wait, json=json)


def on_each(
    names: list[str], make: Callable[[Name], Wish]
) -> Callable[[Bus], Awaitable[list[Wish]]]:
    """Return what makes a wish for each component that is named."""

    async def wishes(bus: Bus) -> list[Wish]:
        from crossdock.cli.control_acting import wishes_for

        return await wishes_for(bus, names, make)

    return wishes


def _tell(done: list[Done], *, wait: bool, json: bool) -> None:
    """Say what came of acts, and exit."""
    if json:
        for each in done:
            say_json(each)
    else:
        from rich.console import Console

        from crossdock.cli.control_view import tell_done

        for each in done:
            tell_done(each, Console(highlight=False))
    whole = all(each.whole for each in done)
    raise typer.Exit(NOT_HEEDED if wait and not whole else 0)
