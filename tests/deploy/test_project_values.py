"""A project folder becomes chart values, and comes out of the chart as it went in."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from deployment import only, render, run

FILES = {"mesh.yaml": "mesh: t\n", "routes/a.yaml": "map: \"{'a': b}\"  # é\n\ttab\n"}


def make(folder: Path) -> Path:
    for name, text in {**FILES, ".git/HEAD": "x", "steps/__pycache__/a.pyc": "x"}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_each_visible_file_is_there_to_the_byte(tmp_path: Path) -> None:
    made = run(sys.executable, "deploy/project_values.py", str(make(tmp_path)))
    values = json.loads(made.stdout)
    assert values == {"project": {"files": FILES}}
    data = only(render(values), "ConfigMap", "t-crossdock-project")["data"]
    assert data == {name.replace("/", "__"): text for name, text in FILES.items()}


def test_what_cannot_be_a_configmap_is_refused_with_the_way_out(tmp_path: Path) -> None:
    folder = make(tmp_path)
    (folder / "logo.png").write_bytes(b"\x89PNG\xff")
    assert "build an image" in run(sys.executable, "deploy/project_values.py", str(folder)).stderr
    (folder / "logo.png").write_text("x" * 1_100_000)
    assert "build an image" in run(sys.executable, "deploy/project_values.py", str(folder)).stderr


def test_a_folder_without_mesh_yaml_is_no_project(tmp_path: Path) -> None:
    refused = run(sys.executable, "deploy/project_values.py", str(tmp_path))
    assert refused.returncode != 0
    assert "no mesh.yaml" in refused.stderr
