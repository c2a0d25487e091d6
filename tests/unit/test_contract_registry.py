from __future__ import annotations

import pytest

from crossdock.contracts import Contract, ContractRef, Message, Registry, Reject

NAME = "sales.order.placed"


def registry(*versions: str, name: str = NAME) -> Registry:
    return Registry(Contract(name, each, {"title": each}) for each in versions)


def message(dataschema: str, kind: str = NAME) -> Message:
    return Message(id="1", source="/t", type=kind, dataschema=dataschema)


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        (NAME, "2.10.0"),
        (f"{NAME}@^2", "2.10.0"),
        (f"{NAME}@2.9", "2.9.1"),
        (f"{NAME}@1", "1.0.0"),
        (f"{NAME}@>=1.0 <2.10", "2.9.1"),
        (f"{NAME}@3.0.0-rc1", "3.0.0-rc1"),
    ],
)
def test_the_highest_version_in_range_is_meant(reference: str, expected: str) -> None:
    contracts = registry("2.9.1", "1.0.0", "2.10.0", "3.0.0-rc1")
    assert contracts.resolve(ContractRef.parse(reference)).version == expected


def test_i5_an_unknown_name_is_refused_and_neighbours_are_listed() -> None:
    with pytest.raises(
        Reject, match=r"no contract 'sales.order.plced': there is sales.order.place"
    ):
        registry("1.0.0").resolve(ContractRef("sales.order.plced"))


def test_i5_an_unknown_version_is_refused_and_what_there_is_is_listed() -> None:
    with pytest.raises(Reject, match=r"is in '\^3': there is 1.0.0, 2.0.0"):
        registry("2.0.0", "1.0.0").resolve(ContractRef(NAME, "^3"))


def test_the_contract_of_a_message_is_its_dataschema() -> None:
    found = registry("1.0.0", "2.0.0").of_message(message(f"crossdock:{NAME}/1.0.0"))
    assert (found.version, found.dataschema) == ("1.0.0", f"crossdock:{NAME}/1.0.0")


@pytest.mark.parametrize("dataschema", ["", "crossdock:sales.order.placed/9.0.0", "https://x/y"])
def test_i5_a_message_under_no_contract_of_ours_is_refused(dataschema: str) -> None:
    with pytest.raises(Reject, match="unknown contract"):
        registry("1.0.0").of_message(message(dataschema))


def test_i5_a_message_whose_type_is_not_its_contract_is_refused() -> None:
    with pytest.raises(Reject, match="ce-type"):
        registry("1.0.0").of_message(message(f"crossdock:{NAME}/1.0.0", "hr.person.hired"))


def test_names_and_versions_are_sorted() -> None:
    contracts = Registry([*registry("1.10.0", "1.9.0"), *registry("1.0.0", name="a.b.c")])
    assert contracts.names() == ("a.b.c", NAME)
    assert contracts.versions(NAME) == ("1.9.0", "1.10.0")
    assert contracts.versions("x.y.z") == ()
    assert len(contracts) == 3


def test_a_version_cannot_be_there_twice() -> None:
    with pytest.raises(ValueError, match=r"has version 1\.0\.0 twice"):
        registry("1.0.0", "1.0.0")


def test_registries_are_equal_by_what_they_hold() -> None:
    assert registry("1.0.0", "2.0.0") == registry("2.0.0", "1.0.0")
    assert registry("1.0.0") != registry("2.0.0")
