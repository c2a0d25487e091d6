"""Reads CloudEvents 1.0 from HTTP (HTTP Protocol Binding 1.0): binary, structured, batched.

Pure: bytes in, events and problems out. Whether the data fits a contract is judged elsewhere.
"""

from __future__ import annotations

import base64
import re
from typing import Final, TypeVar
from urllib.parse import unquote

import msgspec

from crossdock.contracts import Problem
from crossdock.contracts.message import JSON
from crossdock.gateway.event_attributes import MAX_EXTENSIONS, read_attributes
from crossdock.gateway.problems import Refused
from crossdock.gateway.request_head import is_json, json_type, media_type

STRUCTURED: Final = "application/cloudevents+json"
BATCHED: Final = "application/cloudevents-batch+json"
_PREFIX: Final = b"ce-"
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"\Z', re.DOTALL)
_QUOTED_PAIR: Final = re.compile(r"\\(.)", re.DOTALL)
_MOST_MEMBERS: Final = MAX_EXTENSIONS + 16
_Kind = TypeVar("_Kind")


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event as it came in.

    Attributes:
        attributes: Context attributes as strings; incomplete when there are problems.
        data: The payload; None when there is none that could be read.
        pointer: JSON Pointer of the event in the request: ``""``, or ``/<index>`` in a batch.
        problems: Everything that is wrong with it so far.
    """

    attributes: dict[str, str]
    data: bytes | None = None
    pointer: str = ""
    problems: tuple[Problem, ...] = ()

    def __repr__(self) -> str:  # I6
        return f"Event(pointer={self.pointer!r}, {len(self.data or b'')} bytes)"


def read_events(headers: dict[bytes, bytes], body: bytes, most: int) -> list[Event]:
    """Return the events of a request, in order; each with its own problems.

    Args:
        headers: Of the request.
        body: Of the request.
        most: Most events in a batch.

    Raises:
        Refused: When the request as a whole cannot be read.
    """
    found = media_type(headers.get(b"content-type"))
    if found == STRUCTURED:
        return [_structured(body)]
    if found == BATCHED:
        return _batched(body, most)
    if found.startswith("application/cloudevents"):
        raise Refused(
            "unsupported-media-type", f"Send {STRUCTURED}, {BATCHED}, or ce- headers with JSON."
        )
    return [_binary(headers, body)]


def _binary(headers: dict[bytes, bytes], body: bytes) -> Event:
    given: dict[str, object] = {}
    problems: list[Problem] = []
    for name, value in headers.items():
        if name[:3] != _PREFIX:
            continue
        attribute = name[3:].decode("latin-1")
        if attribute == "datacontenttype":
            problems.append(_problem("/datacontenttype", "name", "say it in content-type"))
            continue
        try:
            given[attribute] = header_value(value)
        except ValueError:
            given[attribute] = None
            problems.append(_problem("", "encoding", "a ce- header is not percent-encoded UTF-8"))
    given["datacontenttype"] = json_type(headers)
    attributes, wrong = read_attributes(given, "")
    return Event(attributes=attributes, data=body, problems=(*problems, *wrong))


def header_value(value: bytes) -> str:
    """Return the attribute in a ``ce-`` header: unquoted, then percent-decoded once.

    Raises:
        ValueError: When it is not ASCII, or what is decoded is not UTF-8.
    """
    text = value.decode("ascii")
    if text[:1] == '"':
        quoted = _QUOTED.match(text)
        if quoted is None:
            raise ValueError("a quoted string has no end")
        text = _QUOTED_PAIR.sub(r"\1", quoted[1])
    return unquote(text, errors="strict") if "%" in text else text


def _structured(body: bytes) -> Event:
    return _from_members(_decode(body, dict[str, msgspec.Raw], "object"), "")


def _batched(body: bytes, most: int) -> list[Event]:
    batch = _decode(body, list[msgspec.Raw], "array")
    if len(batch) > most:
        raise Refused("too-large", f"A batch has at most {most} events: send several.")
    return [_from_batch(each, f"/{index}") for index, each in enumerate(batch)]


def _decode(body: bytes, kind: type[_Kind], called: str) -> _Kind:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refused(
            "malformed-request", f"The body is not one JSON {called} in UTF-8."
        ) from error
    except RecursionError as error:
        raise Refused("malformed-request", "The body is nested too deep.") from error


def _from_batch(raw: msgspec.Raw, at: str) -> Event:
    try:
        members = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError):
        wrong = _problem(at, "type", "an event is an object")
        return Event(attributes={}, pointer=at, problems=(wrong,))
    return _from_members(members, at)


def _from_members(members: dict[str, msgspec.Raw], at: str) -> Event:
    if len(members) > _MOST_MEMBERS:  # I8: before any of them is looked at
        wrong = _problem(at, "maxProperties", f"an event has at most {_MOST_MEMBERS} members")
        return Event(attributes={}, pointer=at, problems=(wrong,))
    data, problems = _data(members, at)
    given = {
        name: _scalar(raw) for name, raw in members.items() if name not in ("data", "data_base64")
    }
    attributes, wrong_attributes = read_attributes(given, at)
    problems += wrong_attributes
    content = attributes.setdefault("datacontenttype", JSON)
    if not is_json(content.partition(";")[0].strip().lower()):
        problems.append(
            _problem(f"{at}/datacontenttype", "const", "the contract takes JSON: application/json")
        )
    return Event(attributes=attributes, data=data, pointer=at, problems=tuple(problems))


def _data(members: dict[str, msgspec.Raw], at: str) -> tuple[bytes | None, list[Problem]]:
    plain, packed = members.get("data"), members.get("data_base64")
    if packed is None:
        if plain is None:
            return None, [_problem(at, "required", "data is missing")]
        return bytes(plain), []
    if plain is not None:
        return None, [_problem(f"{at}/data_base64", "oneOf", "give data or data_base64, not both")]
    try:
        return base64.b64decode(msgspec.json.decode(packed, type=str), validate=True), []
    except (msgspec.DecodeError, ValueError):  # binascii's and Unicode's errors are ValueErrors
        return None, [_problem(f"{at}/data_base64", "contentEncoding", "not base64")]


def _scalar(raw: msgspec.Raw) -> object:
    try:
        return msgspec.json.decode(raw, type=str | int | bool | None)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ()  # refused by its type


def _problem(pointer: str, keyword: str, message: str) -> Problem:
    return Problem(pointer=pointer, keyword=keyword, message=message)
