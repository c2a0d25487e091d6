"""Makes the messages that a route sends: their contract, their identity, their attributes."""

from __future__ import annotations

from collections.abc import Iterator

from crossdock.contracts import Contract, Message, Reject, child_id
from crossdock.contracts.replying import REPLY, REPLY_TO, addresses_of, through
from crossdock.contracts.slips import MAX_STOPS, NEXT, SLIP, Slip, name_of, route_of, slip_of
from crossdock.mesh.expression import UNDEFINED, Expression
from crossdock.router.compiled import CompiledRoute
from crossdock.router.compiled_branch import CompiledBranch, Target
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
        data = data_of(branch.name, branch.mapping, sent, flow)
        if branch.is_plain:  # nearly all are: the shortest way
            for target in branch.targets if branch.chosen is None else chosen(branch, flow):
                own = child_id(source, parent, route.name, target.destination + part, target.index)
                child = make_child(message, own, route.source, sent, data, extensions)
                children.append(Child(target.destination, child))
            continue
        for target, place, more in _places(branch, message, flow):
            # An attribute with nothing in it is none.
            own_extensions = {k: v for k, v in (extensions | more).items() if v}
            own = child_id(source, parent, route.name, place + part, target.index)
            child = make_child(message, own, route.source, sent, data, own_extensions)
            children.append(Child(target.destination, child))
    return children


def _places(
    branch: CompiledBranch, message: Message, flow: Flow
) -> Iterator[tuple[Target, str, dict[str, str]]]:
    """Yield where a branch sends, by which name its ids know that, and the attributes it adds.

    Raises:
        Reject: What it computes, or what the message brings along, cannot be followed.
    """
    if branch.via is not None:
        to_us = {REPLY_TO: through(branch.via, addresses_of(message))}
        for target, place, more in _stops(branch, message, flow):
            yield target, place, more | to_us
    else:
        yield from _stops(branch, message, flow)


def _stops(
    branch: CompiledBranch, message: Message, flow: Flow
) -> Iterator[tuple[Target, str, dict[str, str]]]:
    if branch.slips:
        slip = slip_for(branch, message, flow)
        if slip is not None:
            first = next(each for each in branch.targets if each.destination == slip.stop)
            yield first, slip.stop, {SLIP: str(slip)}
        return
    for target in branch.targets if branch.chosen is None else chosen(branch, flow):
        name = target.destination
        if name == NEXT:
            slip = slip_of(message)
            if slip is not None and not slip.is_last:
                moved = slip.moved_on()
                # No destination has a `/`, so that no other child has this id.
                yield Target(moved.stop, target.index), f"{NEXT}/{moved.stop}", {SLIP: str(moved)}
        elif name != REPLY:
            yield target, name, {}
        elif addresses := addresses_of(message):  # else nobody waits
            address = addresses[0]
            if route_of(address) is None:
                yield target, name, {}
            else:
                on = Target(address, target.index)
                yield on, f"{REPLY}/{address}", {REPLY_TO: " ".join(addresses[1:])}


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


def slip_for(branch: CompiledBranch, message: Message, flow: Flow) -> Slip | None:
    """Return the routing slip that a branch attaches; None when it gives no stop.

    Raises:
        Reject: It gives something else than stops that the route declares, or too many; or the
            message has stops before it already, and would never come to an end.
    """
    assert branch.chosen is not None  # noqa: S101 - narrows a type: a slip is always computed
    before = slip_of(message)
    if before is not None and not before.is_last:
        raise Reject(f"{branch.name}/to: the message is on a routing slip already")
    found = branch.chosen.evaluate(flow.data, flow.variables or None)
    if found is UNDEFINED or found is None:
        return None
    names = found if isinstance(found, list) else [found]
    known = {name_of(target.destination): target.destination for target in branch.targets}
    if not all(isinstance(each, str) and each in known for each in names):
        raise Reject(f"{branch.name}/to: gives a stop that is not in `among` or `routes`")
    if len(names) > MAX_STOPS:
        raise Reject(f"{branch.name}/to: gives more than {MAX_STOPS} stops")
    return Slip(1, tuple([known[each] for each in names])) if names else None


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
