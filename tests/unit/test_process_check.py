"""What is wrong with a process is told with file, line and code before it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossdock.cli.project_check import inspect_project
from fulfilment import PROCESS, write_fulfilment
from project_folder import write

RESERVED = "{message: stock.goods.reserved@^1, go: paying}"
REFUSED = "{message: stock.goods.refused@^1, refused: true, go: failed}"
PAYS = "as: bank.payment.requested@1\n            map: \"{'order': $key, 'amount': amount}\""


def checked(folder: Path, process: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Return code and place of each problem, and the codes of the warnings."""
    write_fulfilment(folder, process=process)
    for each in ("stock", "bank"):
        settings = "settings: {path: out/x.jsonl, format: jsonl}"
        write(folder, f"workers/{each}.yaml", f"worker: {each}\nadapter: file-out\n{settings}\n")
    found = inspect_project(folder)
    return [(each.keyword, each.place) for each in found.problems], [
        each.keyword for each in found.warnings
    ]


def test_a_sound_process_has_no_problem(tmp_path: Path) -> None:
    assert checked(tmp_path, PROCESS) == ([], [])


@pytest.mark.parametrize(
    ("code", "wrong", "right"),
    [
        ("unknown-state", RESERVED, RESERVED.replace("paying", "payin")),
        ("unknown-state", "go: reserving}", "go: reservin}"),
        ("unreachable-state", "done: {end: true}", "done: {end: true}\n      other: {end: true}"),
        ("no-way-out", "done: {end: true}", "done: {}"),
        ("unreachable-transition", f"- {REFUSED}", f"- {RESERVED}\n          - {REFUSED}"),
        ("unknown-contract", RESERVED, RESERVED.replace("@^1", "@^2")),
        ("unknown-contract", "stock.reserve.requested@1", "stock.reserve.wanted@1"),
        (
            "dangling-destination",
            "send: bank\n            as: bank.p",
            "send: ban\n            as: bank.p",
        ),
        ("dangling-destination", "send: stock\n              as", "send: stok\n              as"),
        ("unknown-field", "when: amount > 0", "when: amuont > 0"),
        ("unlike-comparison", "when: amount > 0", "when: amount > 'a'"),
        ("unknown-field", "when: amount = $data.amount", "when: amount = $data.amuont"),
        ("unknown-field", PAYS, PAYS.replace(": amount}", ": amuont}")),
        ("mapping-breaks-contract", PAYS, PAYS.replace("'amount': amount", "'amount': 'much'")),
        ("mapping-breaks-contract", PAYS, PAYS.replace("'amount': amount", "'sum': amount")),
        ("unknown-field", "key: order", "key: number"),
        ("invalid-process", "key: order", "key: \"{'a': order}\""),
        ("invalid-process", "keep: \"{'amount': amount}\"", "keep: amount"),
        ("bad-expression", "when: amount > 0", "when: amount >"),
        (
            "invalid-process",
            "done: {end: true}",
            "done: {end: true, timeout: {after: 1h, go: failed}}",
        ),
        ("invalid-process", RESERVED, "{message: stock.goods.reserved@^1}"),
        ("invalid-process", "done: {end: true}", "done: {end: true}\n      stuck: {end: true}"),
        (
            "invalid-process",
            "after: 30m, go: failed}\n      paying",
            "after: 1ms, go: failed}\n      paying",
        ),
    ],
)
def test_a_fault_is_told_with_its_code_and_place(
    tmp_path: Path, code: str, wrong: str, right: str
) -> None:
    assert wrong in PROCESS
    problems, _ = checked(tmp_path, PROCESS.replace(wrong, right, 1))
    assert code in [each for each, _ in problems], problems
    assert all(place.startswith("processes/fulfilment.yaml:") for _, place in problems)


def test_a_process_without_an_end_is_refused(tmp_path: Path) -> None:
    process = PROCESS.replace("end: true", "timeout: {after: 1h, go: reserving}")
    problems, _ = checked(tmp_path, process)
    assert "no-end" in [each for each, _ in problems]


def test_the_line_is_that_of_the_fault(tmp_path: Path) -> None:
    problems, _ = checked(tmp_path, PROCESS.replace("go: paying", "go: payin"))
    line = next(n for n, each in enumerate(PROCESS.splitlines(), 1) if "go: paying" in each)
    assert problems[0] == ("unknown-state", f"processes/fulfilment.yaml:{line}")


def test_an_unknown_key_and_a_missing_policy_are_refused(tmp_path: Path) -> None:
    problems, _ = checked(tmp_path, PROCESS + "    on_failure: gentle\n")
    assert len(problems) == 1
    problems, _ = checked(tmp_path, PROCESS.replace("compensate: true", "compensates: true"))
    assert len(problems) == 1


def test_a_process_may_not_have_the_name_of_a_worker_or_a_route(tmp_path: Path) -> None:
    write(
        tmp_path,
        "routes/fulfilment.yaml",
        "route: fulfilment\naccepts: bank.payment.made\nsend: [{to: bank}]\n",
    )
    problems, _ = checked(tmp_path, PROCESS)
    assert [place for _, place in problems] == ["processes/fulfilment.yaml:2"]
