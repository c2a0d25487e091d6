"""Makes the messages that a route sends: their contract, their identity, their attributes."""

from __future__ import annotations

from crossdock.contracts import Contract, Message, Reject, child_id
from crossdock.contracts.message import JSON
from crossdock.mesh.expression import Expression
from crossdock.router.compiled import CompiledBranch, CompiledRoute
from crossdock.router.flow import Child, Flow


def base_extensions(message: Message) -> dict[str, str]:
    """Return the attributes that every child of a message has."""
    return {
        **message.extensions,
        "correlationid": message.correlation,
        "causationid": message.id,
    }


def children_of(
    route: CompiledRoute,
    message: Message,
    accepted: Contract,
    flow: Flow,
    branches: list[CompiledBranch],
) -> list[Child]:
    """Make the messages of the branches that are taken.

    Args:
        route: The route.
        message: The message that came in.
        accepted: Its contract: what is sent keeps it where nothing else is said.
        flow: What is sent: the whole of it or a part.
        branches: Those that are taken.

    Raises:
        Reject: When one of them cannot be made: then none is (all or nothing).
    """
    source, parent = message.identity
    extensions = base_extensions(message) | flow.extensions
    part = "".join(f"/{at}" for at in flow.part)
    children = []
    for branch in branches:
        sent = branch.contract or flow.contract or accepted
        data = data_of(branch.name, branch.mapping, sent, flow)
        unchanged = data is message.data
        for target in branch.targets:
            child = Message(
                id=child_id(source, parent, route.name, target.destination + part, target.index),
                source=route.source,
                type=sent.name,
                data=data,
                dataschema=sent.dataschema,
                datacontenttype=message.datacontenttype if unchanged else JSON,
                time=message.time,
                subject=message.subject,
                extensions=extensions,
            )
            children.append(Child(target.destination, child))
    return children


def data_of(place: str, mapping: Expression | None, sent: Contract, flow: Flow) -> bytes:
    """Return the data to send as JSON, checked against the contract that it is sent as.

    Raises:
        Reject: It cannot be mapped, or breaks the contract.
    """
    if mapping is None:
        result, data = flow.data, flow.bytes()  # the very bytes where nothing has changed
        if sent is flow.contract:
            return data
    else:
        flow.check_exact(place)
        result, data = mapping.transform(flow.data, flow.variables or None)
    problems = sent.problems(result)
    if problems:
        raise Reject.of(f"{place}: its result breaks {sent.dataschema}", problems)
    return data
