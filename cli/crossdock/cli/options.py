"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

ProjectOption = Annotated[
    Path,
    typer.Option(
        "--project",
        "-p",
        help="The project folder.",
        exists=True,
        file_okay=False,
        envvar="CROSSDOCK_PROJECT",
    ),
]
NatsOption = Annotated[
    str | None,
    typer.Option(
        help="Where the broker is, nats://HOST:PORT. Default: CROSSDOCK_NATS (which may hold "
        "credentials and is not seen by others), else the running `crossdock up` of the project.",
        show_default=False,
    ),
]
LiveOption = Annotated[
    str | None,
    typer.Option(
        metavar="MESH",
        help="Run what was applied to this mesh (`crossdock apply`) and follow it live, instead of "
        "the files in the project folder. Relative paths of workers still begin there.",
        show_default=False,
    ),
]
OpsOption = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        help="Serve /livez, /readyz and /metrics there, without a key: keep it private.",
        show_default=False,
    ),
]
ContractArgument = Annotated[
    str,
    typer.Argument(
        metavar="NAME[@RANGE]",
        help="A contract: domain.entity.event, @1.2.0 or @^1 for a version, else the highest.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
ReasonOption = Annotated[
    str, typer.Option(help="Why, in one line; it is kept with the revision.", show_default=False)
]
AuthorOption = Annotated[
    str | None,
    typer.Option(help="Who. Default: user.name of git, else the user.", show_default=False),
]
ForceOption = Annotated[
    bool,
    typer.Option(
        "--force", help="Also when it breaks what was published; what was overruled is kept."
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
WaitOption = Annotated[
    bool, typer.Option("--wait/--no-wait", help="Wait until every service has taken it up.")
]
RateOption = Annotated[
    str | None, typer.Option(help="At most so many a second: 50, or 50/s.", metavar="N/s")
]
