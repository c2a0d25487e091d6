"""The mesh of docker-compose.yml, its commands and its nats.conf, run without containers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from container_process import CROSSDOCK, ContainerProcess
from deployment import ROOT, compose, run

SERVICES = compose({"NATS_PASSWORD": "7e1"})["services"]
ORDER = {"number": "1", "customer": "Ada", "total": 1200}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The mounted project, with the folder that stands for /data."""
    (mounted,) = (v["source"] for v in SERVICES["router"]["volumes"])
    folder = tmp_path / "project"
    shutil.copytree(mounted, folder)
    (tmp_path / "data").mkdir()
    worker = folder / "workers" / "order-book.yaml"
    worker.write_text(worker.read_text().replace("/data/", f"{tmp_path}/data/"))
    return folder


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[str]:
    """nats.conf of the compose file on a loopback address of our own, and its URL."""
    host = f"127.{os.getpid() % 200 + 20}.9.1"
    config = tmp_path / "nats.conf"
    text = (ROOT / "deploy" / "nats.conf").read_text().replace('"/data"', f'"{tmp_path}/store"')
    config.write_text(text.replace("0.0.0.0", host).replace("127.0.0.1", host))  # noqa: S104 - replaced, not bound
    binary = shutil.which("nats-server", path=str(Path(sys.executable).parent))
    assert binary is not None
    with (tmp_path / "nats.log").open("wb") as log:
        process = subprocess.Popen(
            [binary, "--config", str(config)],
            env={"NATS_PASSWORD_QUOTED": SERVICES["nats"]["environment"]["NATS_PASSWORD_QUOTED"]},
            stderr=log,
        )
    try:
        check = SERVICES["nats"]["healthcheck"]["test"][-1].replace("127.0.0.1", host)
        deadline = time.monotonic() + 20
        while run(sys.executable, "deploy/health.py", check).returncode:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError((tmp_path / "nats.log").read_text())
            time.sleep(0.05)
        yield SERVICES["router"]["environment"]["CROSSDOCK_NATS"].replace("@nats:", f"@{host}:")
    finally:
        process.kill()
        process.wait()


def post(address: str, key: str) -> int:
    request = urllib.request.Request(
        f"http://{address}/v1/messages/sales.order.placed",
        data=json.dumps(ORDER).encode(),
        headers={"content-type": "application/json", "authorization": f"Bearer {key}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - http on loopback
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code


def test_an_order_that_is_accepted_is_in_the_file(
    broker: str, project: Path, tmp_path: Path
) -> None:
    added = run(
        *(str(CROSSDOCK), "client", "add", "shop", "--allow", "sales.order.placed"),
        *("--json", "--project", str(project)),
    )
    assert added.returncode == 0, added.stderr
    key = json.loads(added.stdout)["key"]
    names = ("gateway", "router", "workers")
    services = [ContainerProcess(SERVICES[n]["command"], broker, project, tmp_path) for n in names]
    try:
        for service in services:
            service.wait_until("readyz")
        assert post(services[0].address, "guess") == 401
        assert post(services[0].address, key) == 202
        book = tmp_path / "data" / "orders.jsonl"
        deadline = time.monotonic() + 60  # a loaded machine may be slow
        while not (book.exists() and book.read_text().endswith("\n")):
            assert time.monotonic() < deadline, "".join(each.log() for each in services)
            time.sleep(0.05)
        assert json.loads(book.read_text()) == ORDER | {"priority": "high"}
        assert [service.stop() for service in services] == [0, 0, 0]
    finally:
        for service in services:
            service.kill()
