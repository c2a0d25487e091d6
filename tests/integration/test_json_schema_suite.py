"""The official test suite of JSON Schema, through project files, registry, contract and gateway.

Every group is written as a contract. What its schema must accept is posted to a real gateway and is
answered 202, what it must refuse 400. Where we differ is a written list, and it is exact.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import pytest

from crossdock.contracts import Contract, Halt, Registry
from crossdock.contracts.sampling import samples
from crossdock.gateway.clients import Clients
from crossdock.mesh.project.contract_files import read_contracts
from json_schema_suite import Case, cases, exceptions, write_as_contracts
from nats_server import NatsServer
from running_gateway import Running, connected, running

DRAFTS = ["draft2020-12", "draft7"]
_AT_ONCE = 64


def usable(folder: Path, suite: list[Case]) -> dict[str, Contract]:
    """Return the contracts that a project may have, by name."""
    write_as_contracts(folder, suite)
    found = {}
    for each in read_contracts(folder)[0]:
        try:
            each.contract.compile()
        except Halt:
            continue
        found[each.contract.name] = each.contract
    return found


def refused_by_list(draft: str, suite: list[Case]) -> set[tuple[str, str]]:
    listed = [each for each in exceptions().refused if each.draft == draft]
    return {
        (case.file, group)
        for each in listed
        for case in suite
        if case.file == each.file
        for group in (each.groups or (case.group,))
    }


def stricter_by_list(draft: str, suite: list[Case]) -> set[tuple[str, str, str]]:
    listed = [each for each in exceptions().stricter if each.draft == draft]
    return {
        (case.file, case.group, test["description"])
        for each in listed
        for case in suite
        for test in case.tests
        if case.file == each.file and test["description"].endswith(each.ending)
    }


@pytest.mark.parametrize("draft", DRAFTS)
def test_schemas_are_refused_exactly_as_listed(draft: str, tmp_path: Path) -> None:
    suite = cases(draft)
    contracts = usable(tmp_path, suite)
    refused = {(each.file, each.group) for each in suite if each.name not in contracts}
    assert refused == refused_by_list(draft, suite)


@pytest.mark.parametrize("draft", DRAFTS)
async def test_i5_the_gateway_judges_data_as_the_suite_does_except_as_listed(
    draft: str, tmp_path: Path, nats_server: NatsServer
) -> None:
    suite = cases(draft)
    contracts = usable(tmp_path, suite)
    meant = [each for each in suite if each.name in contracts]
    async with connected(nats_server.url) as bus, running(bus) as door:
        door.gateway.replace(Registry(contracts.values()), Clients(anonymous=True))
        differences = await judged_otherwise(door, meant)
        accepted = sum(test["valid"] for each in meant for test in each.tests)
        assert len(await door.stored()) == accepted - len(differences)
    assert differences == stricter_by_list(draft, suite)


async def judged_otherwise(door: Running, suite: list[Case]) -> set[tuple[str, str, str]]:
    """Post the data of every test; return those that are not answered as the suite wants."""
    together = asyncio.Semaphore(_AT_ONCE)
    differences = set()

    async def post(case: Case, test: dict[str, object]) -> None:
        async with together:
            answer = await send(door.http, case.name, test["data"])
        assert answer.status_code in (202, 400), answer.text
        if (answer.status_code == 202) != test["valid"]:
            differences.add((case.file, case.group, str(test["description"])))

    async with asyncio.TaskGroup() as tasks:
        for case in suite:
            for test in case.tests:
                tasks.create_task(post(case, test))
    return differences


async def send(http: httpx.AsyncClient, contract: str, data: object) -> httpx.Response:
    content = json.dumps(data).encode()
    return await http.post(
        f"/v1/messages/{contract}", content=content, headers={"content-type": "application/json"}
    )


def test_a_sample_can_be_made_for_nearly_every_schema_of_the_suite(tmp_path: Path) -> None:
    suite = cases("draft2020-12")
    contracts = usable(tmp_path, suite)
    possible = [
        contracts[each.name]
        for each in suite
        if each.name in contracts and any(test["valid"] for test in each.tests)
    ]
    without = []
    for contract in possible:
        try:
            (made,) = samples(contract, 1, seed=1)
        except ValueError:
            without.append(contract.name)
        else:
            assert contract.problems(made) == []
    assert len(without) < 0.02 * len(possible), without


def test_the_reasons_of_the_list_are_in_the_guide() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "contracts.md").read_text()
    listed = exceptions()
    for reason in {each.reason for each in (*listed.refused, *listed.stricter)}:
        assert reason in " ".join(guide.split())
