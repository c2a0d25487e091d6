"""Real records through real doors, where the records are there; they are no part of the project."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).parents[2]
TRIAL = ROOT / "examples" / "trial"
BESIDE = ROOT.parent / "shared" / "data"
SECONDS = 300

NO_MEASUREMENTS = " ".join(
    f"/{name} expected a number (type){end}"
    for name, end in (("temp", ";"), ("dewp", ";"), ("humid", ""))
)
# lines, headers, delivered, filtered, refused
FIGURES = {
    "cdnow-purchases.txt": (6919, 0, 6911, 8, 0),
    "nyc-weather-2013.csv": (26116, 1, 23382, 2727, 6),
    "water-flow.csv": (1269, 1, 1268, 0, 0),
    "room-occupancy.csv": (510, 1, 509, 0, 0),
}
REFUSED = {
    ("/wind_speed expected a number (type)", 4, "nyc-weather-2013.csv:2053"),
    ("/wind_speed greater than 200 (maximum)", 1, "nyc-weather-2013.csv:1011"),
    (NO_MEASUREMENTS, 1, "nyc-weather-2013.csv:5593"),
}


@pytest.fixture
def data() -> Path:
    """Folder with the four files: named by the environment, or beside the checkout."""
    named = os.environ.get("CROSSDOCK_TRIAL_DATA")
    if not named and not BESIDE.is_dir():
        pytest.skip("set CROSSDOCK_TRIAL_DATA to the folder of the trial's four files")
    return Path(named) if named else BESIDE


@pytest.mark.timeout(SECONDS + 30)
def test_I4_I5_I9_every_real_record_is_accounted_for_and_sent_again_has_no_second_effect(
    data: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        (sys.executable, str(TRIAL / "trial.py"), str(data), "--json"),
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    passes = json.loads(done.stdout)
    assert len(passes) == 3
    for each in passes:
        assert each["wrong"] == []
        assert {account["file"]: figures(account) for account in each["accounts"]} == FIGURES
        refused = [reason for account in each["accounts"] for reason in account["refused"]]
        assert {(r["why"], r["lines"], r["example"]) for r in refused} == REFUSED
        assert each["effects"] == sum(numbers[2] for numbers in FIGURES.values())
    assert sum(numbers[0] for numbers in FIGURES.values()) == 34814
    # What came again came as far as the destinations, so it was their inboxes that knew it.
    assert passes[1]["deliveries"] > 1.5 * passes[0]["effects"]
    assert passes[2]["deliveries"] > 2.5 * passes[0]["effects"]
    assert list(tmp_path.iterdir()) == []
    assert not [each for each in psutil.process_iter() if str(tmp_path) in str(words_of(each))]


def figures(account: dict[str, object]) -> tuple[int, ...]:
    reasons = account["refused"]
    assert isinstance(reasons, list)
    numbers = [account[name] for name in ("lines", "headers", "delivered", "filtered")]
    return tuple(int(str(each)) for each in (*numbers, sum(each["lines"] for each in reasons)))


def words_of(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def test_the_project_of_the_trial_is_right_and_its_examples_hold() -> None:
    for words in (("check",), ("route", "test")):
        command = (sys.executable, "-m", "crossdock.cli", *words, str(TRIAL))
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_folder_without_the_records_is_told_and_nothing_is_started(tmp_path: Path) -> None:
    command = (sys.executable, str(TRIAL / "trial.py"), str(tmp_path))
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "cdnow-purchases.txt" in done.stderr
