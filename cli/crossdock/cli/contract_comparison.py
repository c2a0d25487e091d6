"""Two versions of a contract compared, with the documents that show what breaks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from crossdock.cli.contract_sides import Choice, choose
from crossdock.cli.impact import Impact, impact
from crossdock.contracts import Registry
from crossdock.contracts.compatibility import (
    Counterexample,
    Difference,
    Mode,
    compare,
    counterexample,
)
from crossdock.mesh.project.contract_files import load_contracts


class ComparedContracts(msgspec.Struct, frozen=True, kw_only=True):
    """Two versions of a contract, compared.

    Attributes:
        old: The old version.
        new: The new version.
        mode: What the new one has to keep.
        differences: Every difference.
        old_only: A document that the old version accepts and the new one refuses, if one is found
            and new readers may break.
        new_only: The same the other way round.
        impact: What the new one would do to the project; None when it is no version of one of its
            contracts.
    """

    old: Choice
    new: Choice
    mode: Mode
    differences: tuple[Difference, ...]
    old_only: Counterexample | None
    new_only: Counterexample | None
    impact: Impact | None

    @property
    def breaking(self) -> list[Difference]:
        """The differences that break the mode."""
        return [each for each in self.differences if self.mode.breaks(each)]

    def verdict(self) -> str:
        """Return one line, with the console's colours."""
        names = f"{self.old.label} → {self.new.label}"
        if not self.differences:
            return f"[green]{names}: nothing differs[/green]"
        count = len(self.breaking)
        if count:
            return f"[red]{names}: {count} of {len(self.differences)} break {self.mode}[/red]"
        return f"[green]{names}: {self.mode} is kept[/green]"

    def as_json(self) -> dict[str, Any]:
        """Return what a program gets."""
        return {
            "old": self.old.label,
            "new": self.new.label,
            "mode": self.mode,
            "breaks": bool(self.breaking),
            "differences": self.differences,
            "counterexamples": {"backward": self.old_only, "forward": self.new_only},
            "impact": self.impact,
        }


def compare_contracts(old: str, new: str, project: Path, mode: str | None) -> ComparedContracts:
    """Compare two versions of a contract.

    Args:
        old: ``NAME@VERSION``, or the path of a schema.
        new: The same.
        project: The project folder.
        mode: What the new one has to keep; that of the contract if not said.

    Raises:
        Halt: One of them cannot be read.
    """
    registry = load_contracts(project)
    before, after = choose(old, project, registry), choose(new, project, registry)
    differences = tuple(compare(before.contract.schema, after.contract.schema))
    backward = all(each.backward.safe for each in differences)
    forward = all(each.forward.safe for each in differences)
    return ComparedContracts(
        old=before,
        new=after,
        mode=Mode(mode) if mode else mode_of(registry, after.contract.name),
        differences=differences,
        old_only=None if backward else counterexample(before.contract, after.contract),
        new_only=None if forward else counterexample(after.contract, before.contract),
        impact=impact(project, before, after, registry),
    )


def mode_of(registry: Registry, name: str) -> Mode:
    """Return what versions of a contract have to keep, as its ``contract.yaml`` says."""
    return Mode(registry.about(name).compatibility)
