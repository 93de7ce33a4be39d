"""What each check of ``trunkctl install check`` says of what it has seen."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from trunkctl.doctor.finding import Finding, Level
from trunkctl.install.addresses import Address
from trunkctl.install.brokers import BrokersSeen, judge_brokers
from trunkctl.install.capacity import Node, Pod, RoomSeen, judge_room, node_of, requests_of
from trunkctl.install.certificates import CertificatesSeen, Chain, bears, chain_of, judge_certificates
from trunkctl.install.door import DoorSeen, judge_door
from trunkctl.install.images import judge_examples, judge_images
from trunkctl.install.installations import Installation, InstallationsSeen, judge_installations
from trunkctl.install.jobs import JobWanted, judge_jobs
from trunkctl.install.manifests import Manifests
from trunkctl.install.network import (
    NamespaceSeen,
    NamespacesSeen,
    NetworkSeen,
    judge_namespaces,
    judge_policies,
)
from trunkctl.install.operators import KindsSeen, judge_kinds, judge_version
from trunkctl.install.references import Reference, Source
from trunkctl.install.secrets import ConfigSource, SourcesSeen, judge_sources
from trunkctl.install.storage import StorageSeen, judge_storage
from trunkctl.install.values import judge_values, value_problem
from trunkctl.install.vaults import VaultsSeen, judge_vaults

from .certificates import KEY, OTHER_KEY, certificate, pem

NOW = datetime(2026, 11, 29, tzinfo=UTC)
FAILED, WARNING, UNKNOWN, SKIPPED, OK = Level.FAILED, Level.WARNING, Level.UNKNOWN, Level.SKIPPED, Level.OK


def says(findings: list[Finding], *expected: tuple[Level, str]) -> None:
    """The findings have these levels, in this order, and their words hold these."""
    assert [(each.level, word in each.says) for each, (_, word) in zip(findings, expected, strict=True)] == [
        (level, True) for level, _ in expected
    ], findings


# The cluster, and what others have installed there


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("v1.32.9", (FAILED, "older than 1.33")),
        ("v1.33.0", (OK, "v1.33.0")),
        ("v1.37.4+k3s1", (OK, "v1.37.4")),
        ("v1.38.0", (WARNING, "newer than 1.37")),
        ("dev", (UNKNOWN, "dev")),
    ],
)
def test_version(version: str, expected: tuple[Level, str]) -> None:
    says(judge_version(version), expected)


def deployment(image: str, *, available: int = 1, version: str = "") -> dict[str, Any]:
    labels = {"app.kubernetes.io/version": version} if version else {}
    return {
        "metadata": {"name": "keda-operator", "namespace": "keda", "labels": labels},
        "spec": {"template": {"spec": {"containers": [{"image": image}]}}},
        "status": {"availableReplicas": available},
    }


SCALER = ("keda.sh", "v1alpha1", "ScaledObject")


@pytest.mark.parametrize(
    ("served", "operators", "expected"),
    [
        ((), (), (FAILED, "not defined")),
        ((("keda.sh", "v1beta1", "ScaledObject"),), (), (FAILED, "not served in version v1alpha1")),
        ((SCALER,), (), (WARNING, "no Deployment of KEDA")),
        (
            (SCALER,),
            (deployment("ghcr.io/kedacore/keda-metrics-apiserver:2.30.0"),),
            (WARNING, "no Deployment of KEDA"),
        ),
        (
            (SCALER,),
            (deployment("ghcr.io/kedacore/keda:2.20.1"),),
            (FAILED, "KEDA 2.20 (keda-operator in keda) is older"),
        ),
        ((SCALER,), (deployment("ghcr.io/kedacore/keda:2.21.0", available=0),), (FAILED, "does not run")),
        ((SCALER,), (deployment("ghcr.io/kedacore/keda:2.21.0"),), (OK, "KEDA 2.21")),
        ((SCALER,), (deployment("r:5000/keda:2.22.0@sha256:" + "a" * 64),), (OK, "KEDA 2.22")),
        ((SCALER,), (deployment("r:5000/keda@sha256:" + "a" * 64),), (UNKNOWN, "cannot be told")),
        ((SCALER,), (deployment("r:5000/keda@sha256:" + "a" * 64, version="2.21.1"),), (OK, "KEDA 2.21")),
    ],
)
def test_kinds(served: Any, operators: Any, expected: tuple[Level, str]) -> None:
    says(judge_kinds(KindsSeen(frozenset({SCALER}), frozenset(served), {"keda.sh": operators})), expected)


def test_no_kinds_of_others() -> None:
    says(judge_kinds(KindsSeen(frozenset(), frozenset(), {})), (OK, "no operator"))


@pytest.mark.parametrize(
    ("made", "there", "expected"),
    [
        ((), (), (FAILED, "trunk is not there")),
        (("trunk",), (), (WARNING, "trunk is not there")),
        (("trunk",), (NamespaceSeen("trunk", {}, is_ending=True),), (FAILED, "being deleted")),
        ((), (NamespaceSeen("trunk", {}),), (OK, "trunk")),
    ],
)
def test_namespaces(made: Any, there: Any, expected: tuple[Level, str]) -> None:
    says(judge_namespaces(NamespacesSeen(frozenset({"trunk"}), frozenset(made), there)), expected)


# Images and examples


def manifests(*objects: dict[str, Any]) -> Manifests:
    return Manifests(objects)


def pod_of(image: str) -> dict[str, Any]:
    containers = [{"name": "c", "image": image}]
    return {
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "trunk"},
        "spec": {"template": {"spec": {"containers": containers}}},
    }


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ("registry.city.vn/intake@sha256:" + "a" * 64, (OK, "1 images")),
        ("registry.city.vn/intake:1@sha256:" + "a" * 64, (OK, "1 images")),
        ("registry.city.vn/intake:1", (WARNING, "named by a tag")),
        ("registry.city.vn/intake", (WARNING, "named by a tag")),
        ("registry.city.vn/intake@sha256:" + "0" * 64, (FAILED, "zeros")),
        ("registry.example/intake@sha256:" + "a" * 64, (FAILED, "stands for yours")),
    ],
)
def test_images(image: str, expected: tuple[Level, str]) -> None:
    says(judge_images(manifests(pod_of(image))), expected)


def config(**data: str) -> dict[str, Any]:
    return {"kind": "ConfigMap", "metadata": {"name": "c", "namespace": "trunk"}, "data": data}


def policy(name: str = "p", **spec: Any) -> dict[str, Any]:
    return {"kind": "NetworkPolicy", "metadata": {"name": name, "namespace": "trunk"}, "spec": spec}


@pytest.mark.parametrize(
    ("whole", "expected"),
    [
        (config(TRUNK_S3_ENDPOINT="s3.city.vn:443", OTHER="a.example"), (OK, "no setting")),
        (config(TRUNK_S3_ENDPOINT="backup.example:443"), (FAILED, "TRUNK_S3_ENDPOINT is an example")),
        (policy(egress=[{"to": [{"ipBlock": {"cidr": "192.0.2.25/32"}}]}]), (WARNING, "192.0.2.25/32")),
        (policy(egress=[{"to": [{"ipBlock": {"cidr": "10.0.2.25/32"}}]}]), (OK, "no setting")),
        (
            {
                "kind": "Probe",
                "metadata": {"name": "door"},
                "spec": {"targets": {"staticConfig": {"static": ["s3.trunk.example:443"]}}},
            },
            (WARNING, "s3.trunk.example:443"),
        ),
    ],
)
def test_examples(whole: dict[str, Any], expected: tuple[Level, str]) -> None:
    says(judge_examples(manifests(whole)), expected)


# Secrets


def named(name: str, *keys: str, optional: bool = False, kind: str = "Secret") -> Reference:
    return Reference(kind, "trunk", name, frozenset(keys), optional, "Deployment intake")


def secret(name: str, **data: str) -> ConfigSource:
    return ConfigSource(
        "Secret", "trunk", name, {key.replace("__", "."): value.encode() for key, value in data.items()}
    )


@pytest.mark.parametrize(
    ("reference", "brought", "held", "expected"),
    [
        (named("a", "x"), (), (secret("a", x="1"),), (OK, "1 Secrets")),
        (named("a", "x"), (), (), (FAILED, "Secret a is not in trunk, with x; named by Deployment intake")),
        (named("a", "x", "y"), (), (secret("a", x="1"),), (FAILED, "lacks y")),
        (named("a", "x", optional=True), (), (), (OK, "1 Secrets")),
        (named("a", "x", optional=True), (), (secret("a", y="1"),), (FAILED, "lacks x")),
        (named("a"), (), (secret("a"),), (OK, "1 Secrets")),
        (named("a", "x"), (Source("Secret", "trunk", "a", frozenset("x")),), (), (OK, "1 Secrets")),
        (named("a", "x"), (Source("Secret", "other", "a", frozenset("x")),), (), (FAILED, "is not in trunk")),
        (
            named("a", "x"),
            (Source("Secret", "trunk", "a", frozenset("y")),),
            (secret("a", x="1"),),
            (FAILED, "make it lacks x"),
        ),
        (named("a", "x"), (Source("Secret", "trunk", "a", frozenset("x"), from_vault=True),), (), (OK, "1 Secrets")),
        (
            named("a", "x"),
            (Source("Secret", "trunk", "a", frozenset("x"), from_vault=True),),
            (secret("a", y="1"),),
            (FAILED, "lacks x"),
        ),
        (named("a", kind="ConfigMap"), (), (secret("a"),), (FAILED, "ConfigMap a is not in trunk")),
    ],
)
def test_sources(reference: Reference, brought: Any, held: Any, expected: tuple[Level, str]) -> None:
    says(judge_sources(SourcesSeen([reference], brought, held)), expected)


LOG_KEY = "0f" * 32


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("trunk_amqp_url", "amqps://intake:Zx9@rabbitmq.trunk-data.svc:5671/trunk", ""),
        ("trunk_amqp_url", "amqps://intake:p@ss@host.city.vn/trunk", ""),
        ("trunk_amqp_url", "amqps://rabbitmq.trunk-data.svc:5671/trunk", "no amqp"),
        ("trunk_amqp_url", "https://intake:Zx9@rabbitmq.trunk-data.svc", "no amqp"),
        ("trunk_amqp_url", "amqps://intake:PASSWORD@rabbitmq.trunk-data.svc", "of the docs"),
        ("trunk_mongo_uri", "mongodb://intake:Zx9@mongodb.trunk-data.svc:27017/?authSource=admin", ""),
        ("trunk_mongo_uri", "mongodb://intake:Zx9@HOST:27017/?authSource=admin", "of the docs"),
        ("trunk_mongo_uri", "mongodb://mongodb.trunk-data.svc", "no mongodb"),
        ("trunk_log_key", LOG_KEY, ""),
        ("trunk_log_key", LOG_KEY[:-1], "32 bytes"),
        ("users.json", '{"intake": "Zx9"}', ""),
        ("users.json", '{"intake": ""}', "no JSON object"),
        ("users.json", "[]", "no JSON object"),
        ("users.json", "{", "no JSON object"),
        ("alertmanager_page_url", "https://pager.city.vn/x", ""),
        ("alertmanager_page_url", "https://pager.example/x", "of the docs"),
        ("alertmanager_page_url", "pager.city.vn", "no http"),
        ("trunk_s3_secret_key", "Zx9+/host=password", ""),
        ("trunk_s3_secret_key", "", "is empty"),
        ("trunk_s3_secret_key", "changeme", "of the docs"),
        ("trunk_s3_secret_key", "<secret key>", "of the docs"),
        ("trunk_s3_secret_key", "…", "of the docs"),
    ],
)
def test_a_value_and_its_form(key: str, value: str, words: str) -> None:
    found = value_problem(key, value)
    assert words in found
    assert bool(words) == bool(found)


def users(**passwords: str) -> ConfigSource:
    return secret("trunk-broker-users", users__json=json.dumps(passwords))


@pytest.mark.parametrize(
    ("held", "expected"),
    [
        (
            [secret("trunk-intake", trunk_amqp_url="amqps://intake:a%2Fb@h/trunk"), users(intake="a/b")],
            (OK, "2 Secrets"),
        ),
        (
            [secret("trunk-intake", trunk_amqp_url="amqps://intake:aaa@h/trunk"), users(intake="bbb")],
            (FAILED, "and another one"),
        ),
        (
            [secret("trunk-intake", trunk_amqp_url="amqps://intake:aaa@h/trunk"), users(router="aaa")],
            (FAILED, "no password for intake"),
        ),
        (
            [secret("trunk-intake", trunk_amqp_url="amqps://router:aaa@h/trunk"), users(router="aaa")],
            (FAILED, "user intake"),
        ),
        (
            [secret("trunk-toolbox", trunk_amqp_url="amqps://reader:aaa@h/trunk"), users(reader="aaa")],
            (OK, "2 Secrets"),
        ),
        ([secret("trunk-intake", trunk_amqp_url="amqps://intake:aaa@h/trunk")], (OK, "1 Secrets")),
    ],
)
def test_one_password_for_one_user(held: list[ConfigSource], expected: tuple[Level, str]) -> None:
    found = judge_values(SourcesSeen([named(each.name, *each.data) for each in held], (), held))
    says(found, expected)
    assert not any(word in str(found) for word in ("aaa", "bbb"))


def test_only_keys_that_are_named_are_judged_and_nothing_that_the_apply_replaces() -> None:
    held = [secret("a", x="", y="fine"), secret("b", x="")]
    seen = SourcesSeen([named("a", "y"), named("b", "x")], [Source("Secret", "trunk", "b", frozenset("x"))], held)
    says(judge_values(seen), (OK, "1 Secrets"))


VAULT = ("ClusterSecretStore", "trunk")


@pytest.mark.parametrize(
    ("wanted", "ready", "expected"),
    [
        ((), {}, (SKIPPED, "no Secret comes from a vault")),
        ((VAULT,), {}, (FAILED, "is not there")),
        ((VAULT,), {VAULT: False}, (FAILED, "does not reach")),
        ((VAULT,), {VAULT: True}, (OK, "the vault answers")),
    ],
)
def test_vaults(wanted: Any, ready: Any, expected: tuple[Level, str]) -> None:
    says(judge_vaults(VaultsSeen(frozenset(wanted), ready)), expected)


# Certificates

HOST = "rabbitmq.trunk-data.svc"
BEGAN = NOW - timedelta(days=10)
ROOT = certificate("root", is_ca=True, begins=BEGAN, days=3650)
SERVER = certificate("server", names=[HOST], begins=BEGAN)
BROKER = Address("broker", HOST, 5671, True, "Secret trunk-intake")
STORE = Address("object store", "s3.trunk-data.svc", 8333, True, "TRUNK_S3_ENDPOINT")
PLAIN = Address("broker", HOST, 5672, False, "Secret trunk-intake")


def middle(*, is_ca: bool = True, days: int = 365) -> Any:
    return certificate("middle", key=OTHER_KEY, is_ca=is_ca, begins=BEGAN, days=days)


BELOW = certificate("server", names=[HOST], issuer="middle", signed_by=OTHER_KEY, begins=BEGAN)


@pytest.mark.parametrize(
    ("chains", "asked", "authority", "expected"),
    [
        ([[SERVER]], [BROKER], [ROOT], [(OK, "lead to the given CA")]),
        ([[SERVER]], [BROKER], None, [(OK, "not held against any CA")]),
        ([[BELOW, middle()]], [BROKER], [ROOT], [(OK, "lead to")]),
        ([[BELOW]], [BROKER], [ROOT], [(FAILED, "does not lead to")]),
        ([[BELOW, middle(is_ca=False)]], [BROKER], [ROOT], [(FAILED, "does not lead to")]),
        ([[BELOW, middle(days=5)]], [BROKER], [ROOT], [(FAILED, "CN=middle ended"), (FAILED, "does not lead to")]),
        (
            [[SERVER]],
            [BROKER],
            [certificate("root", key=OTHER_KEY, is_ca=True, begins=BEGAN)],
            [(FAILED, "does not lead")],
        ),
        ([[certificate("s", names=[HOST], begins=BEGAN, days=9)]], [BROKER], None, [(FAILED, "CN=s ended")]),
        ([[certificate("s", names=[HOST], begins=BEGAN, days=30)]], [BROKER], None, [(WARNING, "CN=s ends")]),
        ([[certificate("s", names=[HOST], begins=NOW + timedelta(days=1))]], [BROKER], None, [(FAILED, "CN=s begins")]),
        ([[certificate("s", names=["other"], begins=BEGAN)]], [BROKER], None, [(FAILED, f"bears {HOST}")]),
        ([[SERVER]], [BROKER, STORE], None, [(WARNING, "bears s3.trunk-data.svc")]),
        ([], [PLAIN], None, [(SKIPPED, "no address")]),
        ([], [Address("broker", "mq.city.vn", 5671, True, "Secret trunk-intake")], None, [(SKIPPED, "no address")]),
    ],
)
def test_certificates(chains: Any, asked: Any, authority: Any, expected: list[tuple[Level, str]]) -> None:
    held = [Chain("Secret tls", "trunk-data", each) for each in chains]
    by_operator = frozenset({("trunk-data", "tls")})
    says(judge_certificates(CertificatesSeen(NOW, held, asked, by_operator, authority)), *expected)


@pytest.mark.parametrize(
    ("names", "host", "is_borne"),
    [
        ([HOST], HOST.upper(), True),
        (["*.trunk-data.svc"], HOST, True),
        (["*.svc"], HOST, False),
        (["trunk-data.svc"], HOST, False),
        ([], HOST, False),
    ],
)
def test_names(names: list[str], host: str, is_borne: bool) -> None:
    assert bears(certificate("server", names=names, begins=BEGAN), host) is is_borne


def test_a_secret_without_a_certificate() -> None:
    assert chain_of(ConfigSource("Secret", "trunk-data", "tls", {"tls.crt": b"x"})).problem
    assert chain_of(ConfigSource("Secret", "trunk-data", "tls", {"tls.crt": pem(SERVER, ROOT)})).certificates == [
        SERVER,
        ROOT,
    ]
    assert KEY is not OTHER_KEY


# Nobody else's stores

SETTINGS = {
    "TRUNK_S3_ENDPOINT": "s3.trunk-data.svc:8333",
    "TRUNK_RABBITMQ_MANAGEMENT_URL": "https://rabbitmq.trunk-data.svc:15671",
    "TRUNK_BACKUP_S3_ENDPOINT": "backup.city.vn",
    "TRUNK_BACKUP_BUCKET": "trunk-backup",
}


@pytest.mark.parametrize(
    ("changed", "own_addresses", "expected"),
    [
        (None, [], (OK, "no other installation")),
        (
            {
                "TRUNK_S3_ENDPOINT": "s3.b.svc",
                "TRUNK_RABBITMQ_MANAGEMENT_URL": "http://b.svc",
                "TRUNK_BACKUP_BUCKET": "b",
            },
            [],
            (OK, "shares no store with staging"),
        ),
        (
            {"TRUNK_RABBITMQ_MANAGEMENT_URL": "http://b.svc", "TRUNK_BACKUP_BUCKET": "b"},
            [],
            (FAILED, "uses: object store"),
        ),
        ({"TRUNK_S3_ENDPOINT": "s3.b.svc", "TRUNK_BACKUP_BUCKET": "b"}, [], (FAILED, "uses: broker")),
        (
            {"TRUNK_S3_ENDPOINT": "s3.b.svc", "TRUNK_RABBITMQ_MANAGEMENT_URL": "x"},
            [],
            (FAILED, "uses: second store and bucket"),
        ),
        (
            {"TRUNK_S3_ENDPOINT": "s3.b.svc", "TRUNK_RABBITMQ_MANAGEMENT_URL": "x", "TRUNK_BACKUP_BUCKET": "b"},
            [Address("database", "mongodb.staging-data.svc", 27017, True, "Secret trunk-intake")],
            (FAILED, "database (Secret trunk-intake)"),
        ),
    ],
)
def test_installations(changed: Any, own_addresses: Any, expected: tuple[Level, str]) -> None:
    theirs = [Address("object store", "s3.staging-data.svc", 8333, True, "TRUNK_S3_ENDPOINT")]
    others = [] if changed is None else [Installation("staging", SETTINGS | changed, theirs)]
    own = [Installation("trunk", SETTINGS, own_addresses)]
    says(judge_installations(InstallationsSeen(own, others)), expected)


# Network policies

DNS = {
    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
    "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}},
}
KUBE_SYSTEM = NamespaceSeen("kube-system", {"kubernetes.io/metadata.name": "kube-system"})
DATA = Address("object store", "s3.trunk-data.svc", 8333, True, "TRUNK_S3_ENDPOINT")
NODE_LOCAL = [{"k8s-app": "kube-dns"}, {"k8s-app": "node-local-dns"}]
LINK_LOCAL = policy("node-local", egress=[{"to": [{"ipBlock": {"cidr": "169.254.20.10/32"}}]}])


@pytest.mark.parametrize(
    ("policies", "namespaces", "pods", "asked", "expected"),
    [
        ([policy(egress=[{"to": [DNS]}])], [KUBE_SYSTEM], [{"k8s-app": "kube-dns"}], [], [(OK, "1 policies")]),
        ([policy(egress=[{"to": [DNS]}])], [], [], [], [(FAILED, "reach a namespace that is not there")]),
        ([policy(ingress=[{"from": [DNS]}])], [], [], [], [(WARNING, "reached from a namespace that is not there")]),
        (
            [policy(egress=[{"to": [DNS]}])],
            [KUBE_SYSTEM],
            [{"k8s-app": "coredns"}],
            [],
            [(WARNING, "pods that are not there")],
        ),
        (
            [policy("a", egress=[{"to": [DNS]}]), policy("b", egress=[{"to": [DNS]}])],
            [],
            [],
            [],
            [(FAILED, "named by a, b")],
        ),
        ([policy(egress=[{"to": [{"podSelector": {"matchLabels": {"a": "b"}}}]}])], [], [], [], [(OK, "1 policies")]),
        ([policy(egress=[{"to": [DNS]}])], [KUBE_SYSTEM], NODE_LOCAL, [], [(FAILED, "NodeLocal DNSCache")]),
        ([policy(egress=[{"to": [DNS]}]), LINK_LOCAL], [KUBE_SYSTEM], NODE_LOCAL, [], [(OK, "2 policies")]),
        (
            [policy(egress=[{"to": [DNS]}])],
            [KUBE_SYSTEM],
            [{"k8s-app": "kube-dns"}],
            [DATA],
            [(FAILED, "no policy lets pods reach namespace trunk-data")],
        ),
        ([], [], [], [DATA], [(OK, "0 policies")]),
    ],
)
def test_policies(policies: Any, namespaces: Any, pods: Any, asked: Any, expected: list[tuple[Level, str]]) -> None:
    says(judge_policies(NetworkSeen(policies, namespaces, {"kube-system": pods}, asked)), *expected)


# Room, storage, jobs, the door, the broker


def pod(by: str, cpu: str, *, apart: bool = False) -> Pod:
    return Pod(by, {"cpu": Decimal(cpu), "memory": Decimal(1)}, apart)


def node(name: str, cpu: str) -> Node:
    return Node(name, {"cpu": Decimal(cpu), "memory": Decimal(100)})


@pytest.mark.parametrize(
    ("pods", "nodes", "expected"),
    [
        ([pod("a", "1")] * 2, [node("1", "1"), node("2", "1")], (OK, "2 pods ask for 2.0 cores")),
        ([pod("a", "1")] * 3, [node("1", "1"), node("2", "1")], (FAILED, "1 of a do not fit onto 2 nodes")),
        ([pod("a", "2")], [node("1", "1"), node("2", "1")], (FAILED, "1 of a")),
        ([pod("a", "1"), pod("b", "2")], [node("1", "2"), node("2", "1")], (OK, "2 pods")),
        ([pod("a", "1", apart=True)] * 3, [node("1", "9"), node("2", "9")], (FAILED, "1 of a")),
        ([pod("a", "1", apart=True)] * 3, [node("1", "9"), node("2", "9"), node("3", "9")], (OK, "3 pods")),
        ([pod("a", "1")] * 2, [node("1", "9")], (WARNING, "when it goes")),
        ([pod("a", "1")], [node("1", "9")], (OK, "1 pods")),
        ([pod("a", "1")], [], (FAILED, "no node takes pods")),
    ],
)
def test_room(pods: Any, nodes: Any, expected: tuple[Level, str]) -> None:
    says(judge_room(RoomSeen(pods, nodes)), expected)


def whole_node(**spec: Any) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": spec.pop("ready", "True")}]
    status = {"allocatable": {"cpu": "4", "memory": "8Gi"}, "conditions": conditions}
    return {"metadata": {"name": "n"}, "spec": spec, "status": status}


@pytest.mark.parametrize(
    ("whole", "free"),
    [
        (whole_node(), Decimal("3.5")),
        (whole_node(unschedulable=True), None),
        (whole_node(taints=[{"key": "a", "effect": "NoSchedule"}]), None),
        (whole_node(taints=[{"key": "a", "effect": "PreferNoSchedule"}]), Decimal("3.5")),
        (whole_node(ready="False"), None),
    ],
)
def test_what_is_free_on_a_node(whole: dict[str, Any], free: Decimal | None) -> None:
    spec = {"nodeName": "n", "containers": [{"resources": {"requests": {"cpu": "500m"}}}]}
    found = node_of(whole, [{"spec": spec}, {"spec": spec | {"nodeName": "other"}}])
    assert (found and found.free["cpu"]) == free


def test_a_pod_asks_for_its_containers_or_for_what_runs_before_them() -> None:
    def container(**requests: str) -> dict[str, Any]:
        return {"resources": {"requests": requests}}

    pod_spec = {
        "containers": [container(cpu="1"), container(cpu="1")],
        "initContainers": [container(cpu="3", memory="1Ki")],
    }
    assert requests_of(pod_spec) == {"cpu": 3, "memory": 1024}
    assert requests_of({"containers": [{"resources": {"limits": {"cpu": "1"}}}]}) == {"cpu": 1}


@pytest.mark.parametrize(
    ("name", "classes", "has_default", "expected"),
    [
        ("", ["fast"], True, (OK, "1 volumes")),
        ("", ["fast"], False, (FAILED, "default storage class")),
        ("fast", ["fast"], False, (OK, "1 volumes")),
        ("slow", ["fast"], True, (FAILED, "slow, which is not there")),
    ],
)
def test_storage(name: str, classes: list[str], has_default: bool, expected: tuple[Level, str]) -> None:
    says(judge_storage(StorageSeen([("Alertmanager trunk", name)], frozenset(classes), has_default)), expected)


@pytest.mark.parametrize(
    ("job", "expected"),
    [
        (JobWanted("trunk", "m", 1800), (OK, "1 jobs")),
        (JobWanted("trunk", "m", 1800, is_there=True), (WARNING, "in trunk already")),
        (JobWanted("trunk", "m", 1800, ["s"]), (FAILED, "would wait for s, and be given up after 30 minutes")),
        (JobWanted("trunk", "m", 0, ["s"]), (FAILED, "would wait for s")),
    ],
)
def test_jobs(job: JobWanted, expected: tuple[Level, str]) -> None:
    says(judge_jobs([job]), expected)


def service(port: int, kind: str = "LoadBalancer", *, address: bool = True) -> dict[str, Any]:
    return {
        "metadata": {"name": "s", "namespace": "trunk-data"},
        "spec": {"type": kind, "ports": [{"port": port}]},
        "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}] if address else []}},
    }


INGRESS = {"metadata": {"name": "i"}, "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}
NO_BROKER, NO_STORE = (WARNING, "to the broker"), (WARNING, "to the object store")


@pytest.mark.parametrize(
    ("is_wanted", "services", "ingresses", "expected"),
    [
        (False, [], [], [(SKIPPED, "names no door")]),
        (True, [], [], [NO_BROKER, NO_STORE]),
        (True, [service(5671)], [], [NO_STORE]),
        (True, [service(5671), service(443, "NodePort")], [], [(OK, "have an address")]),
        (True, [service(5671), service(8333, "ClusterIP")], [], [NO_STORE]),
        (True, [service(5671)], [INGRESS], [(OK, "have an address")]),
        (True, [service(5671, address=False)], [INGRESS], [(FAILED, "waits for its address")]),
    ],
)
def test_door(is_wanted: bool, services: Any, ingresses: Any, expected: list[tuple[Level, str]]) -> None:
    says(judge_door(DoorSeen(is_wanted, services, ingresses, ["trunk-data"])), *expected)


def broker(
    image: str = "rabbitmq:4.3-management", *, replicas: int = 3, ready: str = "True", plugin: bool = True
) -> Any:
    plugins = ["rabbitmq_event_exchange"] if plugin else []
    return {
        "metadata": {"name": "rabbitmq", "namespace": "trunk-data"},
        "spec": {"image": image, "replicas": replicas, "rabbitmq": {"additionalPlugins": plugins}},
        "status": {"conditions": [{"type": "AllReplicasReady", "status": ready}]},
    }


@pytest.mark.parametrize(
    ("clusters", "expected"),
    [
        ([], (SKIPPED, "elsewhere")),
        ([broker()], (OK, "1 broker")),
        ([broker("rabbitmq:4.10.1")], (OK, "1 broker")),
        ([broker("rabbitmq:4.2-management")], (FAILED, "older than 4.3")),
        ([broker("")], (WARNING, "default of its operator")),
        ([broker("rabbitmq@sha256:" + "a" * 64)], (WARNING, "does not tell its version")),
        ([broker(replicas=1)], (WARNING, "fewer than three")),
        ([broker(ready="False")], (FAILED, "not every node")),
        ([broker(plugin=False)], (FAILED, "rabbitmq_event_exchange")),
    ],
)
def test_brokers(clusters: Any, expected: tuple[Level, str]) -> None:
    says(judge_brokers(BrokersSeen(clusters)), expected)
