"""`examples/serving`: what others' programs and published schemas say about the files. No cluster is started."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from harness import PROJECT

SERVING = PROJECT / "examples/serving"
COMPOSE = SERVING / "compose"
UNIT = SERVING / "systemd/mvc-serve.service"


def documents(path: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((SERVING / path).read_text()))


def test_kubernetes_takes_the_deployment() -> None:
    found = documents("kubernetes/deployment.yaml")
    assert [item["kind"] for item in found] == ["Deployment", "Service", "PodDisruptionBudget"]
    for item in found:
        kubernetes_validate.validate(item, kubernetes_validate.latest_version(), strict=True)


def wrong(value: Any, kind: str, where: str) -> list[str]:
    """Return what the types of KServe's and Kubernetes' SDKs do not have: they are made from the published schemas."""
    import kserve
    from kubernetes import client

    if inner := re.fullmatch(r"list\[(.*)\]", kind):
        return [text for number, item in enumerate(value) for text in wrong(item, inner[1], f"{where}[{number}]")]
    if inner := re.fullmatch(r"dict\(str, (.*)\)", kind):
        return [text for name, item in value.items() for text in wrong(item, inner[1], f"{where}.{name}")]
    model = getattr(kserve, kind, None) or getattr(client, kind, None)
    if model is None:
        plain = {"str": str, "int": int, "bool": bool, "object": (str, int, dict)}
        return [] if isinstance(value, plain.get(kind, object)) else [f"{where}: {value!r} is not {kind}"]
    known = {spelled: model.openapi_types[name] for name, spelled in model.attribute_map.items()}
    unknown = [f"{where}: no field {name}" for name in value if name not in known]
    inside = (wrong(item, known[name], f"{where}.{name}") for name, item in value.items() if name in known)
    return [*unknown, *(text for texts in inside for text in texts)]


def test_kserve_takes_the_inference_service() -> None:
    (service,) = documents("kubernetes/inference-service.yaml")
    assert wrong(service, "V1beta1InferenceService", "") == []
    (container,) = service["spec"]["predictor"]["containers"]
    assert wrong({**container, "imag": "x"}, "V1Container", "c") == ["c: no field imag"]
    pod = {"containers": [container], "volumes": service["spec"]["predictor"]["volumes"]}
    kubernetes_validate.validate(
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": pod},
        kubernetes_validate.latest_version(), strict=True,
    )


def test_what_runs_may_do_little() -> None:
    deployment = documents("kubernetes/deployment.yaml")[0]["spec"]["template"]["spec"]
    predictor = documents("kubernetes/inference-service.yaml")[0]["spec"]["predictor"]
    for pod in (deployment, predictor):
        assert pod["securityContext"]["runAsNonRoot"]
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            locked = container["securityContext"]
            assert locked["readOnlyRootFilesystem"]
            assert not locked["allowPrivilegeEscalation"]
            assert locked["capabilities"] == {"drop": ["ALL"]}
    (server,) = deployment["containers"]
    assert "registry" not in [mount["name"] for mount in server["volumeMounts"]]  # nor the login that is in it


def test_compose_takes_its_file() -> None:
    subprocess.run(
        ["check-jsonschema", "--builtin-schema", "vendor.compose-spec", COMPOSE / "compose.yaml"], check=True,
    )
    services = documents("compose/compose.yaml")[0]["services"]
    mounts = [mount.split(":")[0] for service in services.values() for mount in service.get("volumes", [])]
    files = [COMPOSE / mount for mount in mounts if mount.startswith("./") and "." in mount[2:]]
    assert files
    assert all(file.exists() for file in files)
    for service in services.values():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))


def test_prometheus_and_alertmanager_take_theirs() -> None:
    subprocess.run(["promtool", "check", "config", COMPOSE / "prometheus.yml"], check=True)
    subprocess.run(["amtool", "check-config", COMPOSE / "alertmanager.yml"], check=True)


def test_the_services_find_each_other() -> None:
    services = documents("compose/compose.yaml")[0]["services"]
    text = "".join(file.read_text() for file in COMPOSE.rglob("*.y*ml") if file.name != "compose.yaml")
    hosts = re.findall(r"([a-z]+):(\d{4})\b", text)
    assert hosts
    assert {host for host, _ in hosts} <= services.keys()
    (source,) = documents("compose/grafana/datasource.yaml")[0]["datasources"]
    assert (source["uid"], source["type"]) == ("prometheus", "prometheus")
    (provider,) = documents("compose/grafana/boards.yaml")[0]["providers"]
    assert f"./boards:{provider['options']['path']}:ro" in services["grafana"]["volumes"]


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/mvc/bin/mvc", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", unit], check=True,
        stdout=subprocess.DEVNULL,
    )


@pytest.mark.parametrize("path", ["systemd/mvc-serve.service", "compose/compose.yaml", "kubernetes/deployment.yaml"])
def test_they_all_serve_on_the_same_ports(path: str) -> None:
    assert re.search(r"--port\W+8080\W+--grpc-port\W+8081\b", (SERVING / path).read_text())
