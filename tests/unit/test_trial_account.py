"""The trial's account turns red when a line is lost, doubled, or refused without its original."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
import pytest

from carry.accounting import Account, accounts
from carry.doors import Answer, payload
from carry.evidence import Seen
from carry.lines import FLOW, KINDS, PURCHASES, ROOM, WEATHER, Kind, Lines, Row, read_lines
from crossdock.contracts import Problem
from crossdock.mesh.dead_letters import Cause, DeadLetter

TEXTS = {
    PURCHASES: " 00004 0001 19970101  2   29.33\r\n 00004 0001 19970101  2   29.33\r\n"
    " 00021 0002 19970102  1    0.00\r\n",
    WEATHER: "origin,year,…\n"
    "EWR,2013,1,1,1,39.02,26.06,59.37,270,10.35,NA,0,1012,10,2013-01-01T06:00:00Z\n"
    "EWR,2013,1,1,2,39.02,26.06,59.37,270,10.35,NA,0,NA,10,2013-01-01T07:00:00Z\n"
    "EWR,2013,1,1,3,39.02,26.06,59.37,270,NA,NA,0,1012,10,2013-01-01T08:00:00Z\n",
    FLOW: "Time,Flow\n2022-03-20T11:00:00+01:00,100.59\n2022-03-20T12:00:00+01:00,-1\n",
    ROOM: "time,V1,V2,V3,V4\n2015-02-04 17:51:00,23.18,27.272,426.0,721.25\n"
    "2015-02-04 18:07:00,23.0,27.2,0.0,1681.5\n",
}
NO_WIND = TEXTS[WEATHER].splitlines()[3].encode()
BACKWARDS = payload(TEXTS[FLOW].splitlines()[2])
SALE: Row = ("sales-book", "00004", "1997-01-01", 2, 29.33)


def letter(source: str, place: str, data: bytes, pointer: str, kind: str = "source") -> DeadLetter:
    problem = Problem(message="expected a number", pointer=pointer, keyword="type", place=place)
    cause = msgspec.convert(
        {"kind": kind, "where": source, "reason": "not valid", "place": place}, Cause
    )
    cause = msgspec.structs.replace(cause, problems=(problem,))
    return DeadLetter(sequence=7, time="", cause=cause, subject="", headers={}, data=data)


class World:
    """What there is when all is well; each test spoils one thing."""

    def __init__(self, folder: Path) -> None:
        for kind, text in TEXTS.items():
            (folder / kind.file).write_bytes(text.encode())
        self.files: dict[Kind, Lines] = read_lines(folder)
        self.answers = {1: Answer("a"), 2: Answer("b"), 3: Answer("c")}
        self.seen = Seen(
            filtered={"purchases": {"c"}, "weather": {"w"}},
            dead=[
                letter("stations", "nyc-weather-2013.csv:4", NO_WIND, "/wind_speed"),
                letter("flow-meter", "flow/pipeline", BACKWARDS, "/litres_per_second"),
            ],
        )
        wanted = [
            kind.wanted(text)
            for kind, lines in self.files.items()
            for number, text in lines.records()
            if (kind, number) not in {(WEATHER, 4), (FLOW, 3)}
        ]
        self.arrived = Counter(row for row in wanted if row is not None)

    def account(self, kind: Kind) -> Account:
        made = accounts(self.files, self.answers, self.seen, self.arrived)
        others = [each.wrong for each in made if each.file != kind.file]
        assert others == [()] * 3, "what is wrong with one file is no fault of another"
        return made[KINDS.index(kind)]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_each_line_is_a_header_delivered_filtered_or_refused(world: World) -> None:
    found = accounts(world.files, world.answers, world.seen, world.arrived)
    numbers = [(e.lines, e.headers, e.delivered, e.filtered, e.refusals) for e in found]
    assert numbers == [(3, 0, 2, 1, 0), (4, 1, 1, 1, 1), (3, 1, 1, 0, 1), (3, 1, 2, 0, 0)]
    assert [each.wrong for each in found] == [(), (), (), ()]
    (reason,) = found[1].refused
    assert reason.why == "/wind_speed expected a number (type)"
    assert reason.example == "nyc-weather-2013.csv:4"
    (reason,) = found[2].refused
    assert reason.example == "water-flow.csv:3"


def test_a_record_that_did_not_arrive_is_named_by_its_place(world: World) -> None:
    world.arrived -= Counter(row for row in world.arrived if row[0] == "pressure-chart")
    assert "1 did not arrive: nyc-weather-2013.csv:2" in world.account(WEATHER).wrong


def test_a_record_that_arrived_twice_is_wrong(world: World) -> None:
    world.arrived[SALE] += 1
    assert "1 arrived that nobody sent, or twice" in world.account(PURCHASES).wrong


def test_equal_purchases_on_two_lines_are_two(world: World) -> None:
    world.arrived[SALE] -= 1
    assert world.account(PURCHASES).wrong[0].startswith("1 did not arrive")


def test_a_record_at_the_wrong_destination_is_lost_and_extra(world: World) -> None:
    (stale,) = (row for row in world.arrived if row[0] == "stale-air")
    del world.arrived[stale]
    world.arrived["room-climate", *stale[1:]] = 1
    assert len(world.account(ROOM).wrong) == 2


def test_a_line_that_went_nowhere_is_missed(world: World) -> None:
    world.seen.filtered["weather"].clear()
    assert "0 were filtered, 1 had to be" in world.account(WEATHER).wrong
    assert "4 lines, 3 accounted for" in world.account(WEATHER).wrong


def test_a_line_that_was_both_delivered_and_refused_is_wrong(world: World) -> None:
    good = TEXTS[WEATHER].splitlines()[1].encode()
    world.seen.dead.append(letter("stations", "nyc-weather-2013.csv:2", good, "/temp"))
    assert "4 lines, 5 accounted for" in world.account(WEATHER).wrong


def test_the_same_refusal_again_is_one_line(world: World) -> None:
    world.seen.dead *= 3
    assert world.account(WEATHER).refusals == 1


def test_a_dead_letter_without_the_original_is_wrong(world: World) -> None:
    world.seen.dead[0] = letter("stations", "nyc-weather-2013.csv:4", NO_WIND[:-1], "/wind_speed")
    assert "does not hold its line" in world.account(WEATHER).wrong[0]


def test_a_dead_letter_of_no_line_is_wrong(world: World) -> None:
    world.seen.dead.append(letter("stations", "nyc-weather-2013.csv:9", NO_WIND, "/wind_speed"))
    assert "is of no line" in world.account(WEATHER).wrong[0]


@pytest.mark.parametrize(("kind", "where"), [("route", "flow"), ("destination", "flow-series")])
def test_a_dead_letter_behind_the_door_is_wrong(world: World, kind: str, where: str) -> None:
    world.seen.dead.append(letter(where, "", b"{}", "", kind))
    assert f"dead letter 7 of {where}: not valid" in world.account(FLOW).wrong


def test_two_lines_under_one_id_are_wrong(world: World) -> None:
    world.answers[2] = world.answers[1]
    assert "two lines have the same message id" in world.account(PURCHASES).wrong


def test_a_request_without_an_answer_is_wrong(world: World) -> None:
    del world.answers[2]
    assert "the gateway answered 2 of 3 requests" in world.account(PURCHASES).wrong


def test_what_the_gateway_refused_is_told_with_its_reason(world: World) -> None:
    world.answers[1] = Answer("", (("/cds", "minimum", "less than 1"),))
    world.arrived[SALE] -= 1
    account = world.account(PURCHASES)
    assert account.wrong == ()
    assert account.refused[0].why == "/cds less than 1 (minimum)"
    assert account.refused[0].example == "cdnow-purchases.txt:1"
