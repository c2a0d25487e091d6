"""Reads the calls of a project."""

from __future__ import annotations

from pathlib import Path

import msgspec

from crossdock.contracts import Contract, ContractRef, Halt, Problem, Registry, Reject
from crossdock.mesh.project.loading import read_named
from crossdock.mesh.project.problems import ProjectError
from crossdock.router.calls.call_file import FOLDER, CallFile


class LoadedCall(msgspec.Struct, frozen=True):
    """A call, with the contract of its answer.

    Attributes:
        file: As written.
        answers: What its answer keeps; None for any JSON.
    """

    file: CallFile
    answers: Contract | None


def read_calls(folder: Path, registry: Registry) -> tuple[dict[str, LoadedCall], list[Problem]]:
    """Read every call; return those that are right, by name, and the problems of the others."""
    files, problems = read_named(folder, FOLDER, CallFile, "call")
    calls: dict[str, LoadedCall] = {}
    for each in files:
        try:
            calls[each.value.call] = LoadedCall(each.value, _contract(each.value, registry))
        except (ValueError, Reject, Halt) as error:
            problems.append(each.document.problem(_why(error), ("answers",)))
    return calls, problems


def load_calls(folder: Path, registry: Registry) -> dict[str, LoadedCall]:
    """Read every call.

    Raises:
        ProjectError: With every problem.
    """
    calls, problems = read_calls(folder, registry)
    if problems:
        raise ProjectError.of(f"files in {FOLDER}/ cannot be used", problems)
    return calls


def _contract(file: CallFile, registry: Registry) -> Contract | None:
    if file.answers is None:
        return None
    contract = registry.resolve(ContractRef.parse(file.answers))
    contract.compile()
    return contract


def _why(error: Exception) -> str:
    return error.reason if isinstance(error, Reject | Halt) else str(error)
