"""What operators see of the control bus."""

from __future__ import annotations

from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from crossdock.cli.control_acting import Done, Drained
from crossdock.cli.control_lines import Line, Overview
from crossdock.mesh.control import Flow, Rate
from crossdock.mesh.control.acts import Act
from crossdock.mesh.control.store import Kept

_STYLES: Final = {
    "running": "green",
    "paused": "bold yellow",
    "draining": "yellow",
    "drained": "bold yellow",
    "starting": "cyan",
    "breaker open": "red",
    "halted": "bold red",
    "not running": "dim",
}


def table(found: Overview) -> Table:
    """Return the table of components. Words of people are printed as text, never as markup."""
    result = Table()
    for title in ("component", "state", "rate"):
        result.add_column(title)
    for title in ("pending", "in flight", "replicas"):
        result.add_column(title, justify="right")
    result.add_column("since, by whom, why", overflow="fold")
    for each in found.lines:
        result.add_row(
            Text(f"{each.kind}:{each.name}"),
            Text(_state(each), style=_STYLES.get(each.state, "")),
            "" if each.rate is None else f"{each.rate:g}/s",
            "" if each.kind == "source" else f"{each.pending:,}",
            f"{each.in_hand if each.kind == 'source' else each.unsettled:,}",
            f"{each.replicas:,}",
            Text("\n".join(_notes(each))),
        )
    return result


def history_table(acts: list[Kept]) -> Table:
    """Return the table of what was done, newest first."""
    result = Table()
    for title in ("when", "control", "what", "by whom", "why"):
        result.add_column(title, overflow="fold")
    for each in sorted(acts, key=lambda kept: kept.act.at, reverse=True):
        what = (_moment(each.act.at), control(each.key), said(each.act), each.act.by)
        result.add_row(*map(Text, what), Text(each.act.reason))
    return result


def control(key: str) -> str:
    """Return a control as people name it: ``route:orders``, ``route:orders/inspection``."""
    kind, name, *rest = key.split(".")
    return f"{kind}:{name}/{rest[1]}" if rest[0] == "detour" else f"{kind}:{name}"


def said(act: Act) -> str:
    """Say in words what an act is."""
    match act:
        case Flow():
            return act.state + (f" until {_moment(act.until)}" if act.until else "")
        case Rate():
            return "rate of the project" if act.limit is None else f"{act.limit:g}/s"
        case _:
            return "on" if act.on else "off"


def tell_done(done: Done, console: Console) -> None:
    """Say what came of an act."""
    head = f"{done.component}: {said(done.act)}"
    if not done.replicas and not done.silent:
        console.print(Text(f"{head}; no process has it now, it begins like that"), soft_wrap=True)
        return
    count = f"{done.heed} of {done.replicas} replicas"
    style = "green" if done.whole else "yellow"
    console.print(Text.assemble((head, style), f"; {count} heed it"), soft_wrap=True)
    for each in done.silent:
        console.print(Text(f"! {each} does not answer", style="yellow"), soft_wrap=True)


def tell_drained(found: Drained, console: Console) -> None:
    """Say how a drain ended."""
    if found.drained:
        head = Text(f"{found.component}: drained", style="green")
        waiting = f"; {found.waiting:,} wait for another try" if found.waiting else ""
        head.append(f"{waiting}; {found.pending:,} pending", style="default")
        console.print(head, soft_wrap=True)
        return
    late = f"{found.component}: not drained in time, {found.in_hand:,} in hand; it goes on draining"
    console.print(Text(late, style="yellow"), soft_wrap=True)
    for each in found.silent:
        console.print(Text(f"! {each} does not answer", style="yellow"), soft_wrap=True)


def _state(line: Line) -> str:
    until = f" until {_moment(line.until)}" if line.until else ""
    detours = "".join(f"\ndetour {k} {'on' if on else 'off'}" for k, on in line.detours.items())
    return f"{line.state}{until}{detours}"


def _notes(line: Line) -> list[str]:
    notes = [line.problem] if line.problem else []
    for what, act in line.acts.items():
        if isinstance(act, Flow) and (act.state == "running" or line.state == "running"):
            continue
        if isinstance(act, Rate) and act.limit is None:
            continue
        subject = f"{what} {said(act)}: " if what.startswith("detour") else ""
        reason = f": {act.reason}" if act.reason else ""
        notes.append(f"{subject}{_moment(act.at)}, {act.by}{reason}")
    return notes


def _moment(time: str) -> str:
    return time[:19].replace("T", " ")
