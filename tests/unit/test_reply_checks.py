"""What `check` says of replies, questions over the mesh and routing slips."""

from __future__ import annotations

from pathlib import Path

import pytest

from asking_project import asking_project
from crossdock.cli.project_check import inspect_project
from crossdock.contracts import Halt
from crossdock.gateway.loading import load_gateway
from crossdock.workers.loading import load_workers
from project_folder import write

HTTP = "worker: bureau\nadapter: http-out\nsettings: {url: 'http://127.0.0.1:9/x'}\n"
FILE = "worker: book\nadapter: file-out\nsettings: {path: out/a.jsonl, format: jsonl}\n"
API = "api: credit\npath: /credit\npublishes: credit.check.requested@^1\n"
ROUTE = "route: more\naccepts: credit.check.requested@^1\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return asking_project(tmp_path, "http://127.0.0.1:9/x")


def _told(folder: Path) -> list[str]:
    found = inspect_project(folder)
    return [f"{each.place}: {each.message}" for each in (*found.problems, *found.warnings)]


def test_a_project_that_asks_and_answers_is_fine(folder: Path) -> None:
    assert _told(folder) == []


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        (
            "workers/bureau.yaml",
            HTTP + "reply: {as: credit.check.asnwered@1}\n",
            "workers/bureau.yaml:4: ",
        ),
        (
            "workers/bureau.yaml",
            HTTP + "reply: {as: credit.check.answered@1, map: '{'}\n",
            "workers/bureau.yaml:4: ",
        ),
        (
            "workers/book.yaml",
            FILE + "reply: {as: credit.check.answered@1}\n",
            "workers/book.yaml:4: file-out gives no answers: remove `reply`",
        ),
        (
            "workers/reply.yaml",
            "worker: reply\nadapter: file-out\nsettings: {path: out/a.jsonl, format: jsonl}\n",
            "workers/reply.yaml:1: `to: reply` means whoever asked: give the destination another",
        ),
        (
            "apis/credit.yaml",
            API + "reply: {contract: credit.check.unknown@1}\n",
            "apis/credit.yaml:4: ",
        ),
        (
            "routes/give-back.yaml",
            "route: give-back\naccepts: credit.check.answered@^1\nsend: [{to: bureau}]\n",
            "goes round for ever: 'bureau' comes in again by the `reply` of workers/bureau.yaml",
        ),
        (
            "routes/give-back.yaml",
            "route: give-back\naccepts: credit.check.requested@^1\nsend: [{to: reply}]\n",
            "workers/bureau.yaml:7: no route accepts credit.check.answered: what is answered goes",
        ),
        (
            "routes/more.yaml",
            ROUTE + "send:\n  - to: {slip: \"['ask']\", routes: [ask]}\n",
            "routes/more.yaml:4: route 'ask' is no stop: give it `slip: true`",
        ),
        (
            "routes/more.yaml",
            ROUTE + "send:\n  - to: bureau\n    reply_via: nobody\n",
            "routes/more.yaml:5: no route is named 'nobody'",
        ),
        (
            "routes/more.yaml",
            ROUTE + "send:\n  - to: {slip: \"['x']\", among: [bureau]}\n",
            "and `among` lists bureau",
        ),
        (
            "routes/more.yaml",
            ROUTE + "send:\n  - to: {slip: \"['next']\", among: [next]}\n",
            "'reply' and 'next' are no stops",
        ),
        (
            "routes/more.yaml",
            ROUTE + "send: [{to: reply}]\nsteps:\n  - enrich: {ask: credit.check.requested@1, "
            "answers: credit.check.answered@1, with: '$', into: x}\n",
            "the route accepts what it asks, and would ask itself for ever",
        ),
        (
            "routes/more.yaml",
            ROUTE + "send: [{to: reply}]\nsteps:\n  - enrich: {ask: credit.check.answered@1, "
            "answers: credit.check.answered@1, with: \"{'customer': customer, 'score': 'x'}\", "
            "into: x}\n",
            'routes/more.yaml:5: score: "x" is given, and the contract wants an integer',
        ),
        (
            "routes/more.yaml",
            ROUTE + "send: [{to: reply}]\nsteps:\n  - enrich: {with: '$', into: x}\n",
            "enrich has either `call`, a system, or `ask`, a contract",
        ),
    ],
)
def test_what_cannot_work_is_told_with_its_place(
    folder: Path, file: str, text: str, said: str
) -> None:
    write(folder, file, text)
    assert any(said in each for each in _told(folder)), _told(folder)


def test_a_service_does_not_start_with_a_reply_that_cannot_be(folder: Path) -> None:
    worker = (folder / "workers/bureau.yaml").read_text()
    write(folder, "workers/bureau.yaml", worker.replace("credit.check.answered", "no.such.one"))
    with pytest.raises(Halt) as halted:
        load_workers(folder)
    assert "workers/bureau.yaml" in halted.value.problems[0].place
    api = (folder / "apis/credit.yaml").read_text()
    write(folder, "apis/credit.yaml", api.replace("credit.check.answered", "no.such.one"))
    with pytest.raises(Halt, match="the APIs cannot be used"):
        load_gateway(folder)
