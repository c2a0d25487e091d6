"""The steps of an instance: into a state, what is sent there, and taking back what was done."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec

from crossdock.contracts import Message, Reject, keyed_id
from crossdock.router.processes.compiled import CompiledCommand, CompiledProcess, CompiledState
from crossdock.router.processes.evaluating import command_of, is_wanted, made
from crossdock.router.processes.events import Hint, token_of
from crossdock.router.processes.instance import (
    CANCELLED,
    Cause,
    Command,
    Instance,
    Kept,
    Owed,
    Step,
    Waiting,
)

_MOST_OUTBOX: Final = 256 * 1024


class _Open(NamedTuple):
    """A step that is being taken."""

    cause: Cause
    what: str
    message: Message
    mark: bytes
    before: str
    note: str


class Saved(NamedTuple):
    """What to go back to."""

    instance: Instance
    hints: int
    released: int
    steps: int


class Stepping:
    """One instance on its way.

    Attributes:
        process: The process, in the revision that the instance keeps.
        instance: As it is now.
        now: Unix time in milliseconds.
        hints: Steps that have something to send; with the id of each.
        released: Messages that waited, and come again as messages of their own.
        steps: Steps that were taken.
        crowded: Whether there are as many instances as there may be.
        ways: Places of the process that were come through, for the coverage of examples.
    """

    def __init__(
        self, process: CompiledProcess, instance: Instance, now: int, *, crowded: bool = False
    ) -> None:
        self.process = process
        self.crowded = crowded
        self.instance = instance
        self.now = now
        self.hints: list[tuple[str, Hint]] = []
        self.released: list[Kept] = []
        self.steps: list[Step] = []
        self.ways: dict[str, None] = {}
        self._step = _Open("message", "", Message(id="", source="", type=""), b"", "", "")
        self._commands: list[tuple[Command, str]] = []
        self._stuck_now = False

    def set(self, **fields: Any) -> None:  # noqa: ANN401 - fields of an instance
        """Change the instance."""
        self.instance = msgspec.structs.replace(self.instance, **fields)

    def saved(self) -> Saved:
        """Return what to go back to."""
        return Saved(self.instance, len(self.hints), len(self.released), len(self.steps))

    def restore(self, saved: Saved) -> None:
        """Go back, as if nothing had come."""
        self.instance = saved.instance
        del self.hints[saved.hints :], self.released[saved.released :], self.steps[saved.steps :]

    def step_id(self, cause: str) -> str:
        """Return the id of the step that something causes: known before it is taken.

        Args:
            cause: Mark of a message, id of an order, or which step of which instance it is.
        """
        token = token_of(self.process.name, self.instance.key)
        return keyed_id("step", self.process.name, token, cause)

    def is_guarded(self) -> bool:
        """Tell whether it has taken all the steps that it may."""
        instance = self.instance
        return instance.number - instance.guard >= self.process.limits.transitions

    def open_step(
        self, cause: Cause, what: str, message: Message, note: str = "", *, mark: bytes = b""
    ) -> None:
        """Begin a step."""
        self._step = _Open(cause, what, message, mark, self._shown_state(), note)
        self._commands = []
        self._stuck_now = False
        self.set(number=self.instance.number + 1)

    def close_step(self, *, tells: bool = False) -> None:
        """End a step: it is told of where it has something to send, or where that is asked for.

        Raises:
            Reject: It sends more than can be kept.
        """
        instance, begun = self.instance, self._step
        sent = tuple(
            (each.destination, each.headers["ce-id"], contract) for each, contract in self._commands
        )
        step = Step(
            number=instance.number,
            at=self.now,
            cause=begun.cause,
            what=begun.what,
            id=begun.message.id,
            mark=begun.mark,
            before=begun.before,
            after=self._shown_state(),
            sent=sent,
            note=instance.stuck if self._stuck_now else begun.note,
        )
        self.steps.append(step)
        outbox = instance.outbox
        if sent:
            waiting = Waiting(instance.number, tuple(each for each, _ in self._commands))
            outbox = (*outbox, waiting)
            self._check_size(outbox)
        self.set(story=(*instance.story, step), outbox=outbox)
        if sent or self._stuck_now or tells:
            self._tell(step)

    def enter(self, name: str) -> None:
        """Come into a state.

        Raises:
            Reject: What is sent there cannot be made.
        """
        state = self.process.states[name]
        self.set(state=name, entered=self.now, entry=self.instance.number, deadline=0)
        if state.compensates and self.instance.owed:
            self.set(phase="compensating")
            self.take_back()
        else:
            self._arrive(state)

    def take_back(self) -> None:
        """Take back what was done, the last first, as far as nothing has to be confirmed."""
        while self.instance.owed:
            *rest, last = self.instance.owed
            command = self.process.command(last.place)
            undo = None if command is None else command.undo
            if undo is None:  # I5: never guessed
                self.stick(f"{last.place}: is not in the process any more")
                return
            self.ways[undo.place] = None
            try:
                self._send(undo)
            except Reject as error:
                self.stick(error.reason)
                return
            if undo.done is not None:
                asked = Owed(last.place, last.step, sent=True)
                deadline = self.now + round(undo.within * 1000)
                self.set(owed=(*rest, asked), deadline=deadline)
                return
            self.set(owed=tuple(rest))
        self._arrive_at_last()

    def confirms(self, message: Message) -> bool:
        """Tell whether a message says that what was taken back is."""
        instance = self.instance
        if instance.phase != "compensating" or not instance.owed or not instance.owed[-1].sent:
            return False
        command = self.process.command(instance.owed[-1].place)
        done = None if command is None or command.undo is None else command.undo.done
        return done is not None and message.dataschema in done.schemas

    def unsend(self) -> None:
        """Let what was not confirmed be taken back once more."""
        if self.instance.owed:
            *rest, last = self.instance.owed
            self.set(owed=(*rest, Owed(last.place, last.step)))

    def stick(self, reason: str) -> None:
        """Stop here, until a person looks at it."""
        self._stuck_now = True
        self.set(stuck=reason)

    def release(self, kept: tuple[Kept, ...]) -> None:
        """Let messages that waited come again, as messages of their own."""
        self.released += kept

    def _arrive_at_last(self) -> None:
        """Arrive in a state once everything is taken back."""
        if self.instance.state == CANCELLED:
            self.set(phase="ended", deadline=0)
            return
        before, commands = self.instance, list(self._commands)
        try:
            self._arrive(self.process.states[before.state])
        except Reject as error:
            self.instance, self._commands = before, commands
            self.stick(error.reason)

    def _arrive(self, state: CompiledState) -> None:
        for command in state.enter:
            if is_wanted(command, self.instance):
                self._send(command)
                if command.undo is not None:
                    owed = Owed(command.place, self.instance.number)
                    self.set(owed=(*self.instance.owed, owed))
        if state.is_end:
            self.set(phase="ended", deadline=0, owed=())
            return
        deadline = self.now + round(state.after * 1000) if state.after else 0
        self.set(phase="running", deadline=deadline)

    def _send(self, command: CompiledCommand) -> None:
        instance = self.instance
        message = made(self.process, command, instance, self._step.message, self.now)
        at = (instance.number, len(self._commands))
        self._commands.append(
            (command_of(command.destination, message, instance, at), message.type)
        )

    def _tell(self, step: Step) -> None:
        instance = self.instance
        cause = {"message": step.mark.hex(), "command": step.id}.get(step.cause, "")
        hint = Hint(
            token=token_of(self.process.name, instance.key),
            instance=instance.id,
            number=step.number,
            stuck=instance.stuck if self._stuck_now else "",
        )
        self.hints.append((self.step_id(cause or f"{instance.id} {step.number}"), hint))

    def _shown_state(self) -> str:
        return self.instance.state

    @staticmethod
    def _check_size(outbox: tuple[Waiting, ...]) -> None:
        size = sum(len(bytes(c.data)) for each in outbox for c in each.commands)
        if size > _MOST_OUTBOX:
            raise Reject(f"what it sends takes {size} bytes, more than {_MOST_OUTBOX}")
