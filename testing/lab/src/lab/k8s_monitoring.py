"""``python -m lab.k8s_monitoring``: rules, routes and dashboards of deploy/monitoring as Kubernetes objects.

The Prometheus Operator wants rules inside a resource of its own, which kustomize cannot make of a plain file, so they
are written once more, next to the component. Of the routes only the folder of the addresses differs. Dashboards stay
where they are; only their list is written.
"""

import sys
from pathlib import Path

import yaml

MONITORING = Path("deploy/monitoring")
COMPONENT = Path("deploy/k8s/components/monitoring")
ALERTING = Path("deploy/k8s/components/alerting")
COMPOSE_SECRETS, MOUNTED_SECRETS = "/run/secrets/", "/etc/alertmanager/secrets/trunk-alerting/"
"""Where Alertmanager finds its addresses with compose, and with the operator."""
FOLDER = "Trục liên thông"
"""Where Grafana's sidecar puts the dashboards."""
MADE = "# Made by `python -m lab.k8s_monitoring`; not edited by hand.\n"


def write(root: Path) -> list[Path]:
    """Write all that is generated, and remove what is not any more. Returns the files."""
    rules, dashboards = root / COMPONENT / "rules", root / MONITORING / "dashboards"
    files = {rules / path.name: rule(path) for path in sorted((root / MONITORING / "rules").glob("*.yaml"))}
    files[rules / "kustomization.yaml"] = listed([path.name for path in files])
    files[root / ALERTING / "routes.yaml"] = routes(root / MONITORING / "alertmanager.yaml")
    files[dashboards / "kustomization.yaml"] = dashboards_made(sorted(path.name for path in dashboards.glob("*.json")))
    for old in rules.glob("*.yaml"):
        old.unlink()
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(files)


def rule(path: Path) -> str:
    """A file of rules as a PrometheusRule."""
    return _made(
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": f"trunk-{path.stem}"},
            "spec": yaml.safe_load(path.read_text(encoding="utf-8")),
        }
    )


def routes(path: Path) -> str:
    """Alertmanager's file as it is, but for the folder of its addresses."""
    return MADE + path.read_text(encoding="utf-8").replace(
        f"url_file: {COMPOSE_SECRETS}", f"url_file: {MOUNTED_SECRETS}"
    )


def listed(resources: list[str]) -> str:
    """A kustomization of these files."""
    return _made(_kustomization() | {"resources": resources})


def dashboards_made(files: list[str]) -> str:
    """A kustomization that makes a ConfigMap of each dashboard, as Grafana's sidecar looks for them."""
    options = {
        "labels": {"grafana_dashboard": "1"},
        "annotations": {"grafana_folder": FOLDER},
        "disableNameSuffixHash": True,
    }
    maps = [{"name": f"dashboard-{Path(file).stem}", "files": [file], "options": options} for file in files]
    return _made(_kustomization() | {"configMapGenerator": maps})


def _kustomization() -> dict[str, object]:
    return {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization"}


def _made(content: dict[str, object]) -> str:
    text = yaml.dump(content, Dumper=Plain, sort_keys=False, allow_unicode=True, width=120)
    return MADE + text


class Plain(yaml.SafeDumper):
    """Writes everything out, without anchors, and texts of several lines as blocks."""

    def ignore_aliases(self, _data: object) -> bool:
        """Every time."""
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


Plain.add_representer(str, _text)


if __name__ == "__main__":
    for file in write(Path.cwd()):
        sys.stdout.write(f"{file}\n")
