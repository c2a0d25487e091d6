"""``crossdock contract check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from crossdock.cli.options import JsonOption, ProjectOption

if TYPE_CHECKING:
    from crossdock.contracts import Problem

_NOTES = frozenset({"draft-07"})


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What a check of contracts found.

    Attributes:
        contracts: Names of those that were checked.
        versions: How many versions they have.
        examples: How many examples.
        problems: What must be corrected.
        warnings: What is probably not meant, with a code in ``keyword``.
        notes: What is good to know.
    """

    contracts: tuple[str, ...]
    versions: int
    examples: int
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    notes: tuple[Problem, ...]


def check_contracts(
    name: Annotated[
        str | None, typer.Argument(help="One contract, domain.entity.event. Default: all.")
    ] = None,
    *,
    project: ProjectOption = Path(),
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 1 also when there are warnings.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Check contracts: schemas, their examples, contract.yaml, and style.

    Exits with 1 when something must be corrected, with --strict also for warnings; with 2 when
    there is no such contract.
    """
    from crossdock.cli.console import complain, say_json

    checked = inspect_contracts(project, name)
    if name is not None and not checked.contracts:
        complain(f"no contract {name[:80]!r} in {project}: see `crossdock contract list`")
        raise typer.Exit(2)
    failed = bool(checked.problems or (strict and checked.warnings))
    if json:
        say_json({"ok": not failed, **msgspec.structs.asdict(checked)})
    else:
        _show(checked)
    if failed:
        raise typer.Exit(1)


def inspect_contracts(folder: Path, name: str | None = None) -> Checked:
    """Look at the contracts of a project, or at one of them; nothing else of the project is read.

    Args:
        folder: The project folder.
        name: The one contract.
    """
    from crossdock.cli.project_check import by_place
    from crossdock.cli.version_checks import broken_versions
    from crossdock.contracts import Registry
    from crossdock.mesh.project.about_checks import about_problems
    from crossdock.mesh.project.contract_abouts import read_abouts
    from crossdock.mesh.project.contract_examples import deep_problems, find_examples
    from crossdock.mesh.project.contract_files import read_contracts, stand_ins
    from crossdock.mesh.project.contract_folders import contract_folders
    from crossdock.mesh.project.contract_style import style_of

    places = {each.place: each.name for each in contract_folders(folder, [])}
    files, problems = read_contracts(folder)
    abouts, found = read_abouts(folder)
    registry = Registry(
        [*(each.contract for each in files), *stand_ins(folder, files)],
        {key: about.value for key, about in abouts.items()},
    )
    meant = [each for each in files if name in (None, each.contract.name)]
    said = {key: about for key, about in abouts.items() if name in (None, key)}
    problems += found
    problems += deep_problems(folder, meant, said)
    problems += about_problems(said, registry)
    problems += broken_versions(folder, meant, registry)
    if name is not None:
        others = tuple(f"{place}/" for place, each in places.items() if each != name)
        problems = [each for each in problems if not each.place.startswith(others)]
    doubts = [] if problems else sorted(set(style_of(folder, meant, said)), key=by_place)
    return Checked(
        contracts=tuple(each for each in registry.names() if name in (None, each)),
        versions=len(meant),
        examples=sum(1 for _ in find_examples(folder, meant)),
        problems=tuple(sorted(set(problems), key=by_place)),
        warnings=tuple(each for each in doubts if each.keyword not in _NOTES),
        notes=tuple(each for each in doubts if each.keyword in _NOTES),
    )


def _show(checked: Checked) -> None:
    from rich.console import Console
    from rich.text import Text

    from crossdock.cli.console import complain, say

    for each in checked.problems:
        say(f"{each.place}: {each.message}")
    for kind, found in (("warning", checked.warnings), ("note", checked.notes)):
        for each in found:
            say(f"{each.place}: {kind}: {each.message} [{each.keyword}]")
    if checked.problems:
        complain(f"{_counted(len(checked.problems), 'problem')} to correct")
        return
    looked_at = ", ".join(
        _counted(count, what)
        for count, what in (
            (len(checked.contracts), "contract"),
            (checked.versions, "version"),
            (checked.examples, "example"),
        )
    )
    style = "yellow" if checked.warnings else "green"
    warnings = _counted(len(checked.warnings), "warning")
    Console().print(Text(f"{looked_at}: no problem, {warnings}", style))


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
