"""``crossdock docs``: a project's mesh as a document that tools read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

if TYPE_CHECKING:
    from crossdock.mesh.catalogue.description import MeshDescription

Format = Literal["asyncapi", "openapi"]


def docs(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="The project folder.", exists=True, file_okay=False),
    ] = Path(),
    *,
    format_: Annotated[
        Format,
        typer.Option(
            "--format",
            help="asyncapi: the whole mesh, AsyncAPI 3.0. openapi: its HTTP gateway, OpenAPI 3.1.",
        ),
    ] = "asyncapi",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write it there instead of printing it."
        ),
    ] = None,
) -> None:
    """Describe a mesh for tools, as JSON. Needs no broker. Exits 2 when the project is wrong."""
    import msgspec

    from crossdock.cli.console import complain, say
    from crossdock.cli.describing import describe_project
    from crossdock.contracts import Halt

    try:
        document = _made(folder, describe_project(folder), format_)
    except Halt as error:
        complain(error.reason, error.problems)
        raise typer.Exit(2) from error
    text = msgspec.json.format(msgspec.json.encode(document), indent=2).decode()
    if output is None:
        say(text)
        return
    try:
        output.write_text(f"{text}\n", encoding="utf-8")
    except OSError as error:
        complain(f"{output} cannot be written: {error.strerror}")
        raise typer.Exit(2) from error


def _made(folder: Path, description: MeshDescription, format_: Format) -> dict[str, Any]:
    if format_ == "asyncapi":
        from crossdock.mesh.catalogue.asyncapi import asyncapi

        return asyncapi(description)
    from crossdock.gateway.openapi import openapi
    from crossdock.mesh.project.loading import load_mesh

    return openapi(description, load_mesh(folder).gateway)
