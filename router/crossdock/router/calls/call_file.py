"""``calls/*.yaml``: one client a file, which routes call by its name (``enrich``)."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec

from crossdock.mesh.project.scalars import Duration, SecretUrl, Size
from crossdock.mesh.web.address import check_address
from crossdock.mesh.web.auth import Auth, NoAuth
from crossdock.mesh.web.headers import check_headers
from crossdock.router.calls.url_template import UrlTemplate

FOLDER: Final = "calls"
_Status = Annotated[int, msgspec.Meta(ge=200, le=499)]


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Frozen, by name, unknown keys refused."""


class HttpCall(_File, frozen=True):
    """A request over HTTP.

    Attributes:
        url: Where; ``{NAME}`` in path or query stands for a member of what ``with`` makes.
        method: ``POST`` sends what ``with`` makes as JSON.
        headers: More headers, none of them secret.
        auth: Credentials: ``type`` is ``none``, ``basic``, ``bearer`` or ``header``.
        nothing: Statuses that mean that there is nothing: the answer is ``null``.
        concurrency: Requests at once.
        cleartext: Allow credentials over ``http`` to another machine.
    """

    url: str
    method: Literal["GET", "POST"] = "GET"
    headers: dict[str, str] = {}
    auth: Auth = NoAuth()
    nothing: tuple[_Status, ...] = ()
    concurrency: Annotated[int, msgspec.Meta(ge=1, le=256)] = 16
    cleartext: bool = False

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: With a text for the person who wrote it.
        """
        template = UrlTemplate.parse(self.url)
        check_address(template.sample(), self.auth, cleartext=self.cleartext)
        check_headers(self.headers)


class SqlCall(_File, frozen=True):
    """A query of a database.

    Attributes:
        url: ``sqlite:///PATH`` or ``postgresql://USER:${env:PASSWORD}@HOST/DATABASE``.
        query: A SELECT; ``:name`` stands for a member of what ``with`` makes.
        rows: ``one`` answers an object, or ``null`` when there is no row; ``many`` a list.
        limit: Most rows of ``many``.
    """

    url: SecretUrl
    query: str
    rows: Literal["one", "many"] = "one"
    limit: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 100

    def __post_init__(self) -> None:
        """Refuse what does not read.

        Raises:
            ValueError: With a text for the person who wrote it.
        """
        if self.query.split(None, 1)[:1] not in (["SELECT"], ["WITH"], ["select"], ["with"]):
            raise ValueError("query: only reads, and so begins with SELECT or WITH")


class CallFile(_File, frozen=True):
    """The whole of a call file: ``http`` or ``sql``.

    Attributes:
        call: Name: ``a-z 0-9 _ -``.
        description: For people.
        http: A request over HTTP.
        sql: A query of a database.
        answers: Contract of the answer, ``name@range``; any JSON when not given.
        timeout: Longest time for one call.
        max_answer: Largest answer.
    """

    call: str
    description: str = ""
    http: HttpCall | None = None
    sql: SqlCall | None = None
    answers: str | None = None
    timeout: Duration = Duration(5)
    max_answer: Size = Size(64 * 1024)

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises:
            ValueError: With a text for the person who wrote it.
        """
        if (self.http is None) == (self.sql is None):
            raise ValueError("a call has either http or sql")
        if not self.timeout:
            raise ValueError("timeout is more than nothing")
