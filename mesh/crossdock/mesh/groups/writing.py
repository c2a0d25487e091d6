"""What is written when the state of a key changes."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from crossdock.contracts import Message, Subjects
from crossdock.mesh.bus import Swap
from crossdock.mesh.groups.folding import Closed, Folded, Rule
from crossdock.mesh.groups.state import GROUP_TYPE, Group


class Writes:
    """Makes the messages of one route's groups."""

    def __init__(self, subjects: Subjects, route: str) -> None:
        self._subjects = subjects
        self._route = route
        self._source = f"/{subjects.mesh}/router/{route}"

    def open(self, token: str) -> str:
        """Return where the state of a key is."""
        return self._subjects.group("open", self._route, token)

    def of(self, token: str, folded: Folded, sequence: int, rule: Rule) -> list[Swap]:
        """Return what is to be written together; the state comes first.

        Args:
            token: Of the key.
            folded: What became of it.
            sequence: That its state had; 0 when it had none.
            rule: When a group is complete.
        """
        group = self.stored(folded.group, rule)
        headers = {} if group.id else {"Nats-TTL": f"{max(1, round(rule.remember))}s"}
        items = [Swap(self.open(token), msgspec.json.encode(group), headers, sequence)]
        if group.timer and group.timer != folded.group.timer:
            items.append(self.timer(token, group.timer))  # in the place of the one there was
        drop = folded.had_timer and not group.timer
        for each in folded.closed:
            items.append(self._ready(each, token if drop else None))
            drop = False
        return items

    def stored(self, group: Group, rule: Rule) -> Group:
        """Return the state as it is stored: an open group has a timer from the start."""
        if not group.id or group.timer:
            return group
        return msgspec.structs.replace(group, timer=rule.deadline(group))

    def timer(self, token: str, at: int) -> Swap:
        """Return the timer of a key, in the place of the one it may have.

        Args:
            token: Of the key.
            at: Unix time in milliseconds.
        """
        when = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")
        headers = {
            "Nats-Schedule": f"@at {when}",
            "Nats-Schedule-Target": self._subjects.group("due", self._route, token),
        }
        return Swap(self._subjects.group("timer", self._route, token), b"", headers)

    def _ready(self, closed: Closed, timer_of: str | None) -> Swap:
        """Return a group that goes on; it takes the timer with it that nobody needs any more."""
        message = message_of(closed, self._source)
        headers = message.headers()
        if timer_of is not None:
            headers["Nats-Scheduler"] = self._subjects.group("timer", self._route, timer_of)
            headers["Nats-Schedule-Next"] = "purge"
        subject = self._subjects.group("ready", self._route, message.id)
        return Swap(subject, message.data, headers)


def message_of(closed: Closed, source: str) -> Message:
    """Return a complete group as a message: caused by its last member, told of as its first."""
    group = closed.group
    return Message(
        id=group.id,
        source=source,
        type=GROUP_TYPE,
        data=msgspec.json.encode(closed.content),
        time=group.time,
        subject=group.subject,
        extensions=group.extensions | {"causationid": group.members[-1].id},
    )
