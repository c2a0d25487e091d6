"""The account as a table for people, or as JSON."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from carry.accounting import Account


class Pass(msgspec.Struct, frozen=True, kw_only=True):
    """One time that all records were sent.

    Attributes:
        name: Which time.
        seconds: From the first record to the last effect.
        deliveries: To all destinations, repeats too, since the first pass.
        effects: What is at the destinations.
        accounts: Of each file.
        wrong: What is wrong with the pass as a whole.
    """

    name: str
    seconds: float
    deliveries: int
    effects: int
    accounts: tuple[Account, ...]
    wrong: tuple[str, ...] = ()

    def failures(self) -> list[str]:
        """Return everything that does not add up."""
        of_files = [f"{each.file}: {text}" for each in self.accounts for text in each.wrong]
        return [f"{self.name}: {text}" for text in (*of_files, *self.wrong)]


def show(passes: Sequence[Pass]) -> None:
    """Print the account of the last pass, and how often it was sent."""
    console = Console()
    table = Table("file")
    for name in ("lines", "header", "delivered", "filtered", "refused"):
        table.add_column(name, justify="right")
    last = passes[-1].accounts
    for each in last:
        table.add_row(each.file, *(f"{number:,}" for number in _counts(each)))
    sums = [sum(column) for column in zip(*map(_counts, last), strict=True)]
    table.add_section()
    table.add_row("in all", *(f"{each:,}" for each in sums))
    console.print(table, _reasons(last))
    for done in passes:
        console.print(
            f"{done.name}: {done.seconds:.1f} s; {done.deliveries:,} deliveries so far, "
            f"{done.effects:,} effects"
        )
    failures = [text for done in passes for text in done.failures()]
    for text in failures:
        console.print(Text(f"WRONG {text}", style="bold red"))
    if not failures:
        console.print(f"All {sums[0]:,} lines are accounted for, each once.", style="bold green")


def as_json(passes: Sequence[Pass]) -> str:
    """Return all of it as one line of JSON."""
    return msgspec.json.encode(passes).decode()


def _counts(each: Account) -> tuple[int, ...]:
    return (each.lines, each.headers, each.delivered, each.filtered, each.refusals)


def _reasons(last: Sequence[Account]) -> Table:
    table = Table("refused", "why", "for example")
    for reason in (reason for each in last for reason in each.refused):
        table.add_row(f"{reason.lines:,}", Text(reason.why), Text(reason.example))
    return table
