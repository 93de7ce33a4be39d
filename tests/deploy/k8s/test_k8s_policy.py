"""Other people's policy: checkov finds nothing but what is waived, each waiver with its reason and still needed."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from lab import k8s_tools
from lab.errors import Missing

from .conftest import K8S

WAIVERS = yaml.safe_load((K8S / "checkov-waivers.yaml").read_text())
LOOKED_AT = sorted({place for waiver in WAIVERS for place in waiver["where"]})
BAD = "bad.yaml"
BAD_POD = """
apiVersion: v1
kind: Pod
metadata: {name: bad, namespace: bad}
spec:
  hostNetwork: true
  containers:
    - {name: bad, image: bad, securityContext: {privileged: true}}
"""


@pytest.fixture(scope="module")
def findings(render_text: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> list[k8s_tools.Finding]:
    """All that checkov finds, in one run: in the overlays, and in a bad pod that shows it looks."""
    folder = tmp_path_factory.mktemp("checkov")
    for name in LOOKED_AT:
        (folder / f"{name.replace('/', '-')}.yaml").write_text(render_text(name))
    (folder / BAD).write_text(BAD_POD)
    try:
        return k8s_tools.checkov(sorted(folder.iterdir()))
    except Missing as error:
        pytest.skip(f"checkov skipped: {error}")


def test_all_overlays_are_looked_at() -> None:
    assert {f"overlays/{path.name}" for path in (K8S / "overlays").iterdir()} <= set(LOOKED_AT)


def test_it_finds_what_is_bad(findings: list[k8s_tools.Finding]) -> None:
    assert {"CKV_K8S_16", "CKV_K8S_19"} <= {each.check for each in findings if each.file == BAD}


def test_every_finding_is_waived_and_every_waiver_needed(findings: list[k8s_tools.Finding]) -> None:
    reported = {(each.check, Path(each.file).stem) for each in findings if each.file != BAD}
    waived = {(waiver["check"], place.replace("/", "-")) for waiver in WAIVERS for place in waiver["where"]}
    assert reported == waived
    assert all(waiver["why"] for waiver in WAIVERS)
