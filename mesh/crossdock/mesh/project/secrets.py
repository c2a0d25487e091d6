"""Resolves ``${env:NAME}`` and ``${file:PATH}`` in settings, at run time only.

Checking a project needs no secret; a service calls this once, just before it uses the settings.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from crossdock.contracts import Halt
from crossdock.mesh.project.scalars import Secret

T = TypeVar("T")
MAX_BYTES: Final = 64 * 1024
_REFERENCE = re.compile(r"\$\{(env|file):([^${}]+)\}")


def resolve_secrets(value: T, folder: Path) -> T:
    """Return the settings with every reference replaced by what it names.

    Args:
        value: Settings: a struct, dict, list, tuple, text or secret, in any nesting.
        folder: The project folder; relative paths start there.

    Raises:
        Halt: When a variable or file is missing or empty; it names what and where, never a value.
    """
    resolved: T = _resolved(value, folder, "")
    return resolved


def _resolved(value: Any, folder: Path, place: str) -> Any:  # noqa: ANN401 - any settings
    if isinstance(value, str):
        return _text(value, folder, place)
    if isinstance(value, Secret):
        return type(value)(_text(value.reveal(), folder, place))
    if isinstance(value, dict):
        return {key: _resolved(each, folder, f"{place}/{key}") for key, each in value.items()}
    if isinstance(value, list | tuple):
        items = (_resolved(each, folder, f"{place}/{i}") for i, each in enumerate(value))
        return type(value)(items)
    if isinstance(value, msgspec.Struct):
        return _struct(value, folder, place)
    return value


def _struct(value: msgspec.Struct, folder: Path, place: str) -> msgspec.Struct:
    changes = {}
    for field in msgspec.structs.fields(value):
        before = getattr(value, field.name)
        after = _resolved(before, folder, f"{place}/{field.encode_name}")
        if after != before:
            changes[field.name] = after
    try:
        return msgspec.structs.replace(value, **changes)
    except ValueError:  # from its __post_init__, which now sees the real values
        # The cause may quote a secret, hence it is not chained.
        raise Halt(f"settings{place and ' at ' + place}: not usable once secrets are in") from None


def _text(text: str, folder: Path, place: str) -> str:
    sources: dict[str, Callable[[str], str]] = {
        "env": lambda name: _variable(name, place),
        "file": lambda path: _file(path, folder, place),
    }
    return _REFERENCE.sub(lambda found: sources[found[1]](found[2]), text)


def _variable(name: str, place: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise Halt(
            f"environment variable {name} is not set, but settings need it at {place or '/'}"
        )
    return value


def _file(path: str, folder: Path, place: str) -> str:
    where = f"settings need it at {place or '/'}"
    try:
        with (folder / path).open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise Halt(f"secret file {path} cannot be read ({error.strerror}): {where}") from error
    if len(data) > MAX_BYTES:
        raise Halt(f"secret file {path} is larger than {MAX_BYTES} bytes: {where}")
    try:
        value = data.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise Halt(f"secret file {path} is not UTF-8: {where}") from None  # I6: no bytes of it
    if not value:
        raise Halt(f"secret file {path} is empty: {where}")
    return value
