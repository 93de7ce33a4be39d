"""Checks that images are named by digest, and that no placeholder of the shipped overlays is left."""

import re
from collections.abc import Iterator

from trunkctl.doctor.finding import Finding, Level, ok
from trunkctl.install.manifests import Manifests, Object, at, name_of
from trunkctl.install.network import peers
from trunkctl.install.values import EXAMPLE

DIGEST = re.compile(r"@sha256:([0-9a-f]{64})$")
NO_DIGEST = "0" * 64
"""Stands in the production overlay until a release names one."""


def judge_images(manifests: Manifests) -> list[Finding]:
    """A tag may be another image tomorrow, and another one on each node."""
    named = sorted({str(each["image"]) for workload in manifests.workloads for each in workload.containers})
    findings = [finding for image in named for finding in _judge_image(image)]
    return findings or ok(f"{len(named)} images are named by digest")


def _judge_image(image: str) -> Iterator[Finding]:
    digest = DIGEST.search(image)
    act = "`kustomize edit set image NAME=REGISTRY/NAME@sha256:DIGEST`"
    if digest and digest[1] == NO_DIGEST:
        yield Finding(Level.FAILED, f"image {image.partition('@')[0]} has the digest of zeros", act)
    elif EXAMPLE.search(image):
        yield Finding(Level.FAILED, f"image {image} is of a registry that stands for yours", act)
    elif not digest:
        yield Finding(Level.WARNING, f"image {image} is named by a tag", act)


def judge_examples(manifests: Manifests) -> list[Finding]:
    """Names and addresses reserved for documentation reach no host."""
    act = "Put your own there, by a patch in the overlay."
    findings = [
        Finding(Level.FAILED, f"ConfigMap {name_of(each)}: {key} is an example: {value}", act)
        for each in manifests.of("ConfigMap")
        for key, value in (each.get("data") or {}).items()
        if key.startswith("TRUNK_") and EXAMPLE.search(str(value))
    ]
    findings += [
        Finding(Level.WARNING, f"policy {name_of(each)} lets pods reach an example only: {block}", act)
        for each in manifests.of("NetworkPolicy")
        for block in _blocks(each)
        if EXAMPLE.search(block)
    ]
    findings += [
        Finding(Level.WARNING, f"Probe {name_of(each)} tries an example: {target}", act)
        for each in manifests.of("Probe")
        for target in at(each, "spec", "targets", "staticConfig", "static") or []
        if EXAMPLE.search(target)
    ]
    return findings or ok("no setting, policy or probe is an example")


def _blocks(policy: Object) -> list[str]:
    return sorted({str(at(peer, "ipBlock", "cidr")) for _, peer in peers(policy) if at(peer, "ipBlock", "cidr")})
