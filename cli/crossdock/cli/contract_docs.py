"""``crossdock contract docs``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crossdock.cli.options import JsonOption


def catalogue(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="The project folder.", exists=True, file_okay=False),
    ] = Path(),
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="SITE", help="Folder for the pages.")
    ] = Path("site"),
    json: JsonOption = False,
) -> None:
    """Write a catalogue of the contracts: static pages, searchable, for any web server or none.

    Each contract with its fields, examples, versions, and who makes and takes its messages. Pages
    of contracts that are gone are removed. Exits 2 when the project is wrong.
    """
    from crossdock.cli.console import complain, say, say_json
    from crossdock.cli.describing import describe_project
    from crossdock.contracts import Halt
    from crossdock.mesh.catalogue.site import site

    try:
        description = describe_project(folder)
        written = [_write(output, path, text) for path, text in site(description)]
        for each in (output / "contracts").glob("*.html"):
            if f"contracts/{each.name}" not in written:
                each.unlink()
    except Halt as error:
        complain(error.reason, error.problems)
        raise typer.Exit(2) from error
    except OSError as error:
        complain(f"{output} cannot be written: {error.strerror}")
        raise typer.Exit(2) from error
    start = output / "index.html"
    if json:
        say_json({"start": str(start), "pages": written})
    else:
        say(f"{len(description.contracts)} contracts: open {start}")


def _write(output: Path, path: str, text: str) -> str:
    file = output / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return path
