"""``crossdock gateway|router|worker``: one service, as it runs in a container."""

from __future__ import annotations

import typer


def gateway() -> None: ...
def router() -> None: ...
def worker() -> None: ...
