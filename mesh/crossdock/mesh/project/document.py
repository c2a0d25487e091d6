"""A YAML file of the project, read without trust, with the line of every value.

Only the parser of PyYAML is used, never its constructors: so no tag makes a Python object. Scalars
are those of YAML 1.2 (``no`` is text, not false; ``12:30`` is text, not a number), which is what
editors assume and what a person means. Anchors, aliases and tags are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from crossdock.contracts import Problem
from crossdock.contracts.violations import pointer
from crossdock.mesh.project.problems import ProjectError
from crossdock.mesh.project.reading import FileReader

MAX_BYTES: Final = 256 * 1024
MAX_DEPTH: Final = 50
MAX_PROBLEMS: Final = 50
_LOADER: Final = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader

_INT = re.compile(r"[-+]?[0-9]{1,18}\Z")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]{1,30}|[0-9]{1,30}(\.[0-9]{0,30}|(?=[eE])))([eE][-+]?[0-9]{1,2})?\Z"
)
_WORDS: Final = {
    "": None,
    **dict.fromkeys(("~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

Path_ = tuple[str | int, ...]


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """What a file holds, and where.

    Attributes:
        file: Its path from the project folder, with ``/``.
        value: Dicts, lists and scalars.
        lines: Line, from 1, of each value: for a member of a mapping the line of its key.
        blocks: Paths of texts that begin on the line after (``|`` and ``>``).
    """

    file: str
    value: Any
    lines: dict[Path_, int]
    blocks: frozenset[Path_] = frozenset()

    def place(self, path: Path_ = (), row: int = 0) -> str:
        """Return ``file:line`` of a path, or of what holds it when it is not there.

        Args:
            path: Keys and indexes from the root.
            row: Line within a text of several lines, from 0.
        """
        while path and path not in self.lines:
            path = path[:-1]
        line = self.lines.get(path, 1)
        return f"{self.file}:{line + 1 + row if path in self.blocks else line}"

    def path_of(self, pointer: str) -> Path_:
        """Return the path of a JSON Pointer: only the document knows which steps are indexes."""
        path: Path_ = ()
        for step in pointer.split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            is_index = key.isdecimal() and (*path, int(key)) in self.lines
            path = (*path, int(key) if is_index else key)
        return path

    def problem(self, message: str, path: Path_ = (), keyword: str = "", row: int = 0) -> Problem:
        """Return a problem at a path."""
        place = self.place(path, row)
        return Problem(message=message, pointer=pointer(path), keyword=keyword, place=place)


def read(folder: Path, file: str) -> Document:
    """Read a file of the project.

    Args:
        folder: The project folder.
        file: Path from there.

    Raises:
        ProjectError: When it cannot be read or is not YAML that we accept.
    """
    return parse(read_bytes(folder, file), file)


def read_bytes(folder: Path, file: str, limit: int = MAX_BYTES) -> bytes:
    """Read a file of the project, which must lie in the folder and be at most ``limit`` bytes.

    Raises:
        ProjectError: When it is not there, lies outside or is too large.
    """
    return FileReader(folder).read(file, limit)


def parse(data: bytes, file: str) -> Document:
    """Read YAML.

    Raises:
        ProjectError: With every duplicate key, alias and tag, or the first error of syntax.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _refusal(file, "not UTF-8: save it as UTF-8", line) from error
    reader = _Reader(file)
    try:
        value = reader.document(iter(_LOADER(text).get_event, None))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = 1 if mark is None else mark.line + 1
        raise _refusal(file, f"not YAML: {error.problem or error.context}", line) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise _refusal(file, "holds a control character: remove it", line) from error
    if reader.problems:
        raise ProjectError.of("a project file cannot be used", reader.problems[:MAX_PROBLEMS])
    return Document(file=file, value=value, lines=reader.lines, blocks=frozenset(reader.blocks))


class _Reader:
    """Builds values from the parser's events, one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[Path_, int] = {}
        self.blocks: set[Path_] = set()
        self.problems: list[Problem] = []

    def document(self, events: Iterator[yaml.Event]) -> Any:  # noqa: ANN401 - YAML is untyped
        value: Any = None
        started = False
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                if started:
                    raise _refusal(self.file, "holds several documents: keep one", _line(event))
                started = True
                first = next(events)
                self.lines[()] = _line(first)
                value = self._value(events, first, ())
        return value

    def _value(self, events: Iterator[yaml.Event], event: yaml.Event, path: Path_) -> Any:  # noqa: ANN401 - same
        if len(path) > MAX_DEPTH:
            raise _refusal(self.file, f"nested deeper than {MAX_DEPTH} levels", _line(event))
        self._check_properties(event, path)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(events, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(events, path)
        if isinstance(event, yaml.ScalarEvent):
            if event.style in ("|", ">"):
                self.blocks.add(path)
            return _scalar(event)
        return None

    def _mapping(self, events: Iterator[yaml.Event], path: Path_) -> dict[str, Any]:
        result: dict[str, Any] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            key = self._value(events, event, (*path, "?"))
            if not isinstance(key, str):
                self._add(event, "a key must be text: put it in quotes", path)
                key = str(key)
            here = (*path, key)
            if key in result:
                first = self.lines[here]
                self._add(event, f"key {key!r} is there twice, first in line {first}", here)
            self.lines.setdefault(here, _line(event))
            result[key] = self._value(events, next(events), here)
        return result

    def _sequence(self, events: Iterator[yaml.Event], path: Path_) -> list[Any]:
        result: list[Any] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            here = (*path, len(result))
            self.lines[here] = _line(event)
            result.append(self._value(events, event, here))
        return result

    def _check_properties(self, event: yaml.Event, path: Path_) -> None:
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            self._add(event, "anchors (&) and aliases (*) are not allowed: write it out", path)
        if getattr(event, "tag", None):
            self._add(event, "tags (!) are not allowed: remove it", path)

    def _add(self, event: yaml.Event, message: str, path: Path_) -> None:
        place = f"{self.file}:{_line(event)}"
        self.problems.append(Problem(message=message, pointer=pointer(path), place=place))


def _line(event: yaml.Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _scalar(event: yaml.ScalarEvent) -> str | float | bool | None:
    """Give a plain scalar its type, by the core schema of YAML 1.2; quoted ones are text."""
    text: str = event.value
    if not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INT.match(text):
        return int(text)
    return float(text) if _FLOAT.match(text) else text


def _refusal(file: str, message: str, line: int = 1) -> ProjectError:
    problem = Problem(message=message, place=f"{file}:{line}")
    return ProjectError.of("a project file cannot be used", [problem])
