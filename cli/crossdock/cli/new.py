"""``crossdock new``: begins things that people then edit."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Final

import typer

from crossdock.cli.console import say
from crossdock.contracts import is_token

app = typer.Typer(help="Begin a project.", no_args_is_help=True)
_RENAMED: Final = {"gitignore": ".gitignore"}  # under its own name it would act on our repository


@app.callback()
def new() -> None:
    """Begin a project."""


@app.command()
def project(
    name: Annotated[str, typer.Argument(help="Its name, and the folder to create.")],
    folder: Annotated[
        Path, typer.Option("--in", help="Where to create it.", exists=True, file_okay=False)
    ] = Path(),
) -> None:
    """Create a small project that runs: orders by HTTP, checked and mapped, into a file."""
    if not is_token(name):
        raise typer.BadParameter("use lower-case letters, digits, - and _, at most 63")
    target = folder / name
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise typer.BadParameter(f"{target} is there already: choose another name")
    _copy(files("crossdock.cli") / "scaffold", target, name)
    say(f"{target} is there. Next: cd {target}, then crossdock check . and crossdock up .")


def _copy(source: Traversable, target: Path, name: str) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for each in source.iterdir():
        if each.is_dir():
            _copy(each, target / each.name, name)
        else:
            text = each.read_text(encoding="utf-8").replace("NAME", name)
            (target / _RENAMED.get(each.name, each.name)).write_text(text, encoding="utf-8")
