"""What a worker process needs of a project folder, read and made ready."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from crossdock.contracts import (
    Contract,
    ContractRef,
    CrossdockError,
    Halt,
    Problem,
    Registry,
    Reject,
)
from crossdock.mesh.expression import Expression
from crossdock.mesh.expression_file import load_expression
from crossdock.mesh.ordering import OrderKey
from crossdock.mesh.project.contract_files import load_contracts
from crossdock.mesh.project.conversion import convert
from crossdock.mesh.project.loading import Loaded, load_mesh, read_named
from crossdock.mesh.project.problems import ProjectError
from crossdock.mesh.project.secrets import resolve_secrets
from crossdock.mesh.project.settings import MeshFile, Policy
from crossdock.workers.adapter import Adapter
from crossdock.workers.registry import find_adapter
from crossdock.workers.worker_file import WorkerFile

FOLDER = "workers"


class LoadedReply(msgspec.Struct, frozen=True, eq=False):
    """What becomes of the answers of a system.

    Attributes:
        contract: What they are published as.
        map: Makes the data; None when the answer is the data.
        most: Largest answer in bytes.
    """

    contract: Contract
    map: Expression | None
    most: int


class LoadedWorker(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """A worker that is ready to run; equal to another when all that it was made of is equal.

    Attributes:
        file: As written.
        adapter: What speaks the protocol.
        settings: The adapter's settings, with secrets resolved.
        policy: Its failure policy.
        map: Its mapping.
        identity: Gives a source's stable identity.
        contract: What a source publishes; None for a sink.
        order: What messages have to stay in order with, if they do (I7).
        reply: What becomes of the answers of a sink's system; None for nothing.
    """

    file: WorkerFile
    adapter: Adapter
    settings: Any
    policy: Policy
    map: Expression | None = None
    identity: Expression | None = None
    contract: Contract | None = None
    order: OrderKey | None = None
    reply: LoadedReply | None = None

    @property
    def in_order(self) -> bool:
        """Whether several messages of a key may be delivered in one batch, in their order."""
        return self.order is not None and self.reply is None and self.adapter.in_order

    def __eq__(self, other: object) -> bool:
        return isinstance(other, LoadedWorker) and self._parts() == other._parts()

    __hash__ = None  # type: ignore[assignment] # equal by value, but its schema is a dict

    def _parts(self) -> tuple[object, ...]:
        text = self.map.text if self.map is not None else ""
        order = self.order.text if self.order is not None else ""
        parts = (self.file, self.settings, self.policy, text, self.contract, order)
        if self.reply is None:
            return parts
        return (*parts, self.reply.map and self.reply.map.text, self.reply.contract)


class WorkersProject(msgspec.Struct, frozen=True, kw_only=True):
    """What worker processes run.

    Attributes:
        mesh: ``mesh.yaml``.
        workers: By name, of all groups.
    """

    mesh: MeshFile
    workers: dict[str, LoadedWorker]


def load_workers(
    folder: Path, *, group: str | None = None, beside: Path | None = None
) -> WorkersProject:
    """Read every worker, of one group or of all.

    Args:
        folder: The project folder.
        group: Name of the group; None for all.
        beside: Where relative paths of secrets begin; the project folder when None.

    Raises:
        Halt: With every problem that was found.
    """
    mesh = load_mesh(folder)
    registry = load_contracts(folder)
    files, problems = read_named(folder, FOLDER, WorkerFile, "worker")
    workers: dict[str, LoadedWorker] = {}
    for loaded in files:
        file = loaded.value
        if group is not None and file.group != group:
            continue
        try:
            worker = _load(folder, mesh, registry, loaded)
            settings = resolve_secrets(worker.settings, beside or folder)
            workers[file.worker] = msgspec.structs.replace(worker, settings=settings)
        except CrossdockError as error:
            found = error.problems or (loaded.document.problem(error.reason),)
            problems += found
    if problems:
        raise Halt.of("the workers cannot be used", problems)
    return WorkersProject(mesh=mesh, workers=workers)


def _load(
    folder: Path, mesh: MeshFile, registry: Registry, loaded: Loaded[WorkerFile]
) -> LoadedWorker:
    file, document = loaded.value, loaded.document
    adapter = find_adapter(file.adapter)
    problems: list[Problem] = []
    settings: Any = None
    try:
        settings = convert(document, adapter.settings, ("settings",))
    except ProjectError as error:
        problems += error.problems
    try:
        policy = mesh.policy(file.on_failure)
    except KeyError:
        problems.append(document.problem("mesh.yaml has no such policy", ("on_failure",)))
        policy = Policy()
    contract = _contract(registry, loaded, adapter, problems)
    if problems:
        raise Halt.of(f"worker {file.worker} cannot be used", problems)
    return LoadedWorker(
        file=file,
        adapter=adapter,
        settings=settings,
        policy=policy,
        map=_expression(folder, loaded, "map"),
        identity=_expression(folder, loaded, "id"),
        contract=contract,
        order=_order(folder, loaded),
        reply=_reply(folder, loaded, adapter, registry),
    )


def _expression(folder: Path, loaded: Loaded[WorkerFile], key: str) -> Expression | None:
    return _compiled(folder, loaded, getattr(loaded.value, key), (key,))


def _compiled(
    folder: Path, loaded: Loaded[WorkerFile], text: str | None, at: tuple[str, ...]
) -> Expression | None:
    if not text:
        return None
    place = f"worker {loaded.value.worker}, {'.'.join(at)}"
    try:
        return load_expression(text, folder / FOLDER, place=place)
    except ValueError as error:
        raise Halt.of(place, [loaded.document.problem(str(error), at)]) from error


def _reply(
    folder: Path, loaded: Loaded[WorkerFile], adapter: Adapter, registry: Registry
) -> LoadedReply | None:
    reply, document = loaded.value.reply, loaded.document
    if reply is None:
        return None
    if not adapter.answers:
        problem = document.problem(no_answers(adapter), ("reply",))
        raise Halt.of(f"worker {loaded.value.worker} cannot be used", [problem])
    try:
        contract = registry.resolve(ContractRef.parse(reply.as_))
    except (ValueError, Reject) as error:
        raise Halt(str(error), (document.problem(str(error), ("reply", "as")),)) from error
    made = _compiled(folder, loaded, reply.map, ("reply", "map"))
    return LoadedReply(contract=contract, map=made, most=int(reply.max))


def no_answers(adapter: Adapter) -> str:
    """Say that an adapter gives no answers, and what to do."""
    return f"{adapter.name} gives no answers: remove `reply`"


def _order(folder: Path, loaded: Loaded[WorkerFile]) -> OrderKey | None:
    written = loaded.value.order
    if written is None:
        return None
    return OrderKey.of(written, lambda _: _expression(folder, loaded, "order"))


def _contract(
    registry: Registry, loaded: Loaded[WorkerFile], adapter: Adapter, problems: list[Problem]
) -> Contract | None:
    publishes, document = loaded.value.publishes, loaded.document
    if adapter.direction == "sink":
        if publishes is not None:
            problems.append(document.problem("a sink publishes nothing: remove it", ("publishes",)))
        return None
    if loaded.value.throttle is not None:
        text = "only a sink is throttled: a source takes what its system sends"
        problems.append(document.problem(text, ("throttle",)))
    if loaded.value.order is not None:
        text = "only a sink has an order: a source publishes in the order of its system"
        problems.append(document.problem(text, ("order",)))
    if publishes is None:
        problems.append(document.problem("a source needs `publishes`: name a contract"))
        return None
    try:
        return registry.resolve(ContractRef.parse(publishes))
    except ValueError as error:
        problems.append(document.problem(str(error), ("publishes",)))
    except CrossdockError as error:
        problems.append(document.problem(error.reason, ("publishes",)))
    return None
