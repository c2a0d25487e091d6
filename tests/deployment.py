"""What the deployment files say, as values: rendered chart, compose file, their containers."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import yaml

ROOT = Path(__file__).resolve().parent.parent
CHART = ROOT / "helm" / "crossdock"
Document = dict[str, Any]

# What the chart is rendered with. Each must lint, render and validate.
COMBINATIONS: dict[str, Document] = {
    "default": {},
    "external-nats": {
        "nats": {"external": {"url": "tls://a.example:4333,tls://b.example"}},
    },
    "external-nats-with-credentials": {
        "nats": {"external": {"url": "nats://nats.example:4222", "existingSecret": "broker"}},
        "telemetry": {"otlpEndpoint": "http://collector.monitoring:4318"},
    },
    "single-node": {
        "nats": {"replicas": 1, "antiAffinity": "preferred", "existingSecret": "broker"},
        "gateway": {"replicas": 1},
        "networkPolicy": {"enabled": False},
        "podDisruptionBudget": {"enabled": False},
    },
    "everything-on": {
        "image": {"repository": "registry.example/mesh", "digest": f"sha256:{'0' * 64}"},
        "imagePullSecrets": [{"name": "pull"}],
        "project": {"files": {"mesh.yaml": "mesh: t\n", "routes/a.yaml": 'a: "é {{ x }}"\n'}},
        "gateway": {
            "existingSecret": "gateway-secrets",
            "autoscaling": {"enabled": True},
            "service": {"type": "LoadBalancer", "annotations": {"a": "b"}},
            "ingress": {
                "enabled": True,
                "className": "nginx",
                "annotations": {"a": "b"},
                "hosts": [{"host": "mesh.example.com", "paths": ["/"]}],
                "tls": [{"secretName": "tls", "hosts": ["mesh.example.com"]}],
            },
            "extraEnv": [{"name": "A", "value": "b"}],
            "nodeSelector": {"disk": "fast"},
            "tolerations": [{"key": "a", "operator": "Exists"}],
            "podAnnotations": {"a": "b"},
            "priorityClassName": "high",
        },
        "router": {"autoscaling": {"enabled": True, "maxReplicas": 4}},
        "workers": {
            "groups": {
                "workers": None,
                "files": {
                    "replicas": 3,
                    "existingSecret": "file-secrets",
                    "extraVolumes": [
                        {"name": "in", "persistentVolumeClaim": {"claimName": "inbox"}}
                    ],
                    "extraVolumeMounts": [{"name": "in", "mountPath": "/data"}],
                    "egress": [{"ports": [{"port": 443, "protocol": "TCP"}]}],
                },
                "1": {"resources": {"limits": {"memory": "1Gi"}}},
            }
        },
        "nats": {
            "jetstream": {"storage": {"storageClassName": "fast"}, "syncInterval": "100ms"},
            "podAnnotations": {"a": "b"},
            "priorityClassName": "high",
        },
        "telemetry": {
            "otlpEndpoint": "https://collector.example",
            "existingSecret": "otlp",
            "podMonitor": {
                "enabled": True,
                "gatewaySecret": "scrape",
                "labels": {"release": "prometheus"},
            },
        },
        "networkPolicy": {
            "gatewayFrom": [{"namespaceSelector": {"matchLabels": {"a": "b"}}}],
            "monitoringFrom": [{"namespaceSelector": {"matchLabels": {"a": "c"}}}],
            "natsFrom": [{"podSelector": {"matchLabels": {"a": "d"}}}],
            "gatewayEgress": [{"ports": [{"port": 443, "protocol": "TCP"}]}],
            "routerEgress": [{"ports": [{"port": 443, "protocol": "TCP"}]}],
        },
        "serviceAccount": {"annotations": {"a": "b"}},
    },
    "no-workers": {"workers": {"groups": {"workers": None}}, "nats": {"replicas": 5}},
    "project-from-configmap": {
        "project": {"configMap": {"name": "p", "items": [{"key": "m", "path": "mesh.yaml"}]}},
    },
    "project-from-claim": {"project": {"existingClaim": "project"}},
}


class _Strict(yaml.SafeLoader):
    """YAML in which a key that is given twice is an error: Kubernetes would drop one of them."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 - PyYAML's signature
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {key for key in keys if key != "<<" and keys.count(key) > 1}
        if twice:
            raise ValueError(f"key given twice: {twice} {node.start_mark}")
        return super().construct_mapping(node, deep=deep)


class Container(msgspec.Struct, frozen=True, kw_only=True):
    """One container of the chart or service of the compose file, and where it stands."""

    place: str
    pod: Document
    spec: Document

    @property
    def argv(self) -> list[str]:
        return [*self.spec.get("command", []), *self.spec.get("args", [])]


def tool(name: str) -> str:
    """Return a program that ``deploy/tools.py`` fetches; its lack is an error, never a skip."""
    found = shutil.which(name, path=str(ROOT / ".tools" / "bin")) or shutil.which(name)
    if found is None:
        raise RuntimeError(f"{name} is missing: run `python deploy/tools.py`")
    return found


def run(
    *argv: str, stdin: str = "", env: dict[str, str] | None = None, cwd: Path = ROOT
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end and return what it printed."""
    return subprocess.run(
        argv, input=stdin, env=env, cwd=cwd, capture_output=True, text=True, check=False, timeout=60
    )


def helm(command: str, values: Document, *arguments: str) -> subprocess.CompletedProcess[str]:
    target = ["t", str(CHART)] if command == "template" else [str(CHART)]
    return run(
        *(tool("helm"), command, *target, "--values", "-", *arguments),
        stdin=json.dumps(values),
    )


def render(values: Document, *arguments: str) -> list[Document]:
    rendered = helm("template", values, "--namespace", "test", *arguments)
    assert rendered.returncode == 0, rendered.stderr
    documents = yaml.load_all(rendered.stdout, Loader=_Strict)
    return [each for each in documents if each is not None]


def containers(documents: list[Document]) -> Iterator[Container]:
    """Yield each container that a pod of these documents would run."""
    for document in documents:
        spec = document.get("spec") or {}
        pod = spec if document["kind"] == "Pod" else (spec.get("template") or {}).get("spec")
        if pod is None:
            continue
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            place = f"{document['kind']}/{document['metadata']['name']}/{container['name']}"
            yield Container(place=place, pod=pod, spec=container)


def only(documents: list[Document], kind: str, name: str) -> Document:
    """Return the one document of a kind and name."""
    (found,) = (d for d in documents if d["kind"] == kind and d["metadata"]["name"] == name)
    return found


def compose(environment: dict[str, str]) -> Document:
    """Return the compose file as Docker Compose understands it."""
    read = run(
        *(tool("docker-compose"), "--file", "docker-compose.yml", "--profile", "*"),
        *("config", "--format", "json"),
        env={"PATH": "/usr/bin:/bin", "COMPOSE_DISABLE_ENV_FILE": "1", **environment},
    )
    assert read.returncode == 0, read.stderr
    return dict(json.loads(read.stdout))
