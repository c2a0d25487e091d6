"""Options that several commands about contracts have."""

from __future__ import annotations

from typing import Annotated

import typer

from crossdock.contracts.compatibility.modes import Mode

ModeOption = Annotated[
    Mode | None,
    typer.Option(
        help="What a new version has to keep. Default: what the contract's contract.yaml says, "
        "else backward.",
        show_default=False,
    ),
]
