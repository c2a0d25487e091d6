"""``processes/*.yaml``: one process a file (Process Manager)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from crossdock.mesh.project.scalars import Duration, Size

FOLDER = "processes"


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Frozen, by name, unknown keys refused."""


class Undo(_File, frozen=True, omit_defaults=True, rename={"as_": "as"}):
    """The command that takes back what a command did.

    Attributes:
        send: Destination.
        as_: Contract of the command, ``name@range``.
        map: JSONata over what the instance keeps, that makes the command's data; or the name of a
            ``.jsonata`` file beside the process. All that is kept when not given.
        done: Contract of the message that says that it is done, ``name@range``; only then is the
            next one taken back. Not waited for when not given.
        within: How long that message is waited for; then the instance is stuck.
    """

    send: str
    as_: str
    map: str | None = None
    done: str | None = None
    within: Duration = Duration(3600)


class Send(_File, frozen=True, omit_defaults=True, rename={"as_": "as"}):
    """A command that is sent when a state is entered.

    Attributes:
        send: Destination.
        as_: Contract of the command, ``name@range``.
        map: JSONata over what the instance keeps, that makes the command's data; or the name of a
            ``.jsonata`` file beside the process. All that is kept when not given.
        when: JSONata condition over what the instance keeps: otherwise nothing is sent.
        undo: How it is taken back, should the process fail later.
    """

    send: str
    as_: str
    map: str | None = None
    when: str | None = None
    undo: Undo | None = None


class Start(_File, frozen=True, omit_defaults=True):
    """A message that begins an instance.

    Attributes:
        on: Contract of the message, ``name@range``.
        go: State that the instance begins in.
        when: JSONata condition over the message; one that does not hold begins nothing.
        keep: JSONata over the message that gives what the instance keeps: an object; or the name
            of a ``.jsonata`` file beside the process.
    """

    on: str
    go: str
    when: str | None = None
    keep: str | None = None


class On(_File, frozen=True, omit_defaults=True):
    """What a state does with a message.

    Attributes:
        message: Contract of the message, ``name@range``.
        when: JSONata condition over the message; ``$data`` is what the instance keeps.
        keep: JSONata over the message that gives what the instance keeps from now on beside the
            rest: an object, whose members replace those of the same names.
        go: State to go to; the instance stays where it is when not given, and waits on.
        refused: The message says that what this state has sent was not done: then it need not be
            taken back later.
    """

    message: str
    when: str | None = None
    keep: str | None = None
    go: str | None = None
    refused: bool = False


class Timeout(_File, frozen=True):
    """What happens when an instance has been in a state for too long.

    Attributes:
        after: For how long, from entering the state on.
        go: State to go to then.
    """

    after: Duration
    go: str


class State(_File, frozen=True, omit_defaults=True):
    """A state of a process.

    Attributes:
        description: For people.
        enter: Commands that are sent when the state is entered.
        on: What is done with messages; the first that fits is taken.
        timeout: What happens when nothing came for too long.
        compensate: Whether what was done before is taken back when the state is entered, the last
            first; the commands of ``enter`` are sent when that is done.
        end: Whether the instance ends here.
    """

    description: str = ""
    enter: tuple[Send, ...] = ()
    on: tuple[On, ...] = ()
    timeout: Timeout | None = None
    compensate: bool = False
    end: bool = False


class Limits(_File, frozen=True, omit_defaults=True):
    """Bounds of a process.

    Attributes:
        instances: Instances that are there at a time, ended ones included for as long as they are
            remembered; beyond it the process takes no messages.
        transitions: Steps that an instance may take; then it is stuck (loop guard).
        data: Size of what an instance keeps, as JSON.
        kept: Messages that wait in an instance at a time.
        wait: For how long messages wait for an instance that has not begun.
        remember: For how long an instance that has ended is known.
    """

    instances: Annotated[int, msgspec.Meta(ge=1)] = 1_000_000
    transitions: Annotated[int, msgspec.Meta(ge=1, le=500)] = 100
    data: Size = Size(64 * 1024)
    kept: Annotated[int, msgspec.Meta(ge=0, le=100)] = 20
    wait: Duration = Duration(3600)
    remember: Duration = Duration(7 * 86400)


Rule = Literal["keep", "ignore", "dead"]


class ProcessFile(_File, frozen=True, omit_defaults=True):
    """The whole of a process file.

    Attributes:
        process: Name: ``a-z 0-9 _ -``.
        description: For people.
        key: JSONata over each message that gives the key of its instance; or one for each contract,
            by its name.
        starts: What begins an instance.
        states: The states, by name.
        early: What becomes of a message whose instance has not begun: it waits for it, is filtered,
            or becomes a dead letter.
        unexpected: What becomes of a message that the present state does not expect: it waits until
            a state does, is filtered, or becomes a dead letter.
        late: What becomes of a message whose instance has ended: it is filtered, or becomes a dead
            letter.
        limits: Bounds.
        on_failure: Name of the failure policy.
        examples: For ``crossdock process test``.
    """

    process: str
    key: str | dict[str, str]
    starts: Start | tuple[Start, ...]
    states: dict[str, State]
    description: str = ""
    early: Rule = "keep"
    unexpected: Rule = "keep"
    late: Literal["ignore", "dead"] = "ignore"
    limits: Limits = Limits()
    on_failure: str = "standard"
    examples: tuple[dict[str, Any], ...] = ()
