"""Judges what kustomize made, and what Helm makes of the chart: each object by the descriptions of its kind that Kubernetes
publishes, for the oldest version that is still tried and the newest; and the chart against the manifests.

    judge.py CHART BASE MIGRATE OTHERS…
"""

import json
import sys

import helm_python as helm
import kubernetes_validate as kubernetes
import yaml

VERSIONS = ["1.29", kubernetes.latest_version()]

# Of others, for whom there is no description.
UNKNOWN = {"PodMonitor", "PrometheusRule"}


def documents(text: str) -> list[dict]:
    return [document for document in yaml.safe_load_all(text) if document]


def judge(objects: list[dict], whence: str) -> None:
    for version in VERSIONS:
        for found in objects:
            if found["kind"] not in UNKNOWN:
                kubernetes.validate(found, version, strict=True)
    print(f"{whence}: {len(objects)} objects are what Kubernetes {' and '.join(VERSIONS)} take")


def render(chart: helm.Chart, values: dict) -> list[dict]:
    rendered = chart.render(values, name="rollcall", namespace="rollcall")
    return [found for name, text in rendered.items() if name.endswith(".yaml") for found in documents(text)]


def plain(found, names: dict):
    """Without what the two name otherwise by their nature: labels, annotations, the suffix of a generated name, the image."""
    if isinstance(found, dict):
        return {
            key: plain(value, names)
            for key, value in found.items()
            if key not in ("labels", "annotations", "matchLabels", "selector", "labelSelector", "podSelector", "image")
            and not (key == "imagePullPolicy" and value == "IfNotPresent")
        }
    if isinstance(found, list):
        return [plain(item, names) for item in found]
    return names.get(found, found) if isinstance(found, str) else found


def by_kind(objects: list[dict]) -> dict[str, dict]:
    names = {found["metadata"]["name"]: "rollcall" for found in objects if found["kind"] == "ConfigMap"}
    return {found["kind"]: plain(found, names) for found in objects}


def main(chart_folder: str, *manifests: str) -> None:
    kinds = []
    for manifest in manifests:
        with open(manifest) as file:
            objects = documents(file.read())
        judge(objects, manifest)
        kinds.append(by_kind(objects))
    findings = helm.lint(chart_folder)
    # The chart has no picture.
    told = [found for found in findings["messages"] if found["error"] != "icon is recommended"]
    assert not findings["errors"] and not told, findings
    print(f"Helm {helm.helm_sdk_version()} lints {chart_folder}")
    with helm.Chart.load(chart_folder) as chart:
        least = render(chart, {})
        judge(least, "the chart")
        every = {
            "ingress": {"enabled": True, "className": "nginx", "annotations": {"a": "b"}},
            "podMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
            "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}, "runbooks": "https://x.example/runbooks"},
            "dashboard": {"enabled": True, "labels": {"team": "a"}},
            "extraEnv": [{"name": "OTEL_TRACES_SAMPLER", "value": "traceidratio"}],
            "extraEnvFrom": [{"secretRef": {"name": "collector"}}],
            "podAnnotations": {"a": "b"},
            "nodeSelector": {"a": "b"},
            "tolerations": [{"key": "a", "operator": "Exists"}],
            "imagePullSecrets": [{"name": "registry"}],
            "settings": {"rate_limit": 50, "oidc_trust_email": True, "trusted_proxies": "10.0.0.0/8"},
        }
        whole = render(chart, every)
        judge(whole, "the chart with all that it offers")
        assert len(whole) == len(least) + 4
        offered(whole)
        off = render(chart, {"networkPolicy": {"enabled": False}, "migrate": {"enabled": False}})
        judge(off, "the chart with what can be left out left out")
        assert len(off) == len(least) - 2
        for wrong in (
            {"settings": {"public_ur": "x"}},
            {"secret": {}},
            {"settings": {"public_url": "http://x.example"}},
            {"extraEnv": [{"nam": "x"}]},
            {"prometheusRule": {"enabled": True, "runbooks": "docs"}},
        ):
            try:
                render(chart, wrong)
            except helm.HelmError:
                continue
            raise AssertionError(f"Helm takes {wrong}")
        compare({**kinds[0], **kinds[1]}, by_kind(least))


def offered(objects: list[dict]) -> None:
    """What the chart offers beside the manifests is in force."""
    kinds = {found["kind"]: found for found in objects}
    node = kinds["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    assert {"name": "OTEL_TRACES_SAMPLER", "value": "traceidratio"} in node["env"], node["env"]
    assert {"secretRef": {"name": "collector"}} in node["envFrom"], node["envFrom"]
    # The migration has to find a machine, too.
    for name in ("nodeSelector", "tolerations", "imagePullSecrets"):
        placed = [kinds[kind]["spec"]["template"]["spec"].get(name) for kind in ("Deployment", "Job")]
        assert placed[0] and placed[0] == placed[1], f"{name} of nodes and migration: {placed}"
    for kind in ("PodMonitor", "PrometheusRule"):
        assert kinds[kind]["metadata"]["labels"]["release"] == "prometheus", kinds[kind]["metadata"]
    with open("deploy/telemetry/alerts.yaml") as file:
        alerts = yaml.safe_load(file.read().replace("docs/runbooks.md#", "https://x.example/runbooks#"))
    assert kinds["PrometheusRule"]["spec"] == alerts, "the chart has other alerts"
    board = next(found for found in objects if found["metadata"]["name"] == "rollcall-dashboard")
    assert board["metadata"]["labels"].items() >= {"grafana_dashboard": "1", "team": "a"}.items(), board["metadata"]
    with open("deploy/telemetry/dashboard.json") as file:
        assert json.loads(board["data"]["rollcall.json"]) == json.load(file), "the chart has another dashboard"
    print(f"Of the chart {len(alerts['groups'][0]['rules'])} alerts, the dashboard and further variables are what was asked for")


def compare(manifests: dict[str, dict], chart: dict[str, dict]) -> None:
    assert manifests.keys() == chart.keys(), (sorted(manifests), sorted(chart))
    for kind, found in manifests.items():
        assert found == chart[kind], f"{kind} differs:\n{yaml.safe_dump(found)}\n{yaml.safe_dump(chart[kind])}"
    print(f"The chart and the manifests make the same of {len(manifests)} kinds")


if __name__ == "__main__":
    main(*sys.argv[1:])
