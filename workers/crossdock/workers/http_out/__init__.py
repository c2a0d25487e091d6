"""``http-out``: sends each message to a URL, with its id as idempotency key."""

from crossdock.mesh.web.auth import BasicAuth, BearerAuth, HeaderAuth, NoAuth
from crossdock.workers.adapter import Adapter
from crossdock.workers.http_out.settings import HttpOutSettings
from crossdock.workers.http_out.sink import HttpSink

__all__ = [
    "BasicAuth",
    "BearerAuth",
    "HeaderAuth",
    "HttpOutSettings",
    "HttpSink",
    "NoAuth",
    "adapter",
]

adapter = Adapter(
    name="http-out",
    summary="Sends each message to a URL as JSON, with its id as Idempotency-Key.",
    direction="sink",
    settings=HttpOutSettings,
    make=HttpSink,
    effect_once=False,  # only where the server honours Idempotency-Key
    answers=True,
    places=HttpOutSettings.places,
)
