"""What a new version of a contract would do to a project: who meets it, and what breaks.

Everything is checked twice, without the new version and with it; what is found only with it is its
doing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec
from semantic_version import Version

from crossdock.cli.api_checks import check_apis
from crossdock.cli.contract_sides import Choice
from crossdock.cli.impact_processes import process_impacts
from crossdock.cli.impact_routes import RouteImpact, route_impacts
from crossdock.contracts import Contract, ContractRef, Problem, Registry
from crossdock.gateway.api_file import FOLDER as APIS
from crossdock.gateway.api_file import ApiFile
from crossdock.mesh.project.contract_examples import Example, find_examples
from crossdock.mesh.project.contract_files import MAX_BYTES, json_value, located, read_contracts
from crossdock.mesh.project.loading import Loaded, read_named
from crossdock.mesh.project.problems import ProjectError
from crossdock.mesh.project.reading import FileReader
from crossdock.workers.loading import FOLDER as WORKERS
from crossdock.workers.worker_file import WorkerFile


class Publisher(msgspec.Struct, frozen=True, kw_only=True):
    """A worker or an API that would publish under the new version.

    Attributes:
        kind: What it is.
        name: Its name.
        problems: What would be wrong with it, each with its place.
    """

    kind: Literal["worker", "api"]
    name: str
    problems: tuple[Problem, ...] = ()


class Impact(msgspec.Struct, frozen=True, kw_only=True):
    """What a new version of a contract would do to a project.

    Attributes:
        version: The new version; the next minor one for a schema that has none yet.
        routes: Routes that would be given it, or would send it.
        staying: Routes that accept the contract, but not this version.
        publishers: Workers and APIs that would publish under it.
        examples: What is wrong with valid examples of the contract under it.
        unread: Why files of the project could not be looked at.
    """

    version: str
    routes: tuple[RouteImpact, ...]
    staying: tuple[str, ...]
    publishers: tuple[Publisher, ...]
    examples: tuple[Problem, ...]
    unread: tuple[Problem, ...]

    @property
    def broken(self) -> int:
        """How many things break."""
        routes = sum(1 for each in self.routes if each.problems)
        publishers = sum(1 for each in self.publishers if each.problems)
        return routes + publishers + len({each.place.partition(":")[0] for each in self.examples})


def impact(folder: Path, old: Choice, new: Choice, registry: Registry) -> Impact | None:
    """Find out what breaks in a project when a version of a contract is added.

    Args:
        folder: The project folder.
        old: The version it is compared with.
        new: The version; a schema that is not of the project is taken for the next version.
        registry: The contracts of the project.

    Returns:
        None when the two are not versions of one contract of the project.

    Raises:
        Halt: ``mesh.yaml`` cannot be used.
    """
    contract = _as_version(old, new, registry)
    if contract is None:
        return None
    others = [each for each in registry if each.dataschema != contract.dataschema]
    abouts = {name: registry.about(name) for name in registry.names()}
    before, after = Registry(others, abouts), Registry([*others, contract], abouts)
    unread: list[Problem] = []
    routes, staying = route_impacts(folder, contract, (before, after), unread)
    routes += process_impacts(folder, contract, (before, after), unread)
    publishers = [
        *_workers(folder, contract, after, unread),
        *_apis(folder, contract, (before, after), unread),
    ]
    return Impact(
        version=contract.version,
        routes=tuple(routes),
        staying=tuple(staying),
        publishers=tuple(publishers),
        examples=tuple(_examples(folder, contract)),
        unread=tuple(unread),
    )


def _as_version(old: Choice, new: Choice, registry: Registry) -> Contract | None:
    name = old.contract.name
    if not old.in_project or (new.in_project and new.contract.name != name):
        return None
    if new.in_project or new.contract.name == name:
        return new.contract
    highest = Version(registry.versions(name)[-1])
    return Contract(name, str(highest.next_minor()), new.contract.schema)


def _workers(
    folder: Path, contract: Contract, after: Registry, unread: list[Problem]
) -> Iterator[Publisher]:
    workers, problems = read_named(folder, WORKERS, WorkerFile, "worker")
    unread += problems
    for worker in workers:
        reply = worker.value.reply
        made = worker.value.publishes if reply is None else reply.as_
        if _takes(made, contract, after):
            yield Publisher(kind="worker", name=worker.value.worker)


def _apis(
    folder: Path, contract: Contract, registries: tuple[Registry, Registry], unread: list[Problem]
) -> Iterator[Publisher]:
    before, after = registries
    apis, problems = read_named(folder, APIS, ApiFile, "api")
    unread += problems
    for api in apis:
        if _takes(api.value.publishes, contract, after):
            found = _only_after(folder, api, before, after)
            yield Publisher(kind="api", name=api.value.api, problems=tuple(found))


def _takes(reference: str | None, contract: Contract, registry: Registry) -> bool:
    """Tell whether a range means this very version: the highest one is used."""
    if reference is None:
        return False
    try:
        ref = ContractRef.parse(reference)
    except ValueError:
        return False
    return ref.name == contract.name and ref.best(registry.versions(ref.name)) == contract.version


def _only_after(
    folder: Path, api: Loaded[ApiFile], before: Registry, after: Registry
) -> Sequence[Problem]:
    known = set(check_apis(folder, [api], before))
    return [each for each in check_apis(folder, [api], after) if each not in known]


def _examples(folder: Path, contract: Contract) -> Iterator[Problem]:
    """Try the valid examples of every version of the contract."""
    files, _ = read_contracts(folder)
    same = [each for each in files if each.contract.name == contract.name]
    reader = FileReader(folder)
    for example in _distinct(find_examples(folder, same)):
        try:
            value = json_value(reader.read(example.file, MAX_BYTES), example.file)
        except ProjectError as error:
            yield from error.problems
            continue
        yield from (located(folder, example.file, each) for each in contract.problems(value))


def _distinct(examples: Iterable[Example]) -> Iterator[Example]:
    seen: set[str] = set()
    for each in examples:
        if each.valid and each.file not in seen:
            seen.add(each.file)
            yield each
