"""The page of an adapter says what its settings are, and its example is one that can be used."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from crossdock.mesh.project.conversion import convert
from crossdock.mesh.project.document import read
from crossdock.workers.file_in import CsvSettings
from crossdock.workers.registry import find_adapter

_PAGES = Path(__file__).parents[2] / "docs" / "adapters"
_NAMES = [
    *("cron-in", "file-in", "file-out", "http-out"),
    *("mqtt-in", "mqtt-out", "sql-in", "sql-out"),
]


def _page(name: str) -> str:
    return (_PAGES / f"{name}.md").read_text()


@pytest.mark.parametrize("name", _NAMES)
def test_the_example_can_be_used(name: str, tmp_path: Path) -> None:
    example = re.search(r"```yaml\n# (workers/.*\.yaml)\n(.*?)```", _page(name), re.DOTALL)
    assert example is not None
    (tmp_path / "workers").mkdir()
    (tmp_path / example[1]).write_text(example[2])
    document = read(tmp_path, example[1])
    assert isinstance(document.value, dict)
    assert document.value["adapter"] == name
    settings = find_adapter(name).settings
    assert isinstance(convert(document, settings, ("settings",)), settings)


@pytest.mark.parametrize("name", _NAMES)
def test_the_table_names_each_setting_and_no_other(name: str) -> None:
    named = set(re.findall(r"^\| `([a-z_]+)` \|", _page(name), re.MULTILINE))
    settings = {field.encode_name for field in msgspec.structs.fields(find_adapter(name).settings)}
    if name == "file-in":
        named.discard("csv")
        settings -= {"csv"}
        settings |= {field.encode_name for field in msgspec.structs.fields(CsvSettings)}
    assert named == settings
