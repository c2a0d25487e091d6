"""Nothing that we deploy runs with more rights than it needs, and all of it is watched."""

from __future__ import annotations

import pytest

from deployment import COMBINATIONS, Container, compose, containers, render

ALL = [
    pytest.param(container, id=f"{name}-{container.place}")
    for name, values in COMBINATIONS.items()
    for container in containers(render(values))
]
SERVICES = compose({"NATS_PASSWORD": "x"})["services"]


@pytest.mark.parametrize("container", ALL)
def test_a_pod_runs_as_nobody_in_particular(container: Container) -> None:
    pod, security = container.pod["securityContext"], container.spec["securityContext"]
    assert pod["runAsNonRoot"] is True
    assert pod["runAsUser"] >= 1000
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert security["runAsNonRoot"] is True
    assert security["readOnlyRootFilesystem"] is True
    assert security["allowPrivilegeEscalation"] is False
    assert security["privileged"] is False
    assert security["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("container", ALL)
def test_a_pod_has_nothing_of_the_cluster_or_the_node(container: Container) -> None:
    assert container.pod["automountServiceAccountToken"] is False
    assert container.pod["enableServiceLinks"] is False
    assert container.pod.keys().isdisjoint({"hostNetwork", "hostPID", "hostIPC"})
    assert not [v for v in container.pod.get("volumes", []) if "hostPath" in v]
    assert not [p for p in container.spec.get("ports", []) if "hostPort" in p]


@pytest.mark.parametrize("container", ALL)
def test_a_pod_says_what_it_needs(container: Container) -> None:
    resources = container.spec["resources"]
    assert {"cpu", "memory"} <= resources["requests"].keys()
    assert "memory" in resources["limits"]
    assert not container.spec["image"].endswith((":latest", ":"))
    for volume in container.pod.get("volumes", []):
        assert "emptyDir" not in volume or volume["emptyDir"]["sizeLimit"]


@pytest.mark.parametrize("container", [p for p in ALL if "Pod/" not in str(p.id)])
def test_a_pod_is_probed_and_has_time_to_stop(container: Container) -> None:
    ports = {port["name"] for port in container.spec["ports"]}
    paths = {}
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        probe = container.spec[kind]["httpGet"]
        assert probe["port"] in ports
        paths[kind] = probe["path"]
    if container.spec["name"] != "nats":
        assert paths["livenessProbe"] == "/livez"
        assert paths["readinessProbe"] == "/readyz"
    assert container.pod["terminationGracePeriodSeconds"] >= 30


@pytest.mark.parametrize("name", SERVICES)
def test_a_compose_service_is_locked_down(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["pids_limit"]
    assert "privileged" not in service
    assert all(port["host_ip"] == "127.0.0.1" for port in service.get("ports", []))
    if name != "nats-data":  # it ends at once; without a network
        assert service["healthcheck"]["test"]
        assert service["restart"] == "unless-stopped"
        assert "cap_add" not in service
    else:
        assert service["network_mode"] == "none"
