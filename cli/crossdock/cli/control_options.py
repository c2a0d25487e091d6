"""Options of the commands of the control bus."""

from __future__ import annotations

from typing import Annotated

import typer

NamesArgument = Annotated[
    list[str],
    typer.Argument(
        metavar="NAME…",
        help="route:NAME, destination:NAME or source:NAME; NAME alone when only one has it.",
        show_default=False,
    ),
]
NameArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME", help="route:NAME or destination:NAME; NAME alone when only one has it."
    ),
]
AuthorOption = Annotated[
    str | None,
    typer.Option(help="Who. Default: CROSSDOCK_BY, else the user.", show_default=False),
]
WaitOption = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Wait until every replica heeds it.")
]
