"""What in a project's contracts is probably not meant, or missing for those who read them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from semantic_version import Version

from crossdock.contracts import About, Problem
from crossdock.contracts.schema_style import style_problems
from crossdock.mesh.project.contract_examples import Example, find_examples
from crossdock.mesh.project.contract_files import ContractFile, located
from crossdock.mesh.project.contract_folders import ABOUT
from crossdock.mesh.project.loading import Loaded

_NOTHING_SAID: Final = About()


def style_of(
    folder: Path, files: list[ContractFile], abouts: Mapping[str, Loaded[About]]
) -> list[Problem]:
    """Look at the highest version of each contract; older ones are in use and stay as they are.

    Args:
        folder: The project folder.
        files: Every version of the contracts.
        abouts: What is said of them.

    Returns:
        Doubts, with a code in ``keyword``.
    """
    examples: dict[str, list[Example]] = {}
    for example in find_examples(folder, files):
        examples.setdefault(example.contract.name, []).append(example)
    found: list[Problem] = []
    for file in _highest(files):
        name = file.contract.name
        doubts = style_problems(file.contract.schema)
        found += [located(folder, file.file, each) for each in doubts]
        found += _about(file, abouts.get(name))
        found += _examples(file, examples.get(name, []), abouts.get(name))
    return found


def _highest(files: list[ContractFile]) -> list[ContractFile]:
    highest: dict[str, ContractFile] = {}
    for each in files:
        known = highest.setdefault(each.contract.name, each)
        if Version(each.contract.version) > Version(known.contract.version):
            highest[each.contract.name] = each
    return list(highest.values())


def _about(file: ContractFile, about: Loaded[About] | None) -> Iterator[Problem]:
    said = about.value if about else _NOTHING_SAID
    schema = file.contract.schema
    place = f"{about.document.file if about else file.file}:1"
    for key in ("title", "description"):
        if not getattr(said, key) and not schema.get(key):
            yield _doubt(f"no-{key}", f"has no {key}: say it in {ABOUT}", place)
    if not said.owner:
        message = f"has no owner: say in {ABOUT} who answers for it"
        yield _doubt("no-owner", message, place)
    for key in ("title", "description", "owner"):
        if about and str(getattr(said, key)).startswith("TODO"):
            message = f"the {key} is still to be written"
            yield _doubt("todo", message, about.document.place((key,)))


def _examples(
    file: ContractFile, examples: list[Example], about: Loaded[About] | None
) -> Iterator[Problem]:
    place = f"{file.file}:1"
    folder = f"{file.file.rpartition('/')[0]}/examples"
    if not any(each.valid for each in examples):
        yield _doubt("no-example", f"has no example: add {folder}/NAME.json", place)
    if all(each.valid for each in examples):
        message = f"has no example of what is refused: add {folder}/NAME.invalid.json"
        yield _doubt("no-invalid-example", message, place)
    expected = about.value.invalid if about else {}
    for each in examples:
        if not each.valid and each.name not in expected:
            message = f"does not say why it is refused: add it to `invalid` in {ABOUT}"
            yield _doubt("no-expectation", message, f"{each.file}:1")


def _doubt(code: str, message: str, place: str) -> Problem:
    return Problem(message=message, keyword=code, place=place)
