"""The image recipe and what a build may see, without an engine."""

import re
import shutil
import subprocess

import pytest

from tests.system.trunk import BIN, ROOT, SERVICES

from .build_context import lets_in

RECIPE = ROOT / "deploy/Dockerfile"
BAKE = ROOT / "deploy/docker-bake.hcl"
IMAGES = (*SERVICES, "trunkctl", "canary")
TEXT = RECIPE.read_text()


def test_linter_has_nothing_to_say() -> None:
    program = BIN / "hadolint"
    if not program.exists():
        pytest.skip("Dockerfile lint skipped: hadolint is not installed")
    completed = subprocess.run([program, RECIPE], capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stdout


def test_no_stage_forgets_a_service() -> None:
    assert set(re.findall(r"^FROM .* AS code-(\w+)$", TEXT, re.M)) == set(IMAGES)
    assert set(re.findall(r"^FROM .* AS image-(\w+)$", TEXT, re.M)) == set(IMAGES)
    matrix = re.search(r"service = \[(.*?)\]", BAKE.read_text())
    assert matrix
    assert set(re.findall(r'"(\w+)"', matrix[1])) == set(IMAGES)


def test_commands_are_in_exec_form() -> None:
    """A shell between the engine and the process would keep SIGTERM for itself."""
    assert [line for line in TEXT.splitlines() if re.match(r"(CMD|ENTRYPOINT) (?!\[)", line)] == []


def test_no_base_is_latest_and_no_frontend_is_fetched() -> None:
    assert "syntax=" not in TEXT
    for image in re.findall(r"^ARG (?:BASE|UV)=(\S+)$", TEXT, re.M):
        assert re.search(r":[^/]*\d", image), image
        assert "latest" not in image


def test_secrets_are_mounted_and_never_copied() -> None:
    assert not re.search(r"^(COPY|ADD|ENV|ARG) .*(INDEX|TOKEN|PASSWORD|ca\.pem|uv\.toml)", TEXT, re.M)
    runs = [
        block for block in re.split(r"^(?=[A-Z]+ )", TEXT, flags=re.M) if block.startswith("RUN") and "uv sync" in block
    ]
    assert len(runs) == 2
    assert all("--mount=type=secret,id=ca," in run and "--mount=type=secret,id=uv_config," in run for run in runs)


def test_defaults_are_the_same_for_bake_and_for_build() -> None:
    for name in ("BASE", "UV"):
        default = re.search(rf"^ARG {name}=(\S+)$", TEXT, re.M)
        assert default
        assert f'variable "{name}" {{ default = "{default[1]}" }}' in BAKE.read_text()


@pytest.mark.parametrize(
    "path",
    [
        "pyproject.toml",
        "uv.lock",
        "libs/common/src/common/topology.py",
        "services/archive/src/archive/retention.toml",
        "services/notifier/src/notifier/templates/footer.j2",
        "tools/trunkctl/src/trunkctl/main.py",
        "tools/canary/src/canary/main.py",
    ],
)
def test_a_build_sees_what_it_needs(path: str) -> None:
    assert (ROOT / path).exists()
    assert lets_in(path)


@pytest.mark.parametrize(
    "path",
    [
        "deploy/compose/secrets/mongo_password",
        ".devstack/city/ca/root.key",
        ".devstack/users.json",
        ".env",
        ".git/config",
        "tests/conftest.py",
        "testing/mint/src/mint/keys.py",
        "testing/devstack/src/devstack/main.py",
        "testing/lab/src/lab/engine.py",
        "services/validator/src/validator/root.pem",
        "services/intake/.env",
        "tools/trunkctl/src/trunkctl/operator.key",
        "tools/canary/src/canary/unit.key",
        "docs/architecture.md",
    ],
)
def test_a_build_never_sees(path: str) -> None:
    assert not lets_in(path)


def test_no_tracked_file_that_a_build_sees_holds_a_key() -> None:
    git = shutil.which("git")
    assert git
    listed = subprocess.run([git, "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    seen = [ROOT / path for path in listed if path and lets_in(path)]
    assert len(seen) > 100
    assert [str(path) for path in seen if path.is_file() and b"PRIVATE KEY-----" in path.read_bytes()] == []
