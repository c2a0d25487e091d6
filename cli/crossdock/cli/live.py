"""The live status line of ``crossdock up``."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable

from crossdock.cli.status import Status

_EVERY = 1.0


async def show_status(look: Callable[[], Awaitable[Status]]) -> None:
    """Show the status until cancelled, when standard output is a terminal; else do nothing."""
    if not sys.stdout.isatty():
        return
    from rich.console import Console
    from rich.live import Live
    from rich.text import Text

    with Live(console=Console(), auto_refresh=False, transient=True) as live:
        while True:
            live.update(
                Text((await look()).line(), overflow="ellipsis", no_wrap=True), refresh=True
            )
            await asyncio.sleep(_EVERY)
