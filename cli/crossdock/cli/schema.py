"""``crossdock schema``: JSON Schemas of the project's files, for editors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from crossdock.cli.options import JsonOption


def schema(
    kind: Annotated[
        str | None,
        typer.Argument(help="mesh, route, worker, contract, api, call or clients."),
    ] = None,
    *,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Write files there.", file_okay=False),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Write the JSON Schema of project files, so that editors complete, explain and check them.

    With a kind it is printed. With -o each kind, or the one, is written to DIR/KIND.schema.json,
    and what an editor needs to find them is printed. Without either the kinds are listed. The
    schema of workers knows the adapters that are installed.

    Exits 2 when there is no such kind or the files cannot be written.
    """
    from crossdock.cli.console import complain, say_json
    from crossdock.cli.file_schemas import KINDS, file_schema

    if kind is not None and kind not in KINDS:
        complain(f"no kind {kind[:80]!r}: there is {', '.join(KINDS)}")
        raise typer.Exit(2)
    if output is not None:
        _write([kind] if kind else list(KINDS), output, as_json=json)
    elif kind is not None:
        say_json(file_schema(kind))
    else:
        _list(as_json=json)


def _write(kinds: list[str], folder: Path, *, as_json: bool) -> None:
    import msgspec

    from crossdock.cli.console import complain, say, say_json
    from crossdock.cli.file_schemas import KINDS, file_schema

    places = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for kind in kinds:
            file = folder / f"{kind}.schema.json"
            file.write_bytes(msgspec.json.format(msgspec.json.encode(file_schema(kind))) + b"\n")
            places[file.as_posix()] = KINDS[kind].files
    except OSError as error:
        complain(f"{folder} cannot be written: {(error.strerror or 'error').lower()}")
        raise typer.Exit(2) from error
    settings = {"yaml.schemas": places}
    if as_json:
        say_json(settings)
        return
    for place, files in places.items():
        say(f"{place}  for {files}")
    say("\nFor VS Code with the YAML extension, in .vscode/settings.json:")
    say(msgspec.json.format(msgspec.json.encode(settings)).decode())


def _list(*, as_json: bool) -> None:
    from crossdock.cli.console import say, say_json
    from crossdock.cli.file_schemas import KINDS

    if as_json:
        say_json({name: kind.files for name, kind in KINDS.items()})
        return
    for name, kind in KINDS.items():
        say(f"{name:10} {kind.files}")
