"""The NATS that the chart configures, run for real: three nodes from what is rendered."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from nats.errors import TimeoutError as NatsTimeoutError

from crossdock.contracts import Message, Subjects
from crossdock.mesh.bus import Bus
from crossdock.mesh.project.settings import BrokerSettings
from crossdock.mesh.streams import provision
from deployment import Container, Document, containers, only, render

SUBJECTS = Subjects("t")
NAME = "t-crossdock-nats"


def addresses(count: int) -> list[str]:
    """Return loopback addresses of our own: the rendered ports are fixed."""
    block = os.getpid() % 200 + 20
    return [f"127.{block}.7.{number + 1}" for number in range(count)]


def environment(container: Container, secrets: dict[str, str], pod: str) -> dict[str, str]:
    """Return the variables of a container as the kubelet makes them."""
    made: dict[str, str] = {}
    for entry in container.spec["env"]:
        if "value" in entry:
            value = re.sub(r"\$\((\w+)\)", lambda found: made[found[1]], entry["value"])
        elif "secretKeyRef" in entry["valueFrom"]:
            value = secrets[entry["valueFrom"]["secretKeyRef"]["key"]]
        else:
            value = pod
        made[entry["name"]] = value
    return made


class Node:
    """One pod of the StatefulSet as a process on its own loopback address."""

    def __init__(
        self,
        documents: list[Document],
        number: int,
        hosts: list[str],
        at: Path,
        secrets: dict[str, str],
    ) -> None:
        self.host = hosts[number]
        self.folder = at / str(number)
        self.folder.mkdir()
        (container,) = (c for c in containers(documents) if c.spec["name"] == "nats")
        config = only(documents, "ConfigMap", NAME)["data"]["nats.conf"]
        config = config.replace("0.0.0.0", self.host)  # noqa: S104 - it is what we replace
        config = config.replace('"/data"', f'"{self.folder}/data"')
        config = config.replace("/var/run/nats/", f"{self.folder}/")
        (self.folder / "nats.conf").write_text(config)
        self.environment = environment(container, secrets, f"{NAME}-{number}")
        routes = self.environment.get("NATS_ROUTES", "")
        for other, host in enumerate(hosts):
            routes = routes.replace(f"{NAME}-{other}.{NAME}-headless", host)
        self.environment["NATS_ROUTES"] = routes
        self.stop_command = container.spec["lifecycle"]["preStop"]["exec"]["command"]
        self.ready_path = container.spec["startupProbe"]["httpGet"]["path"]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [binary(), "--config", str(self.folder / "nats.conf")],
                env=self.environment,
                stderr=log,
            )

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.host}:8222{self.ready_path}", timeout=1):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def kill(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def binary() -> str:
    found = shutil.which("nats-server", path=str(Path(sys.executable).parent))
    assert found is not None
    return found


def generated_secrets(documents: list[Document]) -> dict[str, str]:
    data = only(documents, "Secret", NAME)["data"]
    return {key: base64.b64decode(value).decode() for key, value in data.items()}


def wait_until_healthy(nodes: list[Node]) -> None:
    deadline = time.monotonic() + 30
    while not all(node.healthy() for node in nodes):
        ended = any(node.process is None or node.process.poll() is not None for node in nodes)
        if ended or time.monotonic() > deadline:
            raise RuntimeError("\n".join(node.log() for node in nodes))
        time.sleep(0.05)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[list[Node]]:
    documents = render({})
    hosts = addresses(3)
    secrets = generated_secrets(documents)
    nodes = [Node(documents, number, hosts, tmp_path, secrets) for number in range(3)]
    try:
        for node in nodes:
            node.start()
        wait_until_healthy(nodes)
        yield nodes
    finally:
        for node in nodes:
            node.kill()


def url_of_a_worker(node: Node) -> str:
    """Return CROSSDOCK_NATS as a rendered worker has it, at a node's address."""
    (worker,) = (c for c in containers(render({})) if c.spec["name"] == "worker")
    secrets = {name: node.environment[f"NATS_{name.upper()}"] for name in ("username", "password")}
    return environment(worker, secrets, "worker")["CROSSDOCK_NATS"].replace(NAME, node.host)


async def test_three_nodes_form_a_cluster_that_holds_the_streams_of_a_mesh(
    cluster: list[Node],
) -> None:
    bus = await Bus.connect(url_of_a_worker(cluster[0]), SUBJECTS, name="test")
    try:
        await provision_as_a_service_does(bus)
        message = Message(id="1", source="/t", type="a.b.c", data=b"{}")
        published = await bus.publish(SUBJECTS.incoming("a.b.c"), message)
        assert published.stream == "t-in"
        info = await bus.jetstream.stream_info("t-in")
        assert info.cluster is not None
        assert len(info.cluster.replicas or []) == 2
        await stop_as_the_kubelet_does(cluster[0])
    finally:
        await bus.close()


async def provision_as_a_service_does(bus: Bus) -> None:
    """Repeat it while the broker does not answer: a leader may change just after the start."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(NatsTimeoutError):
                return await provision(bus, BrokerSettings(replicas=3))


async def stop_as_the_kubelet_does(node: Node) -> None:
    """Run preStop, then send SIGTERM, which must not cut the lame duck time short."""
    assert node.process is not None
    signal_option = node.stop_command[1].replace("/var/run/nats/", f"{node.folder}/")
    await asyncio.to_thread(subprocess.run, [binary(), signal_option], check=True, timeout=10)
    async with asyncio.timeout(30):
        while "lame duck" not in node.log().lower():
            await asyncio.sleep(0.02)
    node.process.send_signal(signal.SIGTERM)
    with pytest.raises(subprocess.TimeoutExpired):  # a client is connected, so it takes its time
        await asyncio.to_thread(node.process.wait, 1)


def answer_to(host: str, credentials: dict[str, str]) -> str:
    """Say CONNECT and PING in the NATS protocol and return what the server answers."""
    with socket.create_connection((host, 4222), timeout=5) as connection:
        reader = connection.makefile("r")
        assert reader.readline().startswith("INFO ")
        options = {"verbose": False, "protocol": 1, **credentials}
        connection.sendall(f"CONNECT {json.dumps(options)}\r\nPING\r\n".encode())
        return reader.readline().strip()


def test_only_the_password_lets_a_client_in_and_that_of_routes_does_not(
    cluster: list[Node],
) -> None:
    host, secrets = cluster[0].host, cluster[0].environment
    right = {"user": secrets["NATS_USERNAME"], "pass": secrets["NATS_PASSWORD"]}
    assert answer_to(host, right) == "PONG"
    for wrong in (
        {},
        right | {"pass": "guess"},
        {"user": "route", "pass": secrets["NATS_ROUTE_PASSWORD"]},
    ):
        assert "Authorization Violation" in answer_to(host, wrong)


# None of them is a text in nats.conf by itself: a number, a size, a truth, a comment, a block.
@pytest.mark.parametrize("password", ["123456", "2GB", "true", "a#b", "{c}"])
def test_any_password_of_an_own_secret_works(password: str, tmp_path: Path) -> None:
    documents = render({"nats": {"replicas": 1, "existingSecret": "own"}})
    secrets = {"username": "7", "password": password, "route-password": "8"}
    node = Node(documents, 0, addresses(1), tmp_path, secrets)
    node.start()
    try:
        wait_until_healthy([node])
        assert answer_to(node.host, {"user": "7", "pass": password}) == "PONG"
    finally:
        node.kill()
