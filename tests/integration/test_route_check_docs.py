"""The page about the type check has every code, and each example says what it is shown to say."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from crossdock.cli.main import app
from crossdock.router.checking.codes import CODES

PAGE = (Path(__file__).parents[2] / "docs/route-check.md").read_text()
CONTRACTS = re.findall(r"<!-- contract (\S+) -->\n```yaml\n(.*?)```", PAGE, re.DOTALL)
SECTIONS = dict(re.findall(r"^### (\S+)\n(.*?)(?=^### |\Z)", PAGE, re.DOTALL | re.MULTILINE))
EXAMPLES = [
    (code, found[1], found[2])
    for code, text in SECTIONS.items()
    for found in [re.search(r"```yaml\n(.*?)```\n\n```\n(.*?)\n```", text, re.DOTALL)]
    if found is not None
]
WORKER = "worker: {0}\nadapter: file-out\nsettings: {{path: {0}.jsonl, format: jsonl}}\n"
INBOX = """worker: inbox
adapter: file-in
publishes: sales.order.placed
settings: {folder: inbox, format: jsonl}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in CONTRACTS:
        domain, _, event = name.partition(".")
        folder = tmp_path / "contracts" / domain / event
        folder.mkdir(parents=True)
        (folder / "1.0.0.schema.json").write_text(json.dumps(yaml.safe_load(text)))
    (tmp_path / "mesh.yaml").write_text("mesh: shop\n")
    (tmp_path / "routes").mkdir()
    (tmp_path / "workers").mkdir()
    for worker in ("books", "large", "small"):
        (tmp_path / f"workers/{worker}.yaml").write_text(WORKER.format(worker))
    archive = WORKER.format("archive").replace("archive.jsonl", "inbox/archive.jsonl")
    (tmp_path / "workers/archive.yaml").write_text(archive)
    (tmp_path / "workers/inbox.yaml").write_text(INBOX)
    return tmp_path


def test_every_code_has_its_section() -> None:
    assert list(SECTIONS) == list(CODES)


@pytest.mark.parametrize(("code", "route", "told"), EXAMPLES, ids=[each[0] for each in EXAMPLES])
def test_an_example_says_what_the_page_shows(
    project: Path, code: str, route: str, told: str
) -> None:
    (project / "routes/orders.yaml").write_text(route)
    result = CliRunner().invoke(app, ["route", "check", str(project)])
    lines = [each for each in result.output.splitlines() if each.startswith("routes/")]
    assert lines == [told]
    assert f"{code}: " in told
    assert result.exit_code == (0 if " warning: " in told else 1)
