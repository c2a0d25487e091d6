#!/usr/bin/env python3
"""Tell whether a Crossdock service is well: exit 0 when its URL answers 2xx, else 1.

The URL is the first argument, else ``CROSSDOCK_HEALTH_URL``, else that of a router or worker.
Images have it as ``crossdock-health``: they hold no curl.
"""

from __future__ import annotations

import os
import sys
import urllib.error
import urllib.request

DEFAULT = "http://127.0.0.1:9090/readyz"
TIMEOUT = 4.0


def main(arguments: list[str]) -> int:
    """Ask once and return the exit code."""
    url = arguments[0] if arguments else os.environ.get("CROSSDOCK_HEALTH_URL", DEFAULT)
    if not url.startswith("http://"):
        sys.stderr.write("the URL must start with http://\n")
        return 1
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=TIMEOUT):
            return 0
    except (urllib.error.URLError, OSError) as error:
        sys.stderr.write(f"{url}: {error}\n")
        return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
