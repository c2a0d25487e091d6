"""The chart lints, renders, validates against Kubernetes, and refuses what it does not know."""

from __future__ import annotations

import json
import sys
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped] # it has no types
import pytest
import yaml

from deployment import CHART, COMBINATIONS, ROOT, Document, containers, helm, only, render, run

VERSIONS = ("1.28.0", kubernetes_validate.latest_version())
# The operator's own schema accepts unknown fields, so this says which ones the chart may use.
POD_MONITOR_FIELDS = {
    ("spec",): {"selector", "podMetricsEndpoints"},
    ("spec", "podMetricsEndpoints"): {"port", "path", "interval", "authorization"},
}

every_combination = pytest.mark.parametrize("name", COMBINATIONS)


@every_combination
def test_the_chart_lints(name: str) -> None:
    linted = helm("lint", COMBINATIONS[name], "--strict")
    assert linted.returncode == 0, linted.stdout + linted.stderr


@pytest.mark.parametrize("version", VERSIONS)
@every_combination
def test_each_document_is_valid_in_kubernetes(name: str, version: str) -> None:
    for document in render(COMBINATIONS[name], "--kube-version", version):
        if document["kind"] == "PodMonitor":
            check_pod_monitor(document)
            continue
        # An unknown kind or version raises SchemaNotFoundError: nothing passes unchecked.
        kubernetes_validate.validate(document, version, strict=True)


def check_pod_monitor(document: Document) -> None:
    assert document["apiVersion"] == "monitoring.coreos.com/v1"
    assert set(document["spec"]) == POD_MONITOR_FIELDS[("spec",)]
    for endpoint in document["spec"]["podMetricsEndpoints"]:
        assert set(endpoint) <= POD_MONITOR_FIELDS[("spec", "podMetricsEndpoints")]


def test_an_unknown_kind_is_an_error_and_no_warning() -> None:
    with pytest.raises(kubernetes_validate.SchemaNotFoundError):
        kubernetes_validate.validate({"apiVersion": "v1", "kind": "Nonsense"}, "1.28", strict=True)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"gatway": {}}, "gatway"),
        ({"gateway": {"replica": 2}}, "replica"),
        ({"gateway": {"replicas": "two"}}, "/gateway/replicas"),
        ({"workers": {"groups": {"files": {"replica": 2}}}}, "replica"),
        ({"workers": {"groups": {"Not_A_Name": {}}}}, "Not_A_Name"),
        ({"nats": {"replicas": 2}}, "/nats/replicas"),
        ({"nats": {"jetstream": {"syncInterval": "never"}}}, "syncInterval"),
        ({"nats": {"external": {"url": "nats://user:secret@host:4222"}}}, "/nats/external/url"),
        ({"project": {"files": {"../etc/passwd": ""}}}, "../etc/passwd"),
        ({"project": {"files": {"mesh.yaml": ""}, "existingClaim": "p"}}, "one place only"),
        ({"project": {"files": {"mesh.yaml": ""}, "live": "shop"}}, "one place only"),
        ({"project": {"live": "Not A Mesh"}}, "live"),
        ({"project": {"configMap": {"name": "p"}}}, "items is empty"),
        ({"project": {"files": {"a/b": "", "a__b": ""}}}, "one key"),
        ({"gateway": {"ingress": {"enabled": True}}}, "hosts is empty"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name(values: Document, says: str) -> None:
    refused = helm("template", values)
    assert refused.returncode != 0
    assert says in refused.stderr


def schema_paths(schema: dict[str, Any], path: str = "") -> set[str]:
    paths = {path} if path else set()
    for key, below in schema.get("properties", {}).items():
        paths |= schema_paths(below, f"{path}/{key}")
    return paths


def value_paths(values: Any, path: str = "") -> set[str]:  # noqa: ANN401 - any YAML
    paths = {path} if path else set()
    if isinstance(values, dict):
        for key, below in values.items():
            paths |= value_paths(below, f"{path}/{key}")
    return paths


def test_each_value_has_a_default_and_each_default_a_schema() -> None:
    schema = schema_paths(json.loads((CHART / "values.schema.json").read_text()))
    values = value_paths(yaml.safe_load((CHART / "values.yaml").read_text()))
    free = {path for path in values if "/resources/" in path or "/groups/" in path}
    assert values - schema - free == set()
    assert {path for path in schema - values if "/resources/" not in path} == {"/global"}


def test_the_readme_lists_every_value() -> None:
    expected = run(
        *(sys.executable, "-c"),
        "import chart_docs, sys; sys.stdout.write(chart_docs.readme())",
        cwd=ROOT / "deploy",
    )
    assert expected.stdout == (CHART / "README.md").read_text(), "run deploy/chart_docs.py"


def test_the_chart_has_the_version_of_the_distribution() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert f'version = "{chart["appVersion"]}"' in (ROOT / "pyproject.toml").read_text()


def test_an_external_nats_leaves_none_of_the_charts_own() -> None:
    documents = render(COMBINATIONS["external-nats-with-credentials"])
    assert not [d for d in documents if "nats" in d["metadata"]["name"]]
    for container in containers(documents):
        environment = {e["name"]: e for e in container.spec.get("env", [])}
        if "CROSSDOCK_NATS" in environment:
            url = environment["CROSSDOCK_NATS"]["value"]
            assert url == "nats://$(NATS_USERNAME):$(NATS_PASSWORD)@nats.example:4222"


def test_several_external_servers_are_all_allowed_by_the_network_policy() -> None:
    documents = render(COMBINATIONS["external-nats"])
    policy = only(documents, "NetworkPolicy", "t-crossdock-router")
    ports = [p["port"] for rule in policy["spec"]["egress"] for p in rule["ports"]]
    assert ports == [53, 53, 4333, 4222]


def test_no_secret_is_in_an_argument_or_an_environment_value() -> None:
    documents = render({})
    secret = only(documents, "Secret", "t-crossdock-nats")
    rest = json.dumps([d for d in documents if d is not secret])
    for value in (secret["data"]["password"], secret["data"]["route-password"]):
        assert len(value) > 30
        assert value not in rest
    assert "NATS" not in json.dumps([c.argv for c in containers(documents)])


def test_a_project_of_values_lies_in_its_folders_again() -> None:
    files = COMBINATIONS["everything-on"]["project"]["files"]
    documents = render(COMBINATIONS["everything-on"])
    data = only(documents, "ConfigMap", "t-crossdock-project")["data"]
    for container in containers(documents):
        volumes = {v["name"]: v for v in container.pod.get("volumes", [])}
        if "project" in volumes:
            items = volumes["project"]["configMap"]["items"]
            assert {item["path"]: data[item["key"]] for item in items} == files


def test_each_worker_group_is_one_deployment_with_its_own_settings() -> None:
    documents = render(COMBINATIONS["everything-on"])
    files = only(documents, "Deployment", "t-crossdock-worker-files")["spec"]
    other = only(documents, "Deployment", "t-crossdock-worker-1")["spec"]
    container = files["template"]["spec"]["containers"][0]
    assert files["replicas"] == 3
    assert container["envFrom"] == [{"secretRef": {"name": "file-secrets"}}]
    assert container["args"][3:5] == ["--group", "files"]
    assert other["replicas"] == 1
    assert other["template"]["spec"]["containers"][0]["args"][4] == "1"
    limits = other["template"]["spec"]["containers"][0]["resources"]
    assert limits == {"limits": {"memory": "1Gi"}, "requests": {"cpu": "100m", "memory": "128Mi"}}


def test_an_autoscaled_deployment_leaves_its_replicas_to_the_autoscaler() -> None:
    documents = render(COMBINATIONS["everything-on"])
    for name in ("gateway", "router"):
        assert "replicas" not in only(documents, "Deployment", f"t-crossdock-{name}")["spec"]
        scaler = only(documents, "HorizontalPodAutoscaler", f"t-crossdock-{name}")["spec"]
        assert scaler["scaleTargetRef"]["name"] == f"t-crossdock-{name}"


def test_each_selector_finds_the_pods_that_it_is_for() -> None:
    documents = render(COMBINATIONS["everything-on"])
    pods = [
        d["spec"]["template"]["metadata"]["labels"]
        for d in documents
        if d["kind"] in {"Deployment", "StatefulSet"}
    ]
    for document in documents:
        spec = document.get("spec", {})
        wanted = {
            "Service": spec.get("selector"),
            "PodDisruptionBudget": spec.get("selector", {}).get("matchLabels"),
            "NetworkPolicy": spec.get("podSelector", {}).get("matchLabels"),
        }.get(document["kind"])
        if wanted is not None:
            found = [labels for labels in pods if wanted.items() <= labels.items()]
            assert len(found) == 1, document["metadata"]["name"]


def test_services_follow_the_registry_of_a_mesh_when_it_is_named() -> None:
    documents = render({"project": {"live": "shop"}})
    deployments = [each for each in documents if each["kind"] == "Deployment"]
    assert len(deployments) == 3
    for each in deployments:
        pod = each["spec"]["template"]["spec"]
        assert pod["containers"][0]["args"][-2:] == ["--live", "shop"]
        assert "project" not in {volume["name"] for volume in pod["volumes"]}
