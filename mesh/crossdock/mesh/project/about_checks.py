"""What can be wrong with a ``contract.yaml`` once it is read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from crossdock.contracts import About, ContractRef, Problem, Registry, Reject
from crossdock.contracts.schema_places import SchemaPlaces
from crossdock.contracts.schema_walk import steps_of
from crossdock.mesh.project.loading import Loaded


def about_problems(abouts: Mapping[str, Loaded[About]], registry: Registry) -> Iterator[Problem]:
    """Check what is said of contracts against them.

    Args:
        abouts: By the name of the contract.
        registry: All contracts; one whose schema is ``{}`` has the benefit of doubt.
    """
    for name, about in abouts.items():
        if not registry.versions(name):
            yield about.document.problem("there is no version beside it: add 1.0.0.schema.json")
            continue
        yield from _replacement(name, about, registry)
        yield from _personal(name, about, registry)


def _replacement(name: str, about: Loaded[About], registry: Registry) -> Iterator[Problem]:
    deprecated = about.value.deprecated
    if deprecated is None or not deprecated.replaced_by:
        return
    at = ("deprecated", "replaced_by")
    ref = ContractRef.parse(deprecated.replaced_by)
    if ref.name == name:
        yield about.document.problem("names the contract itself: name the one that follows it", at)
        return
    try:
        registry.resolve(ref)
    except Reject as error:
        yield about.document.problem(error.reason, at)


def _personal(name: str, about: Loaded[About], registry: Registry) -> Iterator[Problem]:
    if not about.value.personal:
        return
    schemas = [
        registry.resolve(ContractRef(name, version)).schema for version in registry.versions(name)
    ]
    if not all(schemas):
        return
    places = [SchemaPlaces(each) for each in schemas]
    for index, pointer in enumerate(about.value.personal):
        if not any(each.at(steps_of(pointer)) for each in places):
            yield about.document.problem(
                f"no version declares a field {pointer[:200]!r}: correct it, or declare the field",
                ("personal", index),
            )
