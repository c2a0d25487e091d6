"""Every command that a container runs is one that the command line knows, and it works."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from container_process import CROSSDOCK, ContainerProcess
from deployment import COMBINATIONS, ROOT, compose, containers, render, run
from nats_server import NatsServer


def from_chart() -> set[tuple[str, ...]]:
    ours = (c for values in COMBINATIONS.values() for c in containers(render(values)))
    return {tuple(c.argv) for c in ours if c.argv[0] in {"gateway", "router", "worker"}}


def from_compose() -> set[tuple[str, ...]]:
    services = compose({"NATS_PASSWORD": "x"})["services"]
    return {tuple(s["command"]) for s in services.values() if s["image"].startswith("crossdock:")}


COMMANDS = sorted(from_chart() | from_compose())


def test_chart_and_compose_run_all_three_services() -> None:
    for found in (from_chart(), from_compose()):
        assert {argv[0] for argv in found} == {"gateway", "router", "worker"}


def test_the_image_starts_the_command_line() -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()
    assert 'ENTRYPOINT ["crossdock"]\nCMD ["--help"]' in dockerfile
    assert run(str(CROSSDOCK), "--help").returncode == 0


@pytest.mark.parametrize("argv", COMMANDS, ids=" ".join)
def test_each_option_is_in_the_help_of_its_command(argv: tuple[str, ...]) -> None:
    environment = {**os.environ, "COLUMNS": "300", "NO_COLOR": "1", "TERM": "dumb"}
    shown = run(str(CROSSDOCK), argv[0], "--help", env=environment)
    assert shown.returncode == 0, shown.stderr
    for option in (word for word in argv if word.startswith("--")):
        assert re.search(rf"(?<![\w-]){option}(?![\w-])", shown.stdout), option
    assert "CROSSDOCK_NATS" in shown.stdout, "the URL with the password comes by environment only"


def project(folder: Path) -> Path:
    """Lay out a project as the kubelet lays out a ConfigMap: links over a hidden folder."""
    version = folder / "..2026_01_01"
    for name in ("contracts", "routes", "workers"):
        (version / name).mkdir(parents=True)
        (folder / name).symlink_to(f"..data/{name}")
    (version / "mesh.yaml").write_text("mesh: t\n")
    (folder / "..data").symlink_to(version.name)
    (folder / "mesh.yaml").symlink_to("..data/mesh.yaml")
    return folder


@pytest.mark.parametrize("argv", COMMANDS, ids=" ".join)
def test_a_container_becomes_ready_and_stops_in_time(
    argv: tuple[str, ...], nats_server: NatsServer, tmp_path: Path
) -> None:
    mounted = project(tmp_path / "project")
    container = ContainerProcess(argv, nats_server.url, mounted, tmp_path)
    try:
        container.wait_until("livez")
        container.wait_until("readyz")
        assert container.stop() == 0, container.log()
    finally:
        container.kill()
