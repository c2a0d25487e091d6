"""The hot spots of nats-py, replaced on our own connection: headers, and checks of subjects.

Measured on a route hop: nats-py's look at each character of each received header name took a fifth
of all time, a pattern as lenient as it still a seventh, and encoding a dozen headers one by one 15
of the 18 µs of a publish. The hooks are private to nats-py, so a test holds their names and their
results against the installed version.
Subjects need no check here: they are built by ``crossdock.contracts.Subjects``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

from nats.aio import client as nats_client
from nats.errors import BadHeaderError
from nats.protocol.command import hpub_cmd

if TYPE_CHECKING:
    from nats.aio.client import Client

_LINE = re.compile(r"^[ \t]*([!-9;-~]+)[ \t]*:[ \t]*([^\r\n]*?)[ \t]*\r?$", re.MULTILINE)
_PLAIN = re.compile(r"^([!-9;-~]+): ([!-~]*)\r\n", re.MULTILINE)  # as ours and the server's are
_NAME = re.compile(r"[!-9;-~]+\Z")


def parse_header_lines(raw: bytes) -> dict[str, str]:
    """Parse the lines of a NATS header block, as nats-py does it."""
    text = raw.decode("utf-8", "replace")
    plain = _PLAIN.findall(text)
    if text.count("\n") == len(plain) + 1 and text.endswith("\n\r\n"):  # all, and the empty line
        return dict(plain)
    return dict(_LINE.findall(text))


def encode_headers(headers: Mapping[str, str]) -> bytes:
    r"""Return the NATS header block of some headers.

    Raises:
        BadHeaderError: A name is not a token, or a value holds a line break: nothing that a caller
            gave us may ever become a header of its own.
    """
    # Joined and not formatted: names that nats-py has are enums, which format as `Header.NAME`.
    text = "".join([_name(name) + ": " + value + "\r\n" for name, value in headers.items()])
    if not text.count("\r") == text.count("\n") == len(headers):
        raise BadHeaderError("a header value holds a line break")
    return b"NATS/1.0\r\n" + text.encode() + b"\r\n"


def speed_up(client: Client) -> None:
    """Replace the hot spots on one connection."""
    vars(nats_client)["parse_email"] = None  # fast_mail_parser, if installed, gives lists
    original = client._send_publish  # noqa: SLF001 - see above

    async def send_publish(
        subject: str,
        reply: str,
        payload: bytes,
        payload_size: int,
        headers: Mapping[str, str] | None,
    ) -> None:
        if not headers:
            await original(subject, reply, payload, payload_size, None)
            return
        command = hpub_cmd(subject, reply, encode_headers(headers), payload)
        client.stats["out_msgs"] += 1
        client.stats["out_bytes"] += payload_size
        await client._send_command(command)  # noqa: SLF001 - see above
        if client._flush_queue is not None and client._flush_queue.empty():  # noqa: SLF001
            await client._flush_pending()  # noqa: SLF001

    client._send_publish = send_publish  # type: ignore[method-assign] # noqa: SLF001
    client._parse_header_lines = parse_header_lines  # type: ignore[method-assign] # noqa: SLF001
    client._skip_subject_validation = True  # noqa: SLF001


@lru_cache(maxsize=1024)
def _name(name: str) -> str:
    if not _NAME.match(name):
        raise BadHeaderError("a header name is not a token")
    return name
