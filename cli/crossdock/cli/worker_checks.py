"""What can be wrong with a worker once its file is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from crossdock.contracts import ContractRef, Halt, Problem, Registry, Reject, is_token
from crossdock.contracts.replying import REPLY
from crossdock.contracts.slips import NEXT
from crossdock.mesh.expression_file import load_expression
from crossdock.mesh.ordering import KEY
from crossdock.mesh.project.conversion import convert
from crossdock.mesh.project.document import Path_
from crossdock.mesh.project.loading import Loaded
from crossdock.mesh.project.problems import ProjectError
from crossdock.workers.adapter import Adapter
from crossdock.workers.loading import FOLDER, no_answers
from crossdock.workers.registry import find_adapter
from crossdock.workers.worker_file import WorkerFile


class CheckedWorker(msgspec.Struct, frozen=True):
    """A worker and its adapter.

    Attributes:
        loaded: Its file.
        adapter: None when there is no such adapter, or what it needs is not installed.
    """

    loaded: Loaded[WorkerFile]
    adapter: Adapter | None

    @property
    def is_sink(self) -> bool:
        """Whether it consumes a destination."""
        return self.adapter is not None and self.adapter.direction == "sink"

    @property
    def is_source(self) -> bool:
        """Whether it publishes."""
        return self.adapter is not None and self.adapter.direction == "source"


def check_workers(
    folder: Path, workers: list[Loaded[WorkerFile]], registry: Registry
) -> tuple[list[CheckedWorker], list[Problem]]:
    """Find each worker's adapter, and check the worker against it and the contracts."""
    checked: list[CheckedWorker] = []
    problems: list[Problem] = []
    for worker in workers:
        try:
            adapter = find_adapter(worker.value.adapter)
        except Halt as error:
            adapter = None
            problems.append(worker.document.problem(error.reason, ("adapter",)))
        each = CheckedWorker(worker, adapter)
        checked.append(each)
        problems += _settings(each)
        problems += _direction(each)
        problems += _consumed(worker)
        problems += _published(worker, registry)
        problems += _replied(each, registry)
        problems += _expressions(folder, worker)
    return checked, [*problems, *_consumed_twice(checked)]


def _settings(worker: CheckedWorker) -> tuple[Problem, ...]:
    if worker.adapter is not None:
        try:
            convert(worker.loaded.document, worker.adapter.settings, ("settings",))
        except ProjectError as error:
            return error.problems
    return ()


def _direction(worker: CheckedWorker) -> Iterator[Problem]:
    """A source publishes under a contract, a sink consumes a destination; never both."""
    value, document = worker.loaded.value, worker.loaded.document
    name = value.adapter
    if worker.is_source and value.publishes is None:
        yield document.problem(f"{name} is a source: add `publishes: CONTRACT`")
    if worker.is_source and value.consumes is not None:
        yield document.problem(f"{name} is a source: remove `consumes`", ("consumes",))
    if worker.is_source and value.order is not None:
        message = f"{name} is a source, which publishes in the order of its system: remove `order`"
        yield document.problem(message, ("order",))
    if worker.is_sink:
        for key in ("publishes", "id"):
            if getattr(value, key) is not None:
                yield document.problem(f"{name} is a sink: remove `{key}`", (key,))


def _consumed(worker: Loaded[WorkerFile]) -> Iterator[Problem]:
    value = worker.value
    if value.consumes is not None and not is_token(value.consumes):
        message = "not a name for a destination: use lower-case letters, digits, - and _"
        yield worker.document.problem(message, ("consumes",))
    if value.publishes is None and value.destination in (REPLY, NEXT):
        means = "whoever asked" if value.destination == REPLY else "the next stop of a routing slip"
        message = f"`to: {value.destination}` means {means}: give the destination another name"
        yield worker.document.problem(message, ("consumes" if value.consumes else "worker",))


def _replied(worker: CheckedWorker, registry: Registry) -> Iterator[Problem]:
    reply, document = worker.loaded.value.reply, worker.loaded.document
    if reply is None:
        return
    if worker.adapter is not None and not worker.adapter.answers:
        yield document.problem(no_answers(worker.adapter), ("reply",))
    try:
        registry.resolve(ContractRef.parse(reply.as_))
    except (ValueError, Reject) as error:
        yield document.problem(str(error), ("reply", "as"))


def _published(worker: Loaded[WorkerFile], registry: Registry) -> Iterator[Problem]:
    if worker.value.publishes is None:
        return
    try:
        registry.resolve(ContractRef.parse(worker.value.publishes))
    except (ValueError, Reject) as error:
        yield worker.document.problem(str(error), ("publishes",))


def _expressions(folder: Path, worker: Loaded[WorkerFile]) -> Iterator[Problem]:
    value = worker.value
    order = None if value.order == KEY else value.order
    texts: list[tuple[Path_, str | None]] = [
        (("map",), value.map),
        (("id",), value.id),
        (("order",), order),
    ]
    if value.reply is not None:
        texts.append((("reply", "map"), value.reply.map))
    for at, text in texts:
        if text is None:
            continue
        try:
            load_expression(text, folder / FOLDER)
        except ValueError as error:
            yield worker.document.problem(str(error), at)


def _consumed_twice(workers: list[CheckedWorker]) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for each in workers:
        value = each.loaded.value
        if not each.is_sink:
            continue
        if value.destination in first:
            message = f"worker {first[value.destination]!r} consumes {value.destination!r} already"
            yield each.loaded.document.problem(
                f"{message}: name another destination", ("consumes",)
            )
        first.setdefault(value.destination, value.worker)
