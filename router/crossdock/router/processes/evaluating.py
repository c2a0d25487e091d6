"""The expressions of a process on a message and on what an instance keeps."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from crossdock.contracts import Message, Reject, near_id
from crossdock.contracts.expiry import write_time
from crossdock.mesh.exact_numbers import inexact_number
from crossdock.mesh.expression import Expression, Json
from crossdock.mesh.message_view import attributes_of
from crossdock.router.processes.compiled import CompiledCommand, CompiledProcess
from crossdock.router.processes.events import Arrival
from crossdock.router.processes.instance import Command, Instance


def variables(instance: Instance, message: Message | None) -> dict[str, Json]:
    """Return what expressions know beside their data."""
    found: dict[str, Json] = {"key": instance.key}
    if message is not None:
        found |= {"data": instance.data, "message": attributes_of(message)}
    return found


def holds(expression: Expression | None, instance: Instance, arrival: Arrival) -> bool:
    """Tell whether a condition over a message holds; none always does.

    Raises:
        Reject: It cannot be evaluated.
    """
    return expression is None or expression.holds(
        arrival.value, variables(instance, arrival.message)
    )


def kept_with(
    expression: Expression | None, instance: Instance, arrival: Arrival, most: int
) -> dict[str, Json]:
    """Return what an instance keeps once a message has added to it.

    Raises:
        Reject: It cannot be evaluated, is no object, or is too much.
    """
    if expression is None:
        return instance.data
    inexact = inexact_number(arrival.message.data, arrival.value)
    if inexact is not None:
        raise Reject.of("keep: cannot be mapped", [inexact])
    made, _ = expression.transform(arrival.value, variables(instance, arrival.message))
    if not isinstance(made, dict):
        raise Reject(f"{expression.place}: gives no object")
    data = {**instance.data, **made}
    size = len(msgspec.json.encode(data))
    if size > most:
        raise Reject(f"{expression.place}: the instance would keep {size} bytes, more than {most}")
    return data


def is_wanted(command: CompiledCommand, instance: Instance) -> bool:
    """Tell whether a command is to be sent.

    Raises:
        Reject: Its condition cannot be evaluated.
    """
    return command.when is None or command.when.holds(instance.data, variables(instance, None))


def made(
    process: CompiledProcess, command: CompiledCommand, instance: Instance, cause: Message, at: int
) -> Message:
    """Return a command as it is sent; its id is still to be set.

    Args:
        process: The process.
        command: The command.
        instance: The instance that sends it.
        cause: What it is caused by; only its id and trace are used.
        at: Unix time in milliseconds.

    Raises:
        Reject: It cannot be made, or breaks its contract.
    """
    if command.mapping is None:
        result: Json = instance.data
        data = msgspec.json.encode(result)
    else:
        result, data = command.mapping.transform(instance.data, variables(instance, None))
    problems = command.contract.problems(result)
    if problems:
        raise Reject.of(
            f"{command.place}: its result breaks {command.contract.dataschema}", problems
        )
    links = {"correlationid": instance.correlation, "causationid": cause.id}
    trace = {k: v for k, v in cause.extensions.items() if k in ("traceparent", "tracestate")}
    return Message(
        id="",
        source=process.source,
        type=command.contract.name,
        dataschema=command.contract.dataschema,
        data=data,
        time=write_time(datetime.fromtimestamp(at / 1000, UTC)),
        extensions=trace | links,
    )


def command_of(
    destination: str, message: Message, instance: Instance, at: tuple[int, int]
) -> Command:
    """Return a command with its identity, which follows from the step that sends it (I4).

    Args:
        destination: Where to.
        message: What is sent.
        instance: The instance that sends it.
        at: Number of the step, and position in it.
    """
    own = near_id(instance.id, "command", instance.id, *map(str, at))
    headers = msgspec.structs.replace(message, id=own).headers()
    return Command(destination, headers, msgspec.Raw(message.data))
