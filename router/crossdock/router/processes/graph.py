"""What is wrong with the states of a process, whatever its messages are."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from crossdock.contracts import Problem
from crossdock.router.processes.process_file import ProcessFile, Start, State


def graph_problems(file: ProcessFile) -> Iterator[Problem]:
    """Tell which states cannot be, each problem with its JSON Pointer in the file."""
    unknown = list(_unknown(file))
    yield from unknown
    for name, state in file.states.items():
        yield from _state(name, state)
    if not any(each.end for each in file.states.values()):
        yield _problem("/states", "no state ends: give one of them `end: true`", "no-end")
    elif not unknown:
        yield from _ways(file)


def starts_of(file: ProcessFile) -> tuple[tuple[str, Start], ...]:
    """Return what begins the process, each with its place in the file."""
    if isinstance(file.starts, Start):
        return (("starts", file.starts),)
    return tuple((f"starts/{at}", each) for at, each in enumerate(file.starts))


def goes(name: str, state: State) -> Iterator[tuple[str, str]]:
    """Yield where a state leads: a JSON Pointer, and the state that it names."""
    for at, on in enumerate(state.on):
        if on.go is not None:
            yield f"/states/{name}/on/{at}/go", on.go
    if state.timeout is not None:
        yield f"/states/{name}/timeout/go", state.timeout.go


def _unknown(file: ProcessFile) -> Iterator[Problem]:
    named = [(f"/{place}/go", each.go) for place, each in starts_of(file)]
    for name, state in file.states.items():
        named += goes(name, state)
    for pointer, name in named:
        if name not in file.states:
            near = get_close_matches(name[:80], file.states, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there is {', '.join(file.states)}"
            yield _problem(pointer, f"no state {name[:80]!r}; {hint}", "unknown-state")


def _state(name: str, state: State) -> Iterator[Problem]:
    at = f"/states/{name}"
    if state.end and (state.on or state.timeout is not None):
        message = "an end takes no messages and has no time: leave out `on` and `timeout`"
        yield _problem(at, message, "invalid-process")
    for number, on in enumerate(state.on):
        if on.go is None and on.keep is None and not on.refused:
            message = "does nothing: say where to `go`, or what to `keep`"
            yield _problem(f"{at}/on/{number}", message, "invalid-process")


def _ways(file: ProcessFile) -> Iterator[Problem]:
    leads = {name: {to for _, to in goes(name, state)} for name, state in file.states.items()}
    begun = _closure({each.go for _, each in starts_of(file)}, leads)
    back: dict[str, set[str]] = {name: set() for name in leads}
    for name, nexts in leads.items():
        for each in nexts:
            back[each].add(name)
    ending = _closure({name for name, state in file.states.items() if state.end}, back)
    for name, state in file.states.items():
        if name not in begun:
            message = "no way leads to this state: go to it, or remove it"
            yield _problem(f"/states/{name}", message, "unreachable-state")
        elif name not in ending:
            message = (
                "an instance never ends from here: add a message or a timeout that leads to an end"
            )
            yield _problem(f"/states/{name}", message, "no-way-out")
        yield from _shadowed(name, state)


def _shadowed(name: str, state: State) -> Iterator[Problem]:
    """Find messages that one before takes always; as written: two ranges may still overlap."""
    taken: set[str] = set()
    for at, on in enumerate(state.on):
        if on.message in taken:
            message = "never reached: one before it takes all of these; give that one a `when`"
            yield _problem(f"/states/{name}/on/{at}", message, "unreachable-transition")
        elif on.when is None:
            taken.add(on.message)


def _closure(start: set[str], leads: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = list(start)
    while waiting:
        each = waiting.pop()
        if each not in found:
            found.add(each)
            waiting += leads[each]
    return found


def _problem(pointer: str, message: str, code: str) -> Problem:
    return Problem(message=message, pointer=pointer, keyword=code)
