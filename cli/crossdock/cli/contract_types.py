"""``crossdock contract types``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from crossdock.cli.options import JsonOption, ProjectOption

if TYPE_CHECKING:
    from crossdock.contracts import Contract


def types(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="[NAME[@VERSION]]", help="A contract; all when not given.", show_default=False
        ),
    ] = None,
    *,
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE|DIR",
            help="A .py file for one contract, or a folder for a module each.",
        ),
    ],
    project: ProjectOption = Path(),
    json: JsonOption = False,
) -> None:
    """Write msgspec types for developers, which check data as the contract does.

    Each module says at its top what types cannot express of its contract. Exits 1 when a contract
    cannot be written as types, 2 when there is no such contract or the project is wrong.
    """
    from crossdock.cli.console import complain, say, say_json
    from crossdock.contracts import CrossdockError

    try:
        contracts = _chosen(project, name)
        target = _target(output, contracts)
    except (CrossdockError, ValueError) as error:
        complain(str(error), error.problems if isinstance(error, CrossdockError) else ())
        raise typer.Exit(2) from error
    try:
        written = [_write(each, target) for each in contracts]
    except CrossdockError as error:
        complain(error.reason)
        raise typer.Exit(1) from error
    except OSError as error:
        complain(f"{output} cannot be written: {error.strerror}")
        raise typer.Exit(2) from error
    for line in written:
        say_json(line) if json else say(f"{line['file']}  {line['type']}")


def _chosen(project: Path, name: str | None) -> list[Contract]:
    from crossdock.contracts import ContractRef
    from crossdock.mesh.project.contract_files import load_contracts

    registry = load_contracts(project)
    names = [name] if name else registry.names()
    return [registry.resolve(ContractRef.parse(each)) for each in names]


def _target(output: Path, contracts: list[Contract]) -> Path:
    """Return the file for one contract, or the folder."""
    if output.suffix == ".py" and len(contracts) != 1:
        raise ValueError(
            f"{output} is one file, and there are {len(contracts)} contracts: name one"
        )
    return output


def _write(contract: Contract, target: Path) -> dict[str, str]:
    from crossdock.contracts import Halt

    try:
        from crossdock.cli.typed_code import class_name, typed_code
    except ModuleNotFoundError as error:
        text = "this needs a package that is not there: pip install 'crossdock[types]'"
        raise Halt(text) from error
    code = typed_code(contract)
    module = contract.name.replace(".", "_").replace("-", "_")
    file = target if target.suffix == ".py" else target / f"{module}.py"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(code, encoding="utf-8")
    return {
        "contract": contract.name,
        "version": contract.version,
        "file": str(file),
        "type": class_name(contract.name),
    }
