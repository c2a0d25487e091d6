"""Makes the messages that a route sends: their contract, their identity, their attributes."""

from __future__ import annotations

from crossdock.contracts import Contract, Message, Reject, child_id
from crossdock.contracts.replying import REPLY, address_of
from crossdock.mesh.expression import UNDEFINED, Expression
from crossdock.router.compiled import CompiledBranch, CompiledRoute, Target
from crossdock.router.flow import Child, Flow, base_extensions, make_child


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
    extensions = base_extensions(message)
    if flow.extensions:
        extensions |= flow.extensions
    part = "".join([f"/{at}" for at in flow.part]) if flow.part else ""
    children = []
    for branch in branches:
        sent = branch.contract or flow.contract or accepted
        targets = branch.targets if branch.chosen is None else chosen(branch, flow)
        data = data_of(branch.name, branch.mapping, sent, flow)
        for target in targets:
            if target.destination == REPLY and address_of(message) is None:
                continue  # nobody waits
            own = child_id(source, parent, route.name, target.destination + part, target.index)
            child = make_child(message, own, route.source, sent, data, extensions)
            children.append(Child(target.destination, child))
    return children


def chosen(branch: CompiledBranch, flow: Flow) -> list[Target]:
    """Return the destinations that a computed branch gives, each once, in the order of `among`.

    Raises:
        Reject: It gives something else than names that the route declares (I6: not told which).
    """
    assert branch.chosen is not None  # noqa: S101 - narrows a type: asked for such branches only
    found = branch.chosen.evaluate(flow.data, flow.variables or None)
    if found is UNDEFINED or found is None:
        return []
    names = found if isinstance(found, list) else [found]
    known = {target.destination for target in branch.targets}
    if not all(isinstance(each, str) and each in known for each in names):
        raise Reject(f"{branch.name}/to: gives a name that is not in `among`")
    return [target for target in branch.targets if target.destination in names]


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
