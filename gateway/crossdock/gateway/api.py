"""An API made ready to serve: what a request becomes."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any, Final

import msgspec

from crossdock.contracts import Contract, ContractRef, Halt, Problem, Registry, Reject
from crossdock.gateway.api_file import FOLDER, ApiFile
from crossdock.mesh.exact_numbers import inexact_number
from crossdock.mesh.expression import UNDEFINED, Expression
from crossdock.mesh.expression_file import load_expression
from crossdock.mesh.project.loading import load_named
from crossdock.mesh.telemetry.steps import Step, serving

_SEGMENT: Final = r"(?:(?!\.{1,2}(?:/|\Z))[A-Za-z0-9_.~-]+|\{[a-z][a-z0-9_]*\})"
_PATH: Final = re.compile(rf"(?:/{_SEGMENT}){{1,16}}\Z")
_PARAMETER: Final = re.compile(r"\{([^}]*)\}")
_RESERVED: Final = frozenset(
    {"v1", "metrics", "livez", "readyz", "docs", "openapi.json", "asyncapi.json"}
)
_LONGEST_PATH: Final = 200
_ANY: Final = Contract("api.body.any", "1.0.0", {})  # reads JSON within its bounds, and no more


class Api(msgspec.Struct, frozen=True, eq=False):
    """One API.

    Attributes:
        name: Its name.
        method: Method of requests.
        path: Path of requests, with parameters in braces.
        publishes: Contract of what is published, ``name@range``.
        description: For people.
        step: How serving it is traced.
        reply: Contract of the reply that a caller gets; None when it gets none.
        reply_timeout: How long it waits for it, in seconds.
    """

    name: str
    method: str
    path: str
    publishes: str
    description: str
    step: Step
    _map: Expression | None
    _id: Expression | None
    reply: ContractRef | None = None
    reply_timeout: float = 0.0

    def data(self, body: bytes, parameters: dict[str, Any]) -> tuple[bytes, str | None]:
        """Return the data to publish, and what makes a repeat the same message, if anything does.

        Args:
            body: Of the request.
            parameters: Its ``path`` and ``query``, by name.

        Raises:
            Reject: When nothing can be made of it; every problem of the body is told.
            Retry: When the machine was too busy to run an expression in its time.
        """
        if self._map is None and self._id is None:
            return body, None
        value, problems = _ANY.decode(body)
        if problems:
            raise Reject.of("the body is not JSON that is accepted", problems)
        inexact = inexact_number(body, value)
        if inexact is not None:  # an expression would round it without a word (I5)
            raise Reject.of("the body cannot be mapped", [inexact])
        request = {"body": value, **parameters}
        return self._mapped(body, request), self._identity(request)

    def _mapped(self, body: bytes, request: dict[str, Any]) -> bytes:
        if self._map is None:
            return body
        made = self._map.evaluate(request)
        if made is UNDEFINED:
            raise Reject("the mapping of this API makes nothing of the request")
        return msgspec.json.encode(made)

    def _identity(self, request: dict[str, Any]) -> str | None:
        if self._id is None:
            return None
        found = self._id.evaluate(request)
        if isinstance(found, bool) or not isinstance(found, str | int | float):
            raise Reject("the `id` of this API finds no text or number in the request")
        return str(found)


def load_apis(folder: Path, registry: Registry) -> tuple[Api, ...]:
    """Read and compile the APIs of a project.

    Args:
        folder: The project folder.
        registry: Its contracts.

    Raises:
        Halt: With every problem.
    """
    files = load_named(folder, FOLDER, ApiFile, "api")
    apis: list[Api] = []
    problems: list[Problem] = []
    for file in files:
        try:
            apis.append(compile_api(file, registry, folder))
        except Halt as error:
            place = f"{FOLDER}/{file.api}.yaml"
            problems += [msgspec.structs.replace(each, place=place) for each in error.problems]
    problems += [
        Problem(message=each.message, place=f"{FOLDER}/{name}.yaml")
        for name, each in same_requests(files)
    ]
    if problems:
        raise Halt.of("the APIs cannot be used", problems)
    return tuple(apis)


def compile_api(file: ApiFile, registry: Registry, folder: Path) -> Api:
    """Make an API ready to serve.

    Raises:
        Halt: With every problem, each with its JSON Pointer in the file.
    """
    problems = [
        *_path_problems(file.path),
        *_contract_problems(file.publishes, "/publishes", registry),
    ]
    if file.reply is not None:
        problems += _contract_problems(file.reply.contract, "/reply/contract", registry)
    expressions: dict[str, Expression | None] = {}
    for key, text in (("map", file.map), ("id", file.id)):
        try:
            expressions[key] = None
            if text is not None:
                place = f"api {file.api}, {key}"
                expressions[key] = load_expression(text, folder / FOLDER, place=place)
        except ValueError as error:
            problems.append(Problem(message=str(error), pointer=f"/{key}"))
    if problems:
        raise Halt.of(f"api {file.api[:80]} cannot be used", problems)
    return Api(
        name=file.api,
        method=file.method,
        path=file.path,
        publishes=file.publishes,
        description=file.description,
        step=serving(file.method, file.path),
        _map=expressions["map"],
        _id=expressions["id"],
        reply=None if file.reply is None else ContractRef.parse(file.reply.contract),
        reply_timeout=0.0 if file.reply is None else file.reply.timeout,
    )


def same_requests(files: tuple[ApiFile, ...]) -> list[tuple[str, Problem]]:
    """Return the name of each API that another one takes the requests of, and what is wrong."""
    first: dict[tuple[str, str], str] = {}
    problems = []
    for file in files:
        request = (file.method, _PARAMETER.sub("{}", file.path))
        if request in first:
            message = f"api {first[request]!r} has the same method and path: change one of them"
            problems.append((file.api, Problem(message=message, pointer="/path")))
        first.setdefault(request, file.api)
    return problems


def _path_problems(path: str) -> list[Problem]:
    problems = []
    if len(path) > _LONGEST_PATH or not _PATH.match(path):
        message = "not a path: write for example /shop/{shop}/orders"
    elif path.split("/")[1] in _RESERVED:
        message = f"the gateway itself answers below /{path.split('/')[1]}: choose another path"
    elif max(Counter(_PARAMETER.findall(path)).values(), default=1) > 1:
        message = "a parameter comes twice: give them different names"
    else:
        return []
    problems.append(Problem(message=message, pointer="/path"))
    return problems


def _contract_problems(text: str, pointer: str, registry: Registry) -> list[Problem]:
    try:
        registry.resolve(ContractRef.parse(text))
    except ValueError as error:
        return [Problem(message=str(error), pointer=pointer)]
    except Reject as error:
        return [Problem(message=error.reason, pointer=pointer)]
    return []
