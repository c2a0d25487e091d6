"""What is stored of an instance of a process: one message a key."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from crossdock.mesh.expression import Json

CANCELLED: Final = "cancelled"
"""The state of an instance that a person has cancelled."""
RESERVED: Final = frozenset({CANCELLED, "stuck", "waiting"})
"""What no state of a process may be called."""
Phase = Literal["waiting", "running", "compensating", "ended"]
Status = Literal["waiting", "running", "compensating", "stuck", "ended"]
Cause = Literal["message", "timeout", "command"]


class Step(msgspec.Struct, frozen=True, array_like=True):
    """One step that an instance took.

    Attributes:
        number: From 1.
        at: When, Unix time in milliseconds.
        cause: What made it take the step.
        what: Contract of the message; of a command its name.
        id: Id of the message that caused it, or that was last before it; or of the command.
        mark: By which the message is known again; empty when none caused it.
        before: State before; ``""`` before it began.
        after: State after.
        sent: Destination, id and contract of each command, in their order.
        note: What else is to be told: who gave a command and why, why it is stuck.
    """

    number: int
    at: int
    cause: Cause
    what: str
    id: str
    mark: bytes
    before: str
    after: str
    sent: tuple[tuple[str, str, str], ...] = ()
    note: str = ""


class Kept(msgspec.Struct, frozen=True, array_like=True):
    """A message that waits for a state that expects it.

    Attributes:
        mark: By which it is known again.
        at: Since when, Unix time in milliseconds.
        what: Its contract.
        id: Its id.
        message: The whole of it.
    """

    mark: bytes
    at: int
    what: str
    id: str
    message: msgspec.Raw

    def __repr__(self) -> str:  # I6
        return f"Kept({self.id!r})"


class Command(msgspec.Struct, frozen=True, array_like=True):
    """A command that is to be sent.

    Attributes:
        destination: Where to.
        headers: Of the message.
        data: Its data, JSON.
    """

    destination: str
    headers: dict[str, str]
    data: msgspec.Raw

    def __repr__(self) -> str:  # I6
        return f"Command({self.destination!r})"


class Waiting(msgspec.Struct, frozen=True, array_like=True):
    """The commands of one step, until they are known to be sent.

    Attributes:
        number: Of the step.
        commands: In their order.
    """

    number: int
    commands: tuple[Command, ...]


class Owed(msgspec.Struct, frozen=True, array_like=True):
    """A command that is taken back, should the process fail.

    Attributes:
        place: Where it is in the process: ``states/paying/enter/0``.
        step: Number of the step that sent it.
        sent: Whether the command that takes it back was sent, and is not confirmed yet.
    """

    place: str
    step: int
    sent: bool = False


class Instance(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, repr_omit_defaults=True
):
    """One instance of a process.

    Attributes:
        key: What its messages have in common.
        id: Its identity; ``""`` before it has begun.
        revision: Of the process that it began with and keeps.
        correlation: Of the message that began it.
        phase: What it does; ``waiting``: it has not begun, and messages wait for that.
        state: Where it is.
        began: When it began, Unix time in milliseconds.
        entered: When it came into its state.
        number: Steps that it took.
        entry: Number of the step with which it came into its state.
        guard: Number of the step from which on the loop guard counts.
        deadline: When its time is up, Unix time in milliseconds; 0 for never.
        timer: For when a timer is set; 0 for none.
        stuck: Why it does not go on; ``""`` when it does.
        data: What it keeps.
        owed: What is taken back, should it fail; the newest last.
        kept: Messages that wait, the oldest first.
        outbox: Commands that are not known to be sent yet, the oldest first.
        story: Steps that it took, the oldest first.
    """

    key: Json
    id: str = ""
    revision: str = ""
    correlation: str = ""
    phase: Phase = "waiting"
    state: str = ""
    began: int = 0
    entered: int = 0
    number: int = 0
    entry: int = 0
    guard: int = 0
    deadline: int = 0
    timer: int = 0
    stuck: str = ""
    data: dict[str, Json] = {}
    owed: tuple[Owed, ...] = ()
    kept: tuple[Kept, ...] = ()
    outbox: tuple[Waiting, ...] = ()
    story: tuple[Step, ...] = ()

    @property
    def status(self) -> Status:
        """What a person wants to know first."""
        return "stuck" if self.stuck else self.phase

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do: it may be forgotten after a while."""
        if self.outbox or self.kept:
            return False
        return self.phase == "ended" or not self.id

    def __repr__(self) -> str:  # I6: a key may be a person's
        return f"Instance({self.id!r}, {self.state!r})"


_decoder = msgspec.json.Decoder(Instance)


def read_instance(data: bytes) -> Instance:
    """Read a stored instance.

    Raises:
        msgspec.DecodeError: When it is not one.
    """
    return _decoder.decode(data)
