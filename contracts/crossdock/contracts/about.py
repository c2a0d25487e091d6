"""What people and tools know of a contract beside its schemas: ``contract.yaml``."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Final, Literal

import msgspec

from crossdock.contracts.reference import ContractRef

Compatibility = Literal[
    "none",
    "backward",
    "forward",
    "full",
    "backward-transitive",
    "forward-transitive",
    "full-transitive",
]
# `x-hint` is what a project file's reader tells for a text that breaks the pattern.
_POINTER_HINT: Final = "not a JSON Pointer into the data: write for example /customer/email"
Pointer = Annotated[
    str,
    msgspec.Meta(pattern=r"^(/([^~/]|~[01])*)*$", extra_json_schema={"x-hint": _POINTER_HINT}),
]
_Text = Annotated[str, msgspec.Meta(min_length=1)]


class _Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Frozen, by name, unknown keys refused."""


class Deprecation(_Part, frozen=True):
    """A contract that nobody should begin to use. Its messages are still accepted.

    Attributes:
        reason: Why, and what to do instead.
        since: Since when.
        sunset: When it will go away.
        replaced_by: The contract to use instead, ``name`` or ``name@range``; ``""`` for none.
    """

    reason: _Text
    since: date
    sunset: date | None = None
    replaced_by: str = ""

    def __post_init__(self) -> None:
        if self.sunset is not None and self.sunset < self.since:
            raise ValueError("sunset is before since: correct one of them")
        if self.replaced_by:
            ContractRef.parse(self.replaced_by)  # its ValueError says what to write


class Expected(_Part, frozen=True):
    """What an invalid example shows.

    Attributes:
        pointer: JSON Pointer of the place in the example; ``""`` for the whole of it.
        keyword: The keyword of the schema that it breaks there.
    """

    pointer: Pointer
    keyword: _Text


class About(_Part, frozen=True):
    """What is said of a contract, for all of its versions. Everything may be left out.

    Attributes:
        title: What it is called, in a few words.
        owner: Who answers for it: a team, an address.
        description: For people, in Markdown.
        compatibility: What a new version must keep towards the one before it, or towards all
            (``…-transitive``).
        deprecated: Why and since when nobody should begin to use it.
        personal: JSON Pointers into the data of what is personal; ``*`` stands for every item of a
            list or every member of an object: ``/customer/email``, ``/lines/*/name``.
        invalid: What each invalid example shows, by its name without ``.invalid.json``; that of a
            version's own folder as ``1.0.0/name``.
    """

    title: _Text = ""
    owner: _Text = ""
    description: str = ""
    compatibility: Compatibility = "backward"
    deprecated: Deprecation | None = None
    personal: tuple[Pointer, ...] = ()
    invalid: dict[str, Expected] = {}
