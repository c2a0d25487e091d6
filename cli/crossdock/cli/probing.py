"""Asking a service's operator endpoint, from the supervisor: small, bounded, without libraries."""

from __future__ import annotations

import asyncio
import http.client
import re

_TIMEOUT = 2.0
_LARGEST = 4 * 1024**2
_OK = 200
_SERIES = re.compile(r'^(crossdock_\w+)\{[^}]*\bcomponent="([^"]*)"[^}]*\} (\S+)$', re.MULTILINE)


class Endpoint:
    """``HOST:PORT`` where a service answers operators."""

    def __init__(self, host: str, port: int) -> None:
        self._host = host
        self._port = port

    async def ready(self) -> bool:
        """Tell whether ``/readyz`` says yes."""
        status, _ = await asyncio.to_thread(self._get, "/readyz")
        return status == _OK

    async def series(self) -> dict[tuple[str, str], float]:
        """Return the metrics, summed by name and component; none when there is no answer."""
        status, body = await asyncio.to_thread(self._get, "/metrics")
        return read_series(body) if status == _OK else {}

    def _get(self, path: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read(_LARGEST).decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()


def read_series(text: str) -> dict[tuple[str, str], float]:
    """Read our own metrics from Prometheus' text format, summed by name and component.

    The library's parser would cost the supervisor a fifth of its memory. Ours need not be general:
    names and label values are from closed sets that hold no quotes.
    """
    result: dict[tuple[str, str], float] = {}
    for name, component, value in _SERIES.findall(text):
        key = (name, component)
        result[key] = result.get(key, 0.0) + float(value)
    return result
