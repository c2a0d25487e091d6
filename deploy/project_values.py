"""Print the chart values that carry a small project folder: ``project.files``.

Run as ``python deploy/project_values.py DIR > project.yaml`` and give that file to helm with
``--values``. Hidden files are left out. A ConfigMap holds 1 MiB: larger projects, and those with
files that are not text, belong in an image.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

MAX_BYTES = 1_000_000


def project_files(folder: Path) -> dict[str, str]:
    """Return path and text of each file of a project.

    Raises:
        SystemExit: The folder is no project, or cannot go into a ConfigMap.
    """
    if not (folder / "mesh.yaml").is_file():
        raise SystemExit(f"{folder}: no mesh.yaml there: give the folder of a project")
    files: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if not path.is_file() or any(part.startswith((".", "__pycache__")) for part in name.parts):
            continue
        try:
            files[name.as_posix()] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise SystemExit(f"{path}: not text: build an image with the project") from None
    size = sum(len(text.encode()) for text in files.values())
    if size > MAX_BYTES:
        raise SystemExit(f"{folder}: {size} bytes, a ConfigMap holds 1 MiB: build an image instead")
    return files


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program and its one argument
        raise SystemExit("usage: project_values.py DIR > project.yaml")
    json.dump({"project": {"files": project_files(Path(sys.argv[1]))}}, sys.stdout, indent=2)
    sys.stdout.write("\n")  # JSON is YAML, so helm reads it
