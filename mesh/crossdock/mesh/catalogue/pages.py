"""Pages for people: HTML that needs nothing from elsewhere, and says so to the browser.

Style and script stand in the page itself, and its Content-Security-Policy allows these two by
their hashes and nothing else: so a page works from a file, can be passed on alone, and what
somebody wrote into a description can neither run nor load anything.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

_HERE: Final = Path(__file__).parent / "templates"
_TOKEN: Final = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*")(?=:)|(?P<text>"(?:[^"\\]|\\.)*")'
    r"|(?P<number>-?\d[\d.eE+-]*)|(?P<word>true|false|null)"
)


class Pages:
    """Renders the templates of a folder; every value is escaped.

    Attributes:
        policy: The Content-Security-Policy of the pages, as a header says it.
    """

    def __init__(self, folder: Path = _HERE) -> None:
        self._environment = Environment(
            loader=FileSystemLoader([folder, _HERE]),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        style, script = _own("style.css"), _own("search.js")
        self.policy = (
            f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
            "form-action 'self'; base-uri 'none'"
        )
        self._environment.globals.update(
            style=Markup(style),  # noqa: S704 - our own file
            script=Markup(script),  # noqa: S704 - our own file
            policy=self.policy,
        )
        self._environment.filters.update(json=json_markup, spans=_spans)

    def render(self, template: str, **values: Any) -> str:  # noqa: ANN401 - as the template needs
        """Return a page."""
        return self._environment.get_template(template).render(**values)


def json_markup(value: object) -> Markup:
    """Return a JSON value as it is read best: indented, its parts marked for the style sheet."""
    text = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    return Markup("").join(_marked(text))


def _spans(text: str) -> Markup:
    """Return a text whose `words between backticks` are marked as code, as in Markdown."""
    parts = text.split("`")
    if len(parts) % 2 == 0:  # one has no end
        return escape(text)
    return Markup("").join(
        Markup("<code>{}</code>").format(part) if index % 2 else escape(part)
        for index, part in enumerate(parts)
    )


def _marked(text: str) -> Iterator[Markup]:
    end = 0
    for found in _TOKEN.finditer(text):
        yield escape(text[end : found.start()])
        yield Markup('<span class="j-{}">{}</span>').format(found.lastgroup, found[0])
        end = found.end()
    yield escape(text[end:])


@lru_cache(maxsize=2)
def _own(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(sha256(text.encode()).digest()).decode()}"
