"""An expression as project files give it: written out, or in a ``.jsonata`` file beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from crossdock.mesh.expression import Expression
from crossdock.mesh.expression_guard import MAX_TEXT

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
    shown = repr(name[:80])
    if "\0" in name:
        raise ValueError(f"{shown} is not a file name")
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(f"{shown} is outside the folder of the file that names it")
    try:
        if not path.is_file():
            raise ValueError(f"{shown} is not there, or not a file: it is looked for in {folder}")
        if path.stat().st_size > MAX_TEXT:
            raise ValueError(f"{shown} is larger than {MAX_TEXT} bytes")
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ValueError(f"{shown} is not UTF-8") from None
    except OSError as error:
        raise ValueError(f"{shown} cannot be read: {error.strerror}") from error
