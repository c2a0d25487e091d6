"""`crossdock-health`, which tells a container engine whether a service is well."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from deployment import run

STATUS = {"/livez": 200, "/readyz": 503}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(STATUS[self.path])
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base's signature
        """Stay quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}"
        httpd.shutdown()
        thread.join()


def health(*arguments: str, **environment: str) -> int:
    env = {"PATH": "/usr/bin:/bin", **environment}
    return run(sys.executable, "deploy/health.py", *arguments, env=env).returncode


def test_a_service_that_answers_2xx_is_well(server: str) -> None:
    assert health(f"{server}/livez") == 0
    assert health(CROSSDOCK_HEALTH_URL=f"{server}/livez") == 0


def test_a_proxy_of_the_environment_is_not_asked(server: str) -> None:
    assert health(f"{server}/livez", http_proxy="http://127.0.0.1:9") == 0


def test_another_answer_or_none_is_not_well(server: str) -> None:
    assert health(f"{server}/readyz") == 1
    assert health("http://127.0.0.1:9/livez") == 1
    assert health("file:///etc/hostname") == 1
