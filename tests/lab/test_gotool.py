"""What of the Go tools can be said without compiling anything."""

import pytest

from lab import gotool


@pytest.mark.parametrize(
    ("said", "enough"), [("go1.26.8", True), ("go1.27rc1", True), ("go1.25.9", False), ("go2.0", True), ("", False)]
)
def test_version_is_read_from_what_go_says(said: str, enough: bool) -> None:
    assert gotool.recent_enough(said) is enough


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("sigs.k8s.io/kustomize/kustomize/v5", "kustomize"),
        ("github.com/yannh/kubeconform/cmd/kubeconform", "kubeconform"),
        ("sigs.k8s.io/kwok/cmd/kwok", "kwok"),
    ],
)
def test_program_is_named_as_go_install_names_it(package: str, name: str) -> None:
    assert gotool.name_of(package) == name
