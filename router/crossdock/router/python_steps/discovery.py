"""Finds steps in the files of a folder. Runs in the process of the steps: it imports them."""

from __future__ import annotations

import importlib.util
import inspect
import linecache
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, get_type_hints

import msgspec

from crossdock.contracts import is_token
from crossdock.router.python_steps.decorator import MARK, Declared
from crossdock.router.python_steps.frames import Described, Wrong

FOLDER: Final = "steps"
_PACKAGE: Final = "crossdock_project_steps"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A step that can be called.

    Attributes:
        function: The function.
        declared: What is declared of it.
        type: Type of its data; ``Any`` takes what JSON gives.
        is_async: Whether it is a coroutine function.
    """

    function: Callable[..., Any]
    declared: Declared
    type: Any
    is_async: bool


def discover(folder: Path) -> tuple[dict[str, Found], list[Described], list[Wrong]]:
    """Import every ``.py`` of a folder whose name does not begin with an underscore.

    Returns:
        Steps by name, what is told of them, and what is wrong.
    """
    found: dict[str, Found] = {}
    told: list[Described] = []
    wrong: list[Wrong] = []
    sys.path.insert(0, str(folder))  # so that steps can share modules that begin with _
    for path in sorted(folder.glob("*.py")):
        if path.name.startswith(("_", ".")):
            continue
        try:
            module = _load(path)
        except Exception as error:  # noqa: BLE001 - whatever a user's file does when it is imported
            wrong.append(_failed(path, error))
            continue
        for value in list(vars(module).values()):
            if isinstance(getattr(value, MARK, None), Declared) and callable(value):
                _add(value, path, (found, told, wrong))
    return found, told, wrong


def _load(path: Path) -> object:
    spec = importlib.util.spec_from_file_location(f"{_PACKAGE}.{path.stem}", path)
    assert spec is not None  # noqa: S101 - narrows a type: it is a .py file
    assert spec.loader is not None  # noqa: S101 - likewise
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # as an import does: dataclasses look there
    spec.loader.exec_module(module)
    return module


def _add(
    function: Callable[..., Any],
    path: Path,
    into: tuple[dict[str, Found], list[Described], list[Wrong]],
) -> None:
    found, told, wrong = into
    declared: Declared = getattr(function, MARK)
    place = f"{FOLDER}/{path.name}:{declared.line}"
    if Path(inspect.getfile(function)) != path:
        return  # imported from another file of steps
    if not is_token(declared.name.replace("_", "-").lower()):
        wrong.append(Wrong(place=place, message="not a name for a step: use a-z, 0-9, - and _"))
    elif declared.name in found:
        message = f"there is a step {declared.name!r} already: give one of them another `name`"
        wrong.append(Wrong(place=place, message=message))
    else:
        is_async = inspect.iscoroutinefunction(function)
        found[declared.name] = Found(
            function=function, declared=declared, type=_type(function), is_async=is_async
        )
        told.append(
            Described(
                name=declared.name,
                accepts=declared.accepts,
                emits=declared.emits,
                timeout=declared.timeout,
                is_async=is_async,
                place=place,
            )
        )


def _type(function: Callable[..., Any]) -> Any:  # noqa: ANN401 - a type, or Any itself
    first = next(iter(inspect.signature(function).parameters))
    found = get_type_hints(function).get(first, Any)
    try:
        msgspec.convert({}, found, strict=False)
    except msgspec.ValidationError:
        return found
    except TypeError:  # a type that msgspec does not know, such as Mapping[str, object]
        return Any
    return found


def _failed(path: Path, error: Exception) -> Wrong:
    lines = [
        each.lineno
        for each in traceback.extract_tb(error.__traceback__)
        if each.filename == str(path) and each.lineno is not None
    ]
    line = lines[-1] if lines else 1
    if isinstance(error, SyntaxError) and error.lineno is not None:
        line = error.lineno
    linecache.clearcache()
    # A file of the project is no payload: its error may be told as it is.
    text = f"cannot be imported: {type(error).__name__}: {error}".splitlines()[0]
    return Wrong(place=f"{FOLDER}/{path.name}:{line}", message=text[:300])
