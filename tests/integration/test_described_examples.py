"""The documents of every example project are valid, and agree with its contracts and examples."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from typer.testing import CliRunner

from crossdock.cli.describing import describe_project
from crossdock.cli.main import app
from crossdock.contracts import Contract, Registry
from crossdock.gateway.openapi import openapi
from crossdock.mesh.catalogue.asyncapi import asyncapi
from crossdock.mesh.catalogue.description import MeshDescription
from crossdock.mesh.catalogue.description import described as contracts_of
from crossdock.mesh.catalogue.site import site
from crossdock.mesh.project.settings import GatewaySettings

_ROOT = Path(__file__).parents[2]
_PROJECTS = sorted(each.parent.name for each in (_ROOT / "examples").glob("*/mesh.yaml"))
_ASYNCAPI = _ROOT / "tests" / "schemas" / "asyncapi-3.0.0.json"  # the official one, unchanged


@pytest.fixture(params=_PROJECTS)
def described(request: pytest.FixtureRequest) -> MeshDescription:
    return describe_project(_ROOT / "examples" / request.param)


def _plain(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(document))
    return found


def _inside(document: dict[str, Any], reference: str) -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(
        {**document, "$ref": reference}, validate_formats=True
    )


def test_openapi_has_one_valid_operation_for_each_contract(described: MeshDescription) -> None:
    document = _plain(openapi(described, GatewaySettings()))
    OpenAPIV31SpecValidator(document).validate()
    assert any(contract.highest.accepted for contract in described.contracts)
    for contract in described.contracts:
        operation = document["paths"][f"/v1/messages/{contract.name}"]["post"]
        body = operation["requestBody"]["content"]["application/json"]
        validator = _inside(document, body["schema"]["$ref"])
        for example in contract.highest.examples:
            assert validator.is_valid(example.value) == example.valid, example.name
        shown = [each["value"] for each in body.get("examples", {}).values()]
        assert shown == [each.value for each in contract.highest.accepted]


def test_the_events_of_openapi_accept_what_the_contracts_do(described: MeshDescription) -> None:
    document = _plain(openapi(described, GatewaySettings()))
    content = document["paths"]["/v1/events"]["post"]["requestBody"]["content"]
    structured = _inside(document, "#/components/schemas/CloudEvent")
    for each in content["application/cloudevents+json"]["examples"].values():
        assert structured.is_valid(each["value"])
        assert not structured.is_valid({**each["value"], "type": "a.b.c"})
        assert not structured.is_valid({**each["value"], "data": 1})
    assert content["application/cloudevents-batch+json"]["schema"]["maxItems"] == 1000


_DRAFT_7: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "definitions": {"a": {"type": "integer"}},
    "properties": {"a": {"$ref": "#/definitions/a"}, "t": {"items": [{"type": "null"}]}},
}
_ODD = [
    [],
    [Contract("a.b.c", "1.0.0-rc.1", {})],
    [Contract("a.b.c", "1.0.0+build", {"$ref": "#x", "$defs": {"x": {"$anchor": "x"}}})],
    [Contract("a.b.c", "1.0.0", _DRAFT_7), Contract("a.b.c", "2.0.0-rc.1", {"not": {}})],
    [Contract("a-b.c_d.e", "0.0.1", {"$id": "http://example.org/x", "properties": {"$ref": {}}})],
]


@pytest.mark.parametrize("contracts", _ODD)
def test_documents_of_odd_contracts_are_valid(contracts: list[Contract]) -> None:
    description = MeshDescription(mesh="t", contracts=contracts_of(Registry(contracts)))
    OpenAPIV31SpecValidator(_plain(openapi(description, GatewaySettings()))).validate()
    official = jsonschema_rs.Draft7Validator(json.loads(_ASYNCAPI.read_text()))
    official.validate(_plain(asyncapi(description)))
    assert len(dict(site(description))) == 1 + len(description.contracts)


def test_the_paths_of_apis_are_in_openapi_for_who_may_send_their_contract() -> None:
    described = describe_project(_ROOT / "examples" / "operations")
    document = _plain(openapi(described, GatewaySettings()))
    operation = document["paths"]["/marketplace/{country}/orders"]["post"]
    assert operation["parameters"][0]["name"] == "country"
    assert "sales.order.placed" in operation["description"]
    none = openapi(described.only(lambda name: name.startswith("hr.")), GatewaySettings())
    assert "marketplace" not in str(none)


def test_every_answer_of_openapi_is_one_that_the_gateway_gives(described: MeshDescription) -> None:
    document = _plain(openapi(described, GatewaySettings()))
    answers = set(document["paths"]["/v1/events"]["post"]["responses"])
    assert {"202", "400", "401", "403", "404", "413", "503"} <= answers
    assert "429" not in answers  # the gateway says 503 when it is full


def test_asyncapi_keeps_the_official_schema(described: MeshDescription) -> None:
    document = _plain(asyncapi(described))
    official = jsonschema_rs.Draft7Validator(json.loads(_ASYNCAPI.read_text()))
    official.validate(document)
    assert not official.is_valid({**document, "channels": {"x": {"messages": 1}}})


def test_asyncapi_tells_all_that_is_connected(described: MeshDescription) -> None:
    document = _plain(asyncapi(described))
    channels, operations = document["channels"], document["operations"]
    for contract in described.contracts:
        channel = channels[f"in.{contract.name}"]
        assert channel["address"] == f"{described.mesh}.in.{contract.name}"
    for route in described.routes:
        assert any(name.startswith(f"route.{route.name}.receive.") for name in operations)
        sends = any(name.startswith(f"route.{route.name}.send.") for name in operations)
        assert sends == bool(route.sends), route.name  # a stop of slips sends to wherever they say
    for worker in described.workers:
        action = "send" if worker.publishes else "receive"
        assert operations[f"worker.{worker.name}.{action}"]["messages"]


def test_every_reference_of_asyncapi_leads_somewhere(described: MeshDescription) -> None:
    document = _plain(asyncapi(described))
    found = list(_references(document))
    assert found
    for reference in found:
        value: Any = document
        for token in reference.removeprefix("#/").split("/"):
            value = value[token]


def test_asyncapi_payloads_agree_with_the_contracts(described: MeshDescription) -> None:
    document = _plain(asyncapi(described))
    for contract in described.contracts:
        key = f"{contract.name}-{contract.highest.version}"
        validator = _inside(document, f"#/components/messages/{key}/payload/schema")
        for example in contract.highest.examples:
            assert validator.is_valid(example.value) == example.valid


@pytest.mark.parametrize("kind", ["asyncapi", "openapi"])
def test_the_command_writes_what_the_gateway_answers(kind: str, tmp_path: Path) -> None:
    project, file = _ROOT / "examples" / "operations", tmp_path / "docs.json"
    arguments = ["docs", str(project), "--format", kind]
    printed = CliRunner().invoke(app, arguments)
    assert printed.exit_code == 0
    written = CliRunner().invoke(app, [*arguments, "-o", str(file)])
    assert (written.exit_code, written.output) == (0, "")
    assert json.loads(file.read_text()) == json.loads(printed.output)
    assert json.loads(printed.output)[kind].startswith("3.")


def test_the_command_says_what_is_wrong_with_the_project(tmp_path: Path) -> None:
    (tmp_path / "mesh.yaml").write_text("mesh: t\nbroker: 1\n")
    result = CliRunner().invoke(app, ["docs", str(tmp_path)])
    assert result.exit_code == 2
    assert "mesh.yaml:2" in result.output


def _references(value: object) -> list[str]:
    found: list[str] = []
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            found += [part["$ref"]] if isinstance(part.get("$ref"), str) else []
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
    return found
