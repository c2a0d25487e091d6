"""The account of each file: every line delivered, filtered or refused, and each of them once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec

from carry.doors import Answer, payload
from carry.evidence import Seen
from carry.lines import FLOW, KINDS, PURCHASES, ROOM, Kind, Lines, Row
from crossdock.contracts import Problem
from crossdock.mesh.dead_letters import DeadLetter

_SHOWN = 3


class Reason(msgspec.Struct, frozen=True):
    """Lines that were refused for the same reason.

    Attributes:
        why: Pointer, keyword and text of what was wrong.
        lines: How many.
        example: Place of the first one: ``nyc-weather-2013.csv:17``.
    """

    why: str
    lines: int
    example: str


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the lines of one file.

    Attributes:
        file: Its name.
        lines: All of its lines.
        headers: Of these, headers.
        delivered: Of these, how many are at their destination.
        filtered: Of these, how many a route filtered.
        refused: The others, by reason.
        wrong: What does not add up; empty when all does.
    """

    file: str
    lines: int
    headers: int
    delivered: int
    filtered: int
    refused: tuple[Reason, ...]
    wrong: tuple[str, ...] = ()

    @property
    def refusals(self) -> int:
        """How many lines were refused."""
        return sum(each.lines for each in self.refused)

    @property
    def accounted(self) -> int:
        """How many lines are known to have ended somewhere."""
        return self.headers + self.delivered + self.filtered + self.refusals


def accounts(
    files: Mapping[Kind, Lines],
    answers: Mapping[int, Answer],
    seen: Seen,
    arrived: Counter[Row],
) -> list[Account]:
    """Make the account of each file from what can be seen.

    Args:
        files: The lines that were sent.
        answers: Of the gateway, by line.
        seen: Dead letters and records.
        arrived: What is at the destinations.
    """
    return [_account(files[kind], answers, seen, arrived) for kind in KINDS]


def _account(
    lines: Lines, answers: Mapping[int, Answer], seen: Seen, arrived: Counter[Row]
) -> Account:
    kind = lines.kind
    wrong: list[str] = []
    if kind is PURCHASES:
        refused = _refused_at_gateway(lines, answers, wrong)
    else:
        refused = _refused_at_source(lines, seen.dead, wrong)
    here = Counter({row: n for row, n in arrived.items() if row[0] in kind.destinations})
    filtered = len(seen.filtered.get(kind.route, ()))
    wrong += _differences(lines, refused, here, filtered)
    wrong += [
        f"dead letter {each.sequence} of {each.cause.where}: {each.cause.reason}"
        for each in seen.dead
        if not _source_of(each) and each.cause.where in (kind.route, *kind.destinations)
    ][:_SHOWN]
    return Account(
        file=kind.file,
        lines=len(lines.all),
        headers=kind.headers,
        delivered=here.total(),
        filtered=filtered,
        refused=_grouped(lines, refused),
        wrong=tuple(wrong),
    )


def _source_of(letter: DeadLetter) -> str:
    return letter.cause.where if letter.cause.kind == "source" else ""


def _refused_at_gateway(
    lines: Lines, answers: Mapping[int, Answer], wrong: list[str]
) -> dict[int, str]:
    numbers = {number for number, _ in lines.records()}
    if answers.keys() != numbers:
        wrong.append(f"the gateway answered {len(answers)} of {len(numbers)} requests")
    ids = {each.id for each in answers.values() if each.id}
    refused = {
        number: "; ".join(_why(*reason) for reason in answer.reasons)
        for number, answer in answers.items()
        if not answer.id
    }
    if len(ids) + len(refused) != len(answers):
        wrong.append("two lines have the same message id")
    return refused


def _refused_at_source(lines: Lines, letters: list[DeadLetter], wrong: list[str]) -> dict[int, str]:
    texts = dict(lines.records())
    by_payload = (
        {payload(text): number for number, text in texts.items()} if _is_flow(lines) else {}
    )
    refused: dict[int, str] = {}
    for letter in letters:
        if _source_of(letter) != lines.kind.source:
            continue
        place = letter.cause.place
        number = by_payload.get(letter.data) or _line_of(place)
        if number not in texts:
            wrong.append(f"dead letter {letter.sequence} ({place}) is of no line")
        elif not _is_original(lines, texts[number], letter.data):
            wrong.append(f"dead letter {letter.sequence} ({place}) does not hold its line")
        elif not letter.cause.reason or not place:
            wrong.append(f"dead letter {letter.sequence} does not say why, or where from")
        else:
            problems = letter.cause.problems or (Problem(message=letter.cause.reason),)
            refused[number] = "; ".join(_why(p.pointer, p.keyword, p.message) for p in problems)
    return refused


def _is_flow(lines: Lines) -> bool:
    return lines.kind is FLOW


def _is_original(lines: Lines, text: str, data: bytes) -> bool:
    if lines.kind is ROOM:  # a row is no line: its values are compared
        values: dict[str, object] = msgspec.json.decode(data)
        time, *cells = text.split(",")
        return list(values.values()) == [time, *map(float, cells)]
    return data == (payload(text) if _is_flow(lines) else text.encode())


def _line_of(place: str) -> int:
    number = place.rpartition(":")[2]
    return int(number) if number.isdecimal() else 0


def _why(pointer: str, keyword: str, message: str) -> str:
    place = f"{pointer} " if pointer else ""
    return f"{place}{message}{f' ({keyword})' if keyword else ''}"


def _differences(
    lines: Lines, refused: Mapping[int, str], here: Counter[Row], filtered: int
) -> list[str]:
    """Compare what arrived with what had to, record by record."""
    wrong = []
    rows = {number: lines.kind.wanted(text) for number, text in lines.records()}
    wanted = {number: row for number, row in rows.items() if number not in refused}
    expected = Counter(row for row in wanted.values() if row is not None)
    missing, extra = expected - here, here - expected
    if missing:
        where = [lines.place(number) for number, row in wanted.items() if row in missing]
        wrong.append(f"{missing.total()} did not arrive: {', '.join(where[:_SHOWN])}")
    if extra:
        wrong.append(f"{extra.total()} arrived that nobody sent, or twice")
    unwanted = sum(1 for row in wanted.values() if row is None)
    if filtered != unwanted:
        wrong.append(f"{filtered} were filtered, {unwanted} had to be")
    total = lines.kind.headers + here.total() + filtered + len(refused)
    if total != len(lines.all):
        wrong.append(f"{len(lines.all)} lines, {total} accounted for")
    return wrong


def _grouped(lines: Lines, refused: Mapping[int, str]) -> tuple[Reason, ...]:
    counts = Counter(refused.values())
    first = {why: min(n for n, each in refused.items() if each == why) for why in counts}
    return tuple(Reason(why, count, lines.place(first[why])) for why, count in counts.most_common())
