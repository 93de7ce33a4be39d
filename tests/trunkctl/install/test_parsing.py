"""Manifests, what they name, and where their pods connect to."""

from decimal import Decimal
from typing import Any

import pytest

from trunkctl.command_error import CommandError
from trunkctl.install.addresses import addresses
from trunkctl.install.manifests import parse
from trunkctl.install.quantities import quantity
from trunkctl.install.references import Reference, Source, brought, references
from trunkctl.install.secrets import ConfigSource

POD = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: city}
spec:
  template:
    spec:
      imagePullSecrets: [{name: registry}]
      initContainers:
        - name: first
          env: [{name: A, valueFrom: {secretKeyRef: {name: first, key: a}}}]
      containers:
        - name: web
          envFrom: [{configMapRef: {name: settings}}, {secretRef: {name: all, optional: true}}]
          env: [{name: B, valueFrom: {configMapKeyRef: {name: settings, key: b}}}, {name: C, value: c}]
          volumeMounts: [{name: pins, mountPath: /pins.json, subPath: pins.json}]
      volumes:
        - {name: pins, configMap: {name: pins}}
        - {name: plain, secret: {secretName: plain, items: [{key: x, path: y}]}}
        - name: both
          projected:
            sources:
              - {secret: {name: plain, items: [{key: z, path: z}]}}
              - {configMap: {name: more, optional: true}}
        - {name: tmp, emptyDir: {}}
"""


def reference(kind: str, name: str, *keys: str, optional: bool = False) -> Reference:
    return Reference(kind, "city", name, frozenset(keys), optional, "Deployment web")


def test_everything_that_a_pod_names_is_found() -> None:
    assert set(references(parse(POD))) == {
        reference("Secret", "registry", ".dockerconfigjson"),
        reference("Secret", "first", "a"),
        reference("Secret", "all", optional=True),
        reference("Secret", "plain", "x"),
        reference("Secret", "plain", "z"),
        reference("ConfigMap", "settings"),
        reference("ConfigMap", "settings", "b"),
        reference("ConfigMap", "pins", "pins.json"),
        reference("ConfigMap", "more", optional=True),
    }


def test_an_alertmanager_names_the_keys_of_its_routes() -> None:
    text = """
apiVersion: monitoring.coreos.com/v1
kind: Alertmanager
metadata: {name: trunk, namespace: city}
spec: {configSecret: routes, secrets: [urls, more]}
---
apiVersion: v1
kind: Secret
metadata: {name: routes, namespace: city}
stringData: {alertmanager.yaml: "url_file: /etc/alertmanager/secrets/urls/page_url"}
"""
    found = {(each.name, each.keys) for each in references(parse(text))}
    assert found == {
        ("routes", frozenset({"alertmanager.yaml"})),
        ("urls", frozenset({"page_url"})),
        ("more", frozenset()),
    }


def test_secrets_are_brought_plain_or_from_a_vault() -> None:
    text = """
apiVersion: external-secrets.io/v1
kind: ExternalSecret
metadata: {name: a, namespace: city}
spec: {target: {name: b}, data: [{secretKey: x}, {secretKey: y}]}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: c, namespace: city}
data: {TRUNK_X: "1"}
"""
    assert brought(parse(text)) == [
        Source("ConfigMap", "city", "c", frozenset({"TRUNK_X"})),
        Source("Secret", "city", "b", frozenset({"x", "y"}), from_vault=True),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no manifests"),
        ("a: [", "no YAML"),
        ("just words", "not every document"),
        ("kind: Deployment", "not every document"),
        ("kind: Kustomization\nmetadata: {name: x}", "kubectl kustomize"),
    ],
)
def test_what_is_no_rendering_is_refused(text: str, words: str) -> None:
    with pytest.raises(CommandError, match=f"(?i){words}"):
        parse(text)


SCALER = """
---
kind: ScaledObject
metadata: {name: web, namespace: NAMESPACE}
spec: {minReplicaCount: 4, scaleTargetRef: {name: web}}
"""


@pytest.mark.parametrize(
    ("more", "replicas"),
    [("", 1), (SCALER.replace("NAMESPACE", "city"), 4), (SCALER.replace("NAMESPACE", "other"), 1)],
)
def test_a_scaler_gives_the_least_replicas(more: str, replicas: int) -> None:
    (found,) = parse(POD + more).workloads
    assert found.replicas == replicas


@pytest.mark.parametrize(
    ("text", "number"),
    [("250m", "0.25"), ("2", "2"), (4, "4"), ("1Ki", "1024"), ("1.5Gi", "1610612736"), ("1e3", "1000"), ("5k", "5000")],
)
def test_quantities(text: Any, number: str) -> None:
    assert quantity(text) == Decimal(number)


@pytest.mark.parametrize("text", ["", "x", "1Xi", "-1", "1 Gi"])
def test_what_is_no_quantity(text: str) -> None:
    with pytest.raises(ValueError, match="no quantity"):
        quantity(text)


@pytest.mark.parametrize(
    ("settings", "data", "expected"),
    [
        (
            {"TRUNK_S3_ENDPOINT": "s3.data.svc:8333", "TRUNK_S3_SECURE": "true"},
            {},
            [("object store", "s3.data.svc", 8333, True, "data")],
        ),
        ({"TRUNK_S3_ENDPOINT": "s3.city.vn"}, {}, [("object store", "s3.city.vn", 80, False, "")]),
        (
            {"TRUNK_RABBITMQ_MANAGEMENT_URL": "https://rabbitmq.data.svc.cluster.local"},
            {},
            [("broker's management", "rabbitmq.data.svc.cluster.local", 443, True, "data")],
        ),
        (
            {},
            {"trunk_amqp_url": b"amqps://intake:p@ss/w@rabbitmq.data.svc/trunk"},
            [("broker", "rabbitmq.data.svc", 5671, True, "data")],
        ),
        (
            {},
            {"trunk_mongo_uri": b"mongodb://u:p@a.rs0.data.svc:27018,b.rs0.data.svc/?authSource=admin&tls=true"},
            [("database", "a.rs0.data.svc", 27018, True, "data"), ("database", "b.rs0.data.svc", 27017, True, "data")],
        ),
        ({}, {"trunk_amqp_url": b"nonsense"}, []),
    ],
)
def test_addresses(settings: dict[str, str], data: dict[str, bytes], expected: list[tuple[Any, ...]]) -> None:
    found = addresses(settings, [ConfigSource("Secret", "city", "trunk-intake", data)])
    assert [(each.server, each.host, each.port, each.is_tls, each.namespace) for each in found] == expected
