"""Checks that every Secret and ConfigMap that a pod names exists, with its keys."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from trunkctl.doctor.finding import Finding, Level, ok
from trunkctl.install.kubectl import Kubectl
from trunkctl.install.manifests import Manifests, name_of, namespace_of
from trunkctl.install.references import CONFIG_MAP, SECRET, Reference, Source, brought, references

PAGE = "2-secrets"


@dataclass(frozen=True, slots=True)
class ConfigSource:
    """A Secret or ConfigMap of the cluster."""

    kind: str
    namespace: str
    name: str
    data: Mapping[str, bytes] = field(repr=False)

    def text(self, key: str) -> str:
        """A value; empty if there is none."""
        return self.data.get(key, b"").decode("utf-8", "replace").strip()


@dataclass(frozen=True, slots=True)
class SourcesSeen:
    """What is named, and what is there."""

    named: Sequence[Reference]
    brought: Sequence[Source]
    held: Sequence[ConfigSource]


def judge_sources(sources: SourcesSeen) -> list[Finding]:
    """One line a Secret or ConfigMap that is missing, or that lacks keys; names of keys only."""
    named: dict[tuple[str, str, str], list[Reference]] = {}
    for each in sources.named:
        named.setdefault((each.kind, each.namespace, each.name), []).append(each)
    brought = {(each.kind, each.namespace, each.name): each for each in sources.brought}
    held = {(each.kind, each.namespace, each.name): frozenset(each.data) for each in sources.held}
    findings = [finding for place, by in named.items() for finding in _judge_source(place, by, brought, held)]
    return findings or ok(f"{len(named)} Secrets and ConfigMaps are named, and are there or are made, with their keys")


def _judge_source(
    place: tuple[str, str, str],
    named: Sequence[Reference],
    brought: Mapping[tuple[str, str, str], Source],
    held: Mapping[tuple[str, str, str], frozenset[str]],
) -> Iterator[Finding]:
    kind, namespace, name = place
    needed = [each for each in named if not each.is_optional]
    keys = frozenset(key for each in named for key in each.keys)
    by = ", ".join(sorted({each.by for each in needed or named}))
    source = brought.get(place)
    has = source.keys if source and not (source.from_vault and place in held) else held.get(place)
    if has is None:
        if needed:
            wanted = f", with {', '.join(sorted(keys))}" if keys else ""
            says = f"{kind} {name} is not in {namespace}{wanted}; named by {by}"
            yield Finding(Level.FAILED, says, "Make it before you apply: the pods would not start.", _page(name))
    elif missing := sorted(keys - has):
        origin = "as the manifests make it " if source else ""
        says = f"{kind} {name} in {namespace} {origin}lacks {', '.join(missing)}; named by {by}"
        yield Finding(Level.FAILED, says, "Add the keys: the pods would not start.", _page(name))


def see_sources(manifests: Manifests, kubectl: Kubectl) -> SourcesSeen:
    """Reads the Secrets and ConfigMaps that are named, and no others."""
    named = references(manifests)
    return SourcesSeen(
        named, brought(manifests), [each for kind in (SECRET, CONFIG_MAP) for each in _held(kind, named, kubectl)]
    )


def _held(kind: str, named: Sequence[Reference], kubectl: Kubectl) -> Iterator[ConfigSource]:
    for namespace in sorted({each.namespace for each in named if each.kind == kind}):
        names = sorted({each.name for each in named if (each.kind, each.namespace) == (kind, namespace)})
        for whole in kubectl.items(kind.lower() + "s", *names, namespace=namespace):
            yield held(kind, whole)


def held(kind: str, whole: Mapping[str, object]) -> ConfigSource:
    """An object as the cluster gives it."""
    plain, encoded = ("stringData", "data") if kind == SECRET else ("data", "binaryData")
    data = {key: str(value).encode() for key, value in _part(whole, plain).items()}
    data |= {key: base64.b64decode(str(value)) for key, value in _part(whole, encoded).items()}
    return ConfigSource(kind, namespace_of(whole), name_of(whole), data)


def _part(whole: Mapping[str, object], name: str) -> Mapping[str, object]:
    part = whole.get(name)
    return part if isinstance(part, dict) else {}


def _page(name: str) -> str:
    return "3-trust" if name.startswith(("trunk-trust", "trunk-crls")) else PAGE
