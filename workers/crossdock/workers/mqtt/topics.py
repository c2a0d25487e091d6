"""Topics and topic filters of MQTT (sections 1.5.4 and 4.7 of both versions): pure."""

from __future__ import annotations

import re
from typing import Final

_LONGEST: Final = 65535  # bytes
_SHARED: Final = "$share/"


def topic_problem(topic: str) -> str | None:
    """Return what is wrong with a topic to publish to, without the topic itself; or None."""
    if any(each in topic for each in "+#"):
        return "a topic to publish to holds no + and no #"
    if topic.startswith("$"):
        return "topics that begin with $ are the broker's own"
    return _text_problem(topic)


def filter_problem(text: str) -> str | None:
    """Return what is wrong with a topic filter to subscribe to, or None."""
    if text.startswith(_SHARED):
        group, _, text = text[len(_SHARED) :].partition("/")
        if not group or any(each in group for each in "+#"):
            return "a shared subscription is $share/GROUP/FILTER"
    for index, level in enumerate(levels := text.split("/")):
        if "#" in level and (level != "#" or index != len(levels) - 1):
            return "# stands alone in the last level"
        if "+" in level and level != "+":
            return "+ stands alone in its level"
    return _text_problem(text)


def filter_expression(text: str) -> str:
    """Return a regular expression of the topics that a topic filter matches."""
    if text.startswith(_SHARED):
        text = text[len(_SHARED) :].partition("/")[2]
    if text == "#":
        return r"(?!\$).*"
    found = re.escape(text.removesuffix("/#")).replace(r"\+", "[^/]*")
    return f"{found}(/.*)?" if text.endswith("/#") else found


def _text_problem(text: str) -> str | None:
    if not text or len(text.encode("utf-8", "surrogatepass")) > _LONGEST:
        return f"a topic has 1 to {_LONGEST} bytes"
    if any(each < " " or "\x7f" <= each < "\xa0" or "\ud800" <= each < "\ue000" for each in text):
        return "a topic holds no control characters"
    return None
