"""What is really there: read from the tables, the files, the CRM and the dead-letter stream.

None of it comes from a counter of the mesh. What a route filtered leaves nothing behind but its
record, so that, and only that, is read from the records.
"""

from __future__ import annotations

import csv
import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from crossdock.mesh import dead_letters, records
from crossdock.mesh.bus import Bus
from crossdock.mesh.dead_letters import DeadLetter
from play.ledger import Effects, contact

_TABLES = (
    ("billing-eu", "billing.db", "SELECT printf('%s %.2f', \"order\", amount) FROM invoices_eu"),
    (
        "billing-world",
        "billing.db",
        "SELECT printf('%s %.2f', \"order\", amount) FROM invoices_world",
    ),
    ("time-series", "energy.db", "SELECT printf('%s %s %.3f', meter, at, kwh) FROM readings"),
)


def in_tables(data: Path) -> dict[str, Effects]:
    """Return the rows of the databases in a data folder."""
    found = {}
    for place, file, query in _TABLES:
        with closing(sqlite3.connect(data / file, timeout=10)) as database:
            found[place] = Counter(text for (text,) in database.execute(query))
    return found


def in_files(data: Path) -> dict[str, Effects]:
    """Return the lines of the files in a data folder."""
    badges = _json_lines(data / "access" / "badges.jsonl")
    alerts = _json_lines(data / "alerts" / "alerts.jsonl")
    return {
        "access-control": Counter(
            f"{each['employee']} {each['site']} {'active' if each['active'] else 'gone'}"
            for each in badges
        ),
        "alerts": Counter(f"{each['meter']} {each['at']} {each['watt']}" for each in alerts),
        "training": Counter(
            f"{row['employee']} {row['course']}"
            for row in _csv_rows(data / "training" / "courses.csv")
        ),
    }


async def ask_crm(url: str, token: str) -> dict[str, Any]:
    """Return what the CRM has: its contacts, and how often each of its bad moments came."""
    async with httpx.AsyncClient(timeout=30) as client:
        answer = await client.get(url, headers={"authorization": f"Bearer {token}"})
        answer.raise_for_status()
        result: dict[str, Any] = answer.json()
        return result


def in_crm(answer: dict[str, Any]) -> Effects:
    """Return the contacts in the CRM's answer."""
    return Counter(_contact(each) for each in answer["contacts"])


async def among_dead_letters(bus: Bus) -> dict[str, Effects]:
    """Return the dead letters of the mesh, by where they died."""
    found: dict[str, Effects] = {}
    async for letter in dead_letters.listing(bus):
        found.setdefault(f"dead at {letter.cause.where}", Counter())[_dead(letter)] += 1
    return found


async def in_records(bus: Bus) -> dict[str, dict[int, records.Entry]]:
    """Return what each component wrote of each message; of what came again the last one."""
    found: dict[str, dict[int, records.Entry]] = {}
    async for stored in bus.read("record"):
        record = records.read(stored.data)
        entries = found.setdefault(record.where, {})
        entries.update((entry.sequence, entry) for entry in record.entries)
    return found


def _dead(letter: DeadLetter) -> str:
    match letter.cause.where:
        case "crm":
            return _contact(json.loads(letter.data))
        case "meters":
            meter = letter.cause.place.split("/")[1]
            return f"{meter} {json.loads(letter.data)['at']}"
        case _:
            return letter.cause.place


def _contact(each: dict[str, Any]) -> str:
    return contact(each["order"], each["email"], each["items"])


def _json_lines(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _csv_rows(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
