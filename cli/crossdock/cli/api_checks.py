"""What can be wrong with an API of the gateway once its file is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from crossdock.contracts import Halt, Problem, Registry
from crossdock.gateway.api import compile_api, same_requests
from crossdock.gateway.api_file import ApiFile
from crossdock.mesh.project.loading import Loaded


def check_apis(folder: Path, apis: list[Loaded[ApiFile]], registry: Registry) -> Iterator[Problem]:
    """Compile every API, as the gateway will, and compare them."""
    documents = {each.value.api: each.document for each in apis}
    found: list[tuple[str, Problem]] = []
    for each in apis:
        try:
            compile_api(each.value, registry, folder)
        except Halt as error:
            found += [(each.value.api, problem) for problem in error.problems]
    found += same_requests(tuple(each.value for each in apis))
    for name, problem in found:
        document = documents[name]
        yield document.problem(problem.message, document.path_of(problem.pointer))
