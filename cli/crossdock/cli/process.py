"""``crossdock process``: instances of processes, and the examples of their files.

Each command is a module of its own, named ``process_COMMAND``.
"""

from __future__ import annotations

import typer

from crossdock.cli.process_act import cancel, resume
from crossdock.cli.process_list import list_
from crossdock.cli.process_show import show
from crossdock.cli.process_test import run_tests

app = typer.Typer(help="Processes: see instances, resume, cancel; test.", no_args_is_help=True)


@app.callback()
def processes() -> None:
    """Processes: see instances, resume, cancel; test."""


app.command("list")(list_)
app.command("show")(show)
app.command("resume")(resume)
app.command("cancel")(cancel)
app.command("test")(run_tests)
