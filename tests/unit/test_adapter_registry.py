from __future__ import annotations

import sys
from importlib import metadata

import pytest

from crossdock.contracts import Halt
from crossdock.workers import registry
from crossdock.workers.registry import adapters, find_adapter


@pytest.mark.parametrize("name", ["file-in", "file-out", "http-out", "cron-in"])
def test_an_adapter_is_found_by_its_name(name: str) -> None:
    assert find_adapter(name).name == name


def test_an_unknown_name_is_told_with_the_nearest_one() -> None:
    with pytest.raises(Halt, match=r"did you mean 'http-out'\?"):
        find_adapter("http-outt")


def test_a_missing_extra_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in [name for name in sys.modules if name.startswith("crossdock.workers.cron_in")]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.setitem(sys.modules, "cronsim", None)
    with pytest.raises(Halt, match=r"pip install 'crossdock\[cron\]'"):
        find_adapter("cron-in")
    listed = {each.name: each for each in adapters()}
    assert "crossdock[cron]" in listed["cron-in"].problem
    assert listed["file-in"].adapter is not None


def test_an_entry_point_that_is_no_adapter_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = metadata.EntryPoint("odd", "crossdock.workers.registry:GROUP", registry.GROUP)
    gone = metadata.EntryPoint("gone", "crossdock.workers.registry:nothing", registry.GROUP)
    monkeypatch.setattr(registry, "_entry_points", lambda: {"odd": wrong, "gone": gone})
    with pytest.raises(Halt, match="is not the adapter odd"):
        find_adapter("odd")
    with pytest.raises(Halt, match="cannot be loaded"):
        find_adapter("gone")
