"""One version of a contract as a person wants to see it on one screen."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
from rich import box
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from crossdock.cli.describing import describe
from crossdock.contracts import About, Contract, Expected, Registry
from crossdock.mesh.catalogue.relations import Relation, Relations
from crossdock.mesh.catalogue.schema_fields import Field, fields_of
from crossdock.mesh.project.loading import MESH_FILE, load_mesh
from crossdock.mesh.project.settings import MeshFile

_NO_MESH: Final = MeshFile(mesh="mesh")  # contracts may be written before anything runs


class ShownExample(msgspec.Struct, frozen=True, kw_only=True):
    """An example.

    Attributes:
        name: Its file, without the suffix.
        valid: Whether the contract accepts it.
        shows: What one that is not accepted breaks, when somebody says it.
    """

    name: str
    valid: bool
    shows: Expected | None = None


class ContractView(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown.

    Attributes:
        name: The contract.
        version: The version.
        versions: All of its versions, lowest first.
        about: What is said of all of them.
        fields: Of the version.
        examples: Of the version.
        made_by: Who makes such messages.
        taken_by: Who takes them.
    """

    name: str
    version: str
    versions: tuple[str, ...]
    about: About
    fields: tuple[Field, ...]
    examples: tuple[ShownExample, ...]
    made_by: tuple[Relation, ...]
    taken_by: tuple[Relation, ...]


def view_of(project: Path, registry: Registry, contract: Contract) -> ContractView:
    """Return what is to be shown of a version.

    Args:
        project: The project folder; what cannot be read of its routes and workers is left out.
        registry: Its contracts.
        contract: The version.

    Raises:
        ProjectError: ``mesh.yaml`` cannot be used.
    """
    mesh = load_mesh(project) if (project / MESH_FILE).exists() else _NO_MESH
    description = describe(project, mesh, registry)
    relations = Relations(description)
    about = registry.about(contract.name)
    examples = next(
        version.examples
        for described in description.contracts
        for version in described.versions
        if version.contract.dataschema == contract.dataschema
    )
    return ContractView(
        name=contract.name,
        version=contract.version,
        versions=registry.versions(contract.name),
        about=about,
        fields=fields_of(contract.schema),
        examples=tuple(
            ShownExample(name=each.name, valid=each.valid, shows=_shown(about, contract, each.name))
            for each in examples
        ),
        made_by=tuple(relations.producers(contract.name)),
        taken_by=tuple(relations.consumers(contract.name)),
    )


def print_view(view: ContractView) -> None:
    """Write it to standard output."""
    about = view.about
    title = f"[bold]{view.name}[/] {view.version}"
    parts: list[RenderableType] = []
    if about.deprecated is not None:
        parts += [_deprecation(view), ""]
    if about.description:
        parts += [Text(about.description.strip()), ""]
    parts.append(_facts(view))
    if view.fields:
        parts.append(_fields(view))
    subtitle = Text(about.title) if about.title else None
    Console().print(Panel(Group(*parts), title=title, subtitle=subtitle, title_align="left"))


def _shown(about: About, contract: Contract, name: str) -> Expected | None:
    return about.invalid.get(f"{contract.version}/{name}") or about.invalid.get(name)


def _deprecation(view: ContractView) -> Text:
    deprecated = view.about.deprecated
    text = Text(style="yellow")
    if deprecated is not None:
        text.append(f"Deprecated since {deprecated.since}")
        text.append(f", until {deprecated.sunset}" if deprecated.sunset else "")
        text.append(f": {deprecated.reason}")
        text.append(f" Use {deprecated.replaced_by}." if deprecated.replaced_by else "")
    return text


def _facts(view: ContractView) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column()
    rows = {
        "owner": Text(view.about.owner),
        "versions": Text(", ".join(view.versions)),
        "compatibility": Text(view.about.compatibility),
        "made by": _relations(view.made_by),
        "taken by": _relations(view.taken_by),
        "examples": _examples(view.examples),
    }
    for label, value in rows.items():
        if value.plain:
            table.add_row(label, value)
    return table


def _relations(relations: tuple[Relation, ...]) -> Text:
    return Text("\n").join(
        Text(f"{each.kind} ").append(each.name, "bold").append(f": {each.how}", "dim")
        for each in relations
    )


def _examples(examples: tuple[ShownExample, ...]) -> Text:
    lines = []
    for each in examples:
        line = Text("✓ " if each.valid else "✗ ", "green" if each.valid else "red")
        line.append(each.name, "default")
        if each.shows is not None:
            line.append(f"  {each.shows.keyword} at {each.shows.pointer or 'the whole'}", "dim")
        lines.append(line)
    return Text("\n").join(lines)


def _fields(view: ContractView) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="dim")
    for column in ("field", "type", "rules", "meaning"):
        table.add_column(column, overflow="fold")
    for each in view.fields:
        name = Text(each.path, "bold" if each.required else "")
        name.append("" if each.required else " ?", "dim")
        meaning = Text(each.description)
        if each.pointer in view.about.personal:
            meaning = Text("personal ", "magenta").append_text(meaning)
        table.add_row(name, Text(each.type), Text("\n".join(each.rules)), meaning)
    return table
