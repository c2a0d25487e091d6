"""What is built is what works: the wheel has every part, and runs where nothing else is."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PARTS = ("cli", "contracts", "gateway", "mesh", "router", "workers")


def run(*argv: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the source distribution and the wheel that is built from it."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", str(folder))
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (wheel,) = built.glob("*.whl")
    return wheel


def test_the_namespace_has_no_init_file() -> None:
    """One `crossdock/__init__.py` would hide five of the six folders."""
    for part in PARTS:
        assert (ROOT / part / "crossdock" / part / "__init__.py").is_file()
    assert not list(ROOT.glob("*/crossdock/__init__.py"))


def test_the_wheel_has_the_six_packages_with_their_types(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "crossdock/__init__.py" not in names
    for part in PARTS:
        assert {f"crossdock/{part}/__init__.py", f"crossdock/{part}/py.typed"} <= names
    outside = {name for name in names if not name.startswith(("crossdock/", "crossdock-"))}
    assert outside == set()


def test_the_wheel_has_every_file_of_the_packages(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    listed = run("git", "ls-files", "-z", *(f"{part}/crossdock" for part in PARTS)).split("\0")
    tracked = {name.partition("/")[2] for name in listed if name}
    assert tracked - names == set()


def test_the_source_distribution_can_be_built_and_leaves_ci_out(built: Path) -> None:
    (source,) = built.glob("*.tar.gz")
    with tarfile.open(source) as tar:
        names = {name.partition("/")[2] for name in tar.getnames()}
    assert {"LICENSE", "README.md", "pyproject.toml"} <= names
    assert not [name for name in names if name.startswith((".ci", ".venv", ".tools"))]


def test_the_wheel_works_in_a_clean_environment(wheel: Path, tmp_path: Path) -> None:
    """Only what the wheel itself asks for is there: no test extra, no checkout on the path."""
    run(sys.executable, "-m", "venv", tmp_path / "venv")
    python = tmp_path / "venv" / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel)
    imports = "; ".join(f"import crossdock.{part}" for part in PARTS)
    run(python, "-W", "error", "-c", imports, cwd=tmp_path)
    crossdock = tmp_path / "venv" / "bin" / "crossdock"
    run(crossdock, "--help", cwd=tmp_path)
    version = wheel.name.split("-")[1]
    assert version in run(crossdock, "--version", cwd=tmp_path)
