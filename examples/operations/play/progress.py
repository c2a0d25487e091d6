"""Shows how far the sending is: bars on a terminal, else a line when something is done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)


class Sending:
    """The bars, one for each thing that goes on."""

    def __init__(self, console: Console) -> None:
        """Draw on a console."""
        self._console = console
        self._progress = Progress(
            TextColumn("{task.description:42}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> Self:
        """Start drawing."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop drawing; the bars stay."""
        self._progress.stop()

    def bar(self, what: str, total: int) -> Callable[[], None]:
        """Add a bar, and return what moves it by one."""
        task = self._progress.add_task(what, total=total)
        return lambda: self._advance(task)

    def level(self, what: str, total: int) -> Callable[[int], None]:
        """Add a bar, and return what sets it."""
        task = self._progress.add_task(what, total=total)
        return lambda value: self._progress.update(task, completed=min(value, total))

    def _advance(self, task: TaskID) -> None:
        self._progress.advance(task)
        done = self._progress.tasks[task]
        if done.finished and not self._console.is_terminal:
            self._console.print(f"{done.description}: {int(done.completed):,}")
