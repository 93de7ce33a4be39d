"""Kubernetes gets the same rules and dashboards as everybody else, all of them."""

import json
import shutil
from pathlib import Path

import yaml

from lab import k8s_monitoring

from .conftest import K8S
from .manifests import Manifests

MONITORING = K8S.parent / "monitoring"


def test_what_is_generated_is_what_would_be_generated_now(tmp_path: Path) -> None:
    """If not: ``python -m lab.k8s_monitoring``."""
    shutil.copytree(MONITORING, tmp_path / k8s_monitoring.MONITORING)
    shutil.copytree(K8S / "components" / "monitoring", tmp_path / k8s_monitoring.COMPONENT)
    shutil.copytree(K8S / "components" / "alerting", tmp_path / k8s_monitoring.ALERTING)
    before = contents(tmp_path)
    k8s_monitoring.write(tmp_path)
    assert contents(tmp_path) == before


def test_what_is_gone_is_removed_and_what_is_new_is_added(tmp_path: Path) -> None:
    rules = tmp_path / k8s_monitoring.MONITORING / "rules"
    written = tmp_path / k8s_monitoring.COMPONENT / "rules"
    rules.mkdir(parents=True)
    (rules / "old.yaml").write_text("groups: []\n")
    (rules.parent / "alertmanager.yaml").write_text("route: {}\n")
    k8s_monitoring.write(tmp_path)
    (rules / "old.yaml").rename(rules / "new.yaml")
    k8s_monitoring.write(tmp_path)
    assert {path.name for path in written.iterdir()} == {"kustomization.yaml", "new.yaml"}
    assert yaml.safe_load((written / "kustomization.yaml").read_text())["resources"] == ["new.yaml"]
    rule = yaml.safe_load((written / "new.yaml").read_text())
    assert (rule["metadata"]["name"], rule["spec"]) == ("trunk-new", {"groups": []})


def test_every_rule_is_there(everything: Manifests) -> None:
    plain = [yaml.safe_load(path.read_text()) for path in sorted((MONITORING / "rules").glob("*.yaml"))]
    assert plain
    rendered = [each["spec"] for each in everything.of("PrometheusRule")]
    rules = everything.one("PrometheusRule", "trunk-installation")["spec"]["groups"][0]["rules"]
    said = [
        ("trunk:broker_nodes:configured", "vector(3)", "vector(1)"),
        ("trunk:canary:configured", "vector(1)", "vector(0)"),
        ("trunk:doors:configured", "vector(2)", "vector(0)"),
    ]
    for rule, (record, here, of_compose) in zip((rules[1], *rules[3:]), said, strict=True):
        assert (rule["record"], rule["expr"]) == (record, here)
        rule["expr"] = of_compose
    assert sorted(map(canonical, plain)) == sorted(map(canonical, rendered))


def test_every_dashboard_is_there_where_the_sidecar_looks(everything: Manifests) -> None:
    plain = {path.name: json.loads(path.read_text()) for path in (MONITORING / "dashboards").glob("*.json")}
    assert plain
    maps = [each for each in everything.of("ConfigMap") if each["metadata"]["labels"].get("grafana_dashboard") == "1"]
    assert {name: json.loads(text) for each in maps for name, text in each["data"].items()} == plain


def test_rabbitmq_is_asked_for_the_same_numbers(everything: Manifests) -> None:
    """As in the Prometheus of the compose file, and as seldom kept."""
    prometheus = yaml.safe_load((MONITORING / "prometheus.yaml").read_text())
    jobs = {job["job_name"]: job for job in prometheus["scrape_configs"]}
    endpoints = everything.one("PodMonitor", "rabbitmq")["spec"]["podMetricsEndpoints"]
    by_job = {each["relabelings"][0]["replacement"]: each for each in endpoints}  # the label job comes first
    assert by_job.keys() == {"rabbitmq", "rabbitmq-detailed"}
    for name, endpoint in by_job.items():
        job = jobs[name]
        assert endpoint["path"] == job.get("metrics_path", "/metrics")
        assert endpoint.get("params", {}) == job.get("params", {})
        assert endpoint["interval"] == job.get("scrape_interval", prometheus["global"]["scrape_interval"])
        relabelings = [operators_words(each) for each in job.get("metric_relabel_configs", [])]
        assert endpoint.get("metricRelabelings", []) == relabelings


def test_the_broker_is_found_by_the_label_that_its_policy_guards(everything: Manifests, stores: Manifests) -> None:
    monitor = everything.one("PodMonitor", "rabbitmq")["spec"]
    assert monitor["selector"] == stores.one("NetworkPolicy", "rabbitmq")["spec"]["podSelector"]
    assert monitor["namespaceSelector"]["matchNames"] == [stores.of("NetworkPolicy")[0]["metadata"]["namespace"]]


def canonical(content: object) -> str:
    return json.dumps(content, sort_keys=True)


def operators_words(relabelling: dict[str, object]) -> dict[str, object]:
    """A relabelling of Prometheus as the operator spells it."""
    words = {"source_labels": "sourceLabels", "target_label": "targetLabel"}
    return {words.get(key, key): value for key, value in relabelling.items()}


def contents(root: Path) -> dict[Path, str]:
    return {path.relative_to(root): path.read_text() for path in root.rglob("*") if path.is_file()}
