"""What the broker has, against what a revision wants of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from crossdock.mesh.bus import ConsumerState


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """One thing at the broker that is not as it should be.

    Attributes:
        name: Of the consumer or stream.
        message: What is wrong with it and what becomes of that.
        waiting: Messages that it has still to settle.
    """

    name: str
    message: str
    waiting: int = 0


def consumer_drift(
    wanted: Mapping[str, Iterable[str]],
    found: Sequence[ConsumerState],
    *,
    works: bool,
    more: Collection[str] = (),
) -> list[Drift]:
    """Compare the durable consumers of one stream.

    Args:
        wanted: By name, the subjects that it takes.
        found: Those that there are.
        works: Whether somebody is there who would make missing ones.
        more: Those that may take more than is wanted: processes, for what began with another file.
    """
    there = {each.name: each for each in found}
    drifts = [
        Drift(
            name=name,
            message="nobody reads for it any more: what comes waits there, and is not cleaned up",
            waiting=each.lag,
        )
        for name, each in there.items()
        if name not in wanted
    ]
    for name, subjects in wanted.items():
        state = there.get(name)
        if state is None:
            if works:
                drifts.append(Drift(name=name, message="is not there; a service makes it again"))
        elif set(subjects) != set(state.filters) and not (
            name in more and set(subjects) < set(state.filters)
        ):
            message = "takes other subjects than it should; a service corrects it at its next start"
            drifts.append(Drift(name=name, message=message, waiting=state.lag))
    return sorted(drifts, key=lambda each: each.name)
