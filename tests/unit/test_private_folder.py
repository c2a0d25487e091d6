from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from crossdock.mesh.registry.private_folder import private_folder


def test_a_folder_goes_with_its_process_and_what_a_killed_one_left_with_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    left = tmp_path / "crossdock-live-left"
    young = tmp_path / "crossdock-live-young"
    for each in (left, young):
        each.mkdir()
    (left / ".lock").touch()  # nobody holds it any more
    with private_folder() as first:
        (first / "1-x").mkdir()
        assert first.stat().st_mode & 0o77 == 0
        with private_folder() as second:
            assert set(tmp_path.iterdir()) == {first, second, young}
    assert list(tmp_path.iterdir()) == [young]
