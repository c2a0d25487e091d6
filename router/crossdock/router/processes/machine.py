"""What an instance of a process does with what comes to it: pure.

The same instance, event and time give the same instance, down to ids (I4), unless an expression
asks for chance. Nothing is half done: an event that cannot be taken leaves everything as it was.
"""

from __future__ import annotations

from typing import Final

import msgspec

from crossdock.contracts import Disconnected, Message, Reject, near_id
from crossdock.mesh.groups.state import Member, enclose, enclosed
from crossdock.router.processes.compiled import CompiledStart, Transition
from crossdock.router.processes.evaluating import holds, kept_with
from crossdock.router.processes.events import Arrival, Order, Place, token_of
from crossdock.router.processes.instance import CANCELLED, Cause, Kept, Step
from crossdock.router.processes.stepping import Stepping

_MOST_STORY: Final = 600
_MOST_KEPT: Final = 192 * 1024


class Machine(Stepping):
    """One instance and what comes to it, one after the other."""

    def take(self, arrival: Arrival) -> Place:
        """Let a message come."""
        known = self._known(arrival)
        if known is not None:
            return known
        before = self.saved()
        try:
            return self._take(arrival)
        except Reject as error:
            self.restore(before)
            return Place(error=error)

    def time_up(self) -> bool:
        """Do what is to be done when time is up; tell whether it is."""
        instance = self.instance
        if instance.stuck or not instance.deadline or self.now < instance.deadline:
            return False
        match instance.phase:
            case "waiting":
                self.release(instance.kept)
                self.set(kept=(), deadline=0)
            case "compensating":
                owed = instance.owed[-1]
                self.open_step("timeout", "", self._cause())
                self.stick(f"{owed.place}/undo: was not confirmed in its time")
                self.close_step()
            case _:
                self._leave_in_time()
                self._settle()
        return True

    def order(self, order: Order) -> Place:
        """Do what a person wants."""
        token, instance = order.token, self.instance
        if any(each.cause == "command" and each.id == order.id for each in instance.story):
            return Place(outcome="grouped", steps=(self.step_id(order.id),))
        stuck = instance.stuck
        wanted = stuck if order.name == "resume" else instance.phase == "running"
        if not wanted:
            return Place(detail=f"not to {order.name}: instance {token} is {instance.status}")
        before = self.saved()
        try:
            self._follow(order)
        except Reject as error:
            self.restore(before)
            return Place(error=error)
        return Place(outcome="grouped", steps=(self.step_id(order.id),))

    def _follow(self, order: Order) -> None:
        self.set(stuck="", guard=self.instance.number)
        cause = Message(id=order.id, source="", type=order.name)
        self.open_step("command", order.name, cause, f"{order.by}: {order.reason}".rstrip(": "))
        if order.name == "cancel":
            self.set(state=CANCELLED, phase="compensating", deadline=0)
            self.set(entered=self.now, entry=self.instance.number)
        if self.instance.phase == "compensating":
            self.unsend()
            self.take_back()
        self.close_step(tells=True)
        if not self.time_up():
            self._settle()

    def _take(self, arrival: Arrival) -> Place:
        instance = self.instance
        if instance.phase == "ended":
            return self._unwanted(self.process.late, arrival, "comes after the end of its instance")
        if instance.phase == "waiting":
            return self._begin(arrival)
        if not self._use(arrival):
            rule = "keep" if self.instance.stuck else self.process.unexpected
            return self._wait(rule, arrival, self._unexpected())
        self._settle()
        return self._taken(arrival)

    def _begin(self, arrival: Arrival) -> Place:
        start = self._start(arrival)
        if start is None:
            schema = arrival.message.dataschema
            starts = any(schema in each.accepts.schemas for each in self.process.starts)
            why = "begins nothing: its `when` does not hold" if starts else "has no instance"
            return self._wait(self.process.early, arrival, why)
        if self.crowded:
            most = self.process.limits.instances
            return Place(error=Disconnected(f"there are {most} instances (limits.instances)"))
        message = arrival.message
        key = msgspec.json.encode(arrival.key).decode()
        self.set(
            id=near_id(message.id, "process", self.process.name, key, *message.identity),
            revision=self.process.revision,
            correlation=message.correlation,
            phase="running",
            began=self.now,
        )
        self.set(data=kept_with(start.keep, self.instance, arrival, self.process.limits.data))
        self.ways[start.place] = None
        self.open_step("message", message.type, message, mark=arrival.mark)
        self.enter(start.go)
        self.close_step()
        self._settle()
        return self._taken(arrival)

    def _start(self, arrival: Arrival) -> CompiledStart | None:
        for each in self.process.starts:
            if arrival.message.dataschema in each.accepts.schemas and holds(
                each.when, self.instance, arrival
            ):
                return each
        return None

    def _use(self, arrival: Arrival, *, tells: bool = False) -> bool:
        """Let the present state take a message; tell whether it does.

        Raises:
            Reject: It does, and cannot.
        """
        message, instance = arrival.message, self.instance
        if instance.phase == "compensating":
            if not self.confirms(message):
                return False
            self.open_step("message", message.type, message, mark=arrival.mark)
            self.set(stuck="", owed=instance.owed[:-1])
            self.take_back()
            self.close_step(tells=tells)
            return True
        found = None if instance.stuck else self._transition(arrival)
        if found is None:
            return False
        if self.is_guarded():
            self._stick_at_guard("message", message)
            return False
        self.ways[found.place] = None
        self.set(data=kept_with(found.keep, instance, arrival, self.process.limits.data))
        self.open_step("message", message.type, message, mark=arrival.mark)
        if found.refused:
            owed = tuple(each for each in instance.owed if each.step != instance.entry)
            self.set(owed=owed)
        if found.go is not None:
            self.enter(found.go)
        self.close_step(tells=tells)
        return True

    def _transition(self, arrival: Arrival) -> Transition | None:
        for each in self.process.states[self.instance.state].on:
            if arrival.message.dataschema in each.accepts.schemas and holds(
                each.when, self.instance, arrival
            ):
                return each
        return None

    def _leave_in_time(self) -> None:
        """Leave a state whose time is up."""
        if self.is_guarded():
            self._stick_at_guard("timeout", self._cause())
            return
        state = self.process.states[self.instance.state]
        self.ways[f"states/{state.name}/timeout"] = None
        before = self.saved()
        self.open_step("timeout", "", self._cause())
        try:
            self.enter(state.then)
            self.close_step()
        except Reject as error:  # there is no message that could be buried for it
            self.restore(before)
            self.open_step("timeout", "", self._cause())
            self.stick(error.reason)
            self.close_step()

    def _stick_at_guard(self, cause: Cause, message: Message) -> None:
        most = self.process.limits.transitions
        self.open_step(cause, message.type, message)
        self.stick(f"took {most} steps without an end (limits.transitions)")
        self.close_step()

    def _settle(self) -> None:
        """Let messages that have waited come, if they are expected now."""
        while (used := self._next_kept()) is not None:
            kept = tuple(each for each in self.instance.kept if each is not used)
            self.set(kept=kept)
            before = self.saved()
            try:
                self._use(self._arrival_of(used), tells=True)
            except Reject:  # it is acknowledged: it becomes a dead letter of its own
                self.restore(before)
                self.release((used,))
        if self.instance.phase == "ended":
            self.release(self.instance.kept)
            self.set(kept=())
        if len(self.instance.story) > _MOST_STORY:
            self.set(story=self.instance.story[-_MOST_STORY:])

    def _next_kept(self) -> Kept | None:
        if self.instance.phase not in ("running", "compensating") or self.is_guarded():
            return None
        for each in self.instance.kept:
            if self._is_expected(self._arrival_of(each)):
                return each
        return None

    def _is_expected(self, arrival: Arrival) -> bool:
        if self.instance.phase == "compensating":
            return self.confirms(arrival.message)
        try:
            return not self.instance.stuck and self._transition(arrival) is not None
        except Reject:
            return True  # it is taken out, and told of

    def _arrival_of(self, kept: Kept) -> Arrival:
        message = enclosed(Member(kept.mark, kept.id, None, kept.message))
        value = msgspec.json.decode(message.data)
        return Arrival(key=self.instance.key, message=message, value=value, mark=kept.mark)

    def _wait(self, rule: str, arrival: Arrival, why: str) -> Place:
        """Keep a message until it is expected, if that is wanted and may ever be."""
        message = arrival.message
        if rule != "keep":
            return self._unwanted(rule, arrival, why)
        if message.dataschema not in self.process.awaited:
            return self._unwanted("ignore", arrival, why)
        if arrival.waited:
            return self._unwanted("dead", arrival, f"{why}, and it has waited for that")
        instance, limits = self.instance, self.process.limits
        kept = Kept(arrival.mark, self.now, message.type, message.id, enclose(message))
        size = sum(len(bytes(each.message)) for each in (*instance.kept, kept))
        if len(instance.kept) >= limits.kept or size > _MOST_KEPT:
            raise Reject(f"{why}, and {len(instance.kept)} messages wait in it already")
        self.set(kept=(*instance.kept, kept))
        if instance.phase == "waiting" and not instance.deadline:
            self.set(deadline=self.now + round(limits.wait * 1000))
        return self._kept(arrival.mark, message)

    def _unwanted(self, rule: str, arrival: Arrival, why: str) -> Place:
        said = f"{arrival.message.type} {why}"
        if rule == "dead":
            raise Reject(said)
        return Place(detail=said)

    def _unexpected(self) -> str:
        instance = self.instance
        at = "is stuck" if instance.stuck else f"is in {instance.state}"
        if instance.phase == "compensating" and not instance.stuck:
            at = f"takes back what it did, in {instance.state}"
        return f"is not expected: its instance {at}"

    def _known(self, arrival: Arrival) -> Place | None:
        """Return what became of a message that came before (I4)."""
        if any(each.mark == arrival.mark for each in self.instance.kept):
            return self._kept(arrival.mark, arrival.message)
        found = next((each for each in self.instance.story if each.mark == arrival.mark), None)
        return None if found is None else self._place(found)

    def _taken(self, arrival: Arrival) -> Place:
        for each in reversed(self.instance.story):
            if each.mark == arrival.mark:
                return self._place(each)
        raise AssertionError("a message that was taken is in the story")

    def _place(self, step: Step) -> Place:
        token = token_of(self.process.name, self.instance.key)
        detail = f"{step.before or 'begins'} -> {step.after}, instance {token}"
        tells = bool(step.sent or step.note)
        ids = (self.step_id(step.mark.hex()),) if tells else ()
        return Place(outcome="grouped" if tells else "routed", detail=detail, steps=ids)

    def _kept(self, mark: bytes, message: Message) -> Place:
        token = token_of(self.process.name, self.instance.key)
        detail = f"{message.type} waits until it is expected, instance {token}"
        return Place(outcome="grouped", detail=detail, steps=(self.step_id(mark.hex()),))

    def _cause(self) -> Message:
        """Return what the next step is caused by when no message causes it: the last before it."""
        found = (each.id for each in reversed(self.instance.story) if each.cause == "message")
        return Message(id=next(found, self.instance.id), source="", type="")
