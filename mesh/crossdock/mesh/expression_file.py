"""An expression as project files give it: written out, or in a ``.jsonata`` file beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from crossdock.mesh.expression import Expression
from crossdock.mesh.expression_guard import MAX_TEXT
from crossdock.mesh.project.document import read_bytes
from crossdock.mesh.project.problems import ProjectError

SUFFIX: Final = ".jsonata"


def load_expression(text: str, folder: Path, *, place: str = "") -> Expression:
    """Compile an expression that a project file gives.

    Args:
        text: The expression, or the name of a ``.jsonata`` file.
        folder: The folder of the project file; nothing outside it is read.
        place: What error texts at run time name, such as ``route orders, send/0/map``.

    Raises:
        ValueError: With a text for the person who wrote it.
    """
    if not text.endswith(SUFFIX) or "\n" in text:
        return Expression(text, place=place)
    written = _read(text, folder)
    try:
        return Expression(written, place=f"{place} ({text})")
    except ValueError as error:
        raise ValueError(f"{text}: {error}") from error


def _read(name: str, folder: Path) -> str:
    try:
        return read_bytes(folder, name, MAX_TEXT).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(f"{name[:80]}: not UTF-8: save it as UTF-8") from None
    except ProjectError as error:
        raise ValueError(f"{name[:80]}: {error.problems[0].message}") from error
