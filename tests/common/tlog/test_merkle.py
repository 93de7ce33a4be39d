"""Hashes and proofs against published vectors, and against a reference written from RFC 9162's definitions."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.tlog.merkle import (
    EMPTY_ROOT,
    ProofInvalid,
    check_consistency,
    check_inclusion,
    inclusion_ranges,
    leaf_hash,
    root_of,
)
from common.tlog.tree import Tree
from tests.common.tlog import reference
from tests.common.tlog.written import Written

LEAVES = [bytes.fromhex(each) for each in (
    "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
)]  # fmt: skip
"""Certificate Transparency's own vectors (merkle_tree_test of its reference implementation)."""
ROOTS = (
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
PATHS = {
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 3): ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",),
}


def entries(count: int) -> list[bytes]:
    return [f"entry {number}".encode() for number in range(count)]


def test_the_root_of_nothing() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert root_of([]) == EMPTY_ROOT


@pytest.mark.parametrize("size", range(1, 9))
def test_published_roots(size: int) -> None:
    assert root_of(LEAVES[:size]).hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("index", "size"), PATHS)
def test_published_inclusion_proofs(index: int, size: int) -> None:
    proof = Written(LEAVES[:size]).tree().inclusion(index)
    assert tuple(each.hex() for each in proof) == PATHS[index, size]


def test_the_proofs_of_the_example_in_section_2_1_5() -> None:
    assert inclusion_ranges(0, 7) == [(1, 2), (2, 4), (4, 7)]  # b, h, l
    assert inclusion_ranges(3, 7) == [(2, 3), (0, 2), (4, 7)]  # c, g, l
    assert inclusion_ranges(4, 7) == [(5, 6), (6, 7), (0, 4)]  # f, j, k
    assert inclusion_ranges(6, 7) == [(4, 6), (0, 4)]  # i, k


@pytest.mark.parametrize("size", [*range(1, 20), 255, 256, 257, 300])
def test_proofs_are_those_of_the_reference_and_lead_to_its_root(size: int) -> None:
    whole = entries(size)
    tree, root = Written(whole).tree(), reference.mth(whole)
    assert tree.root() == root_of(whole) == root
    for index in {0, size // 3, size // 2, size - 1}:
        proof = tree.inclusion(index)
        assert proof == reference.path(index, whole)
        check_inclusion(index, size, leaf_hash(whole[index]), proof, root)
    for old in {1, size // 3, size // 2, size - 1, size} - {0}:
        proof = tree.consistency(old)
        assert proof == reference.proof(old, whole)
        check_consistency(old, size, proof, reference.mth(whole[:old]), root)


@given(st.integers(1, 400), st.data())
def test_every_entry_is_provable_in_every_tree_that_holds_it(size: int, data: st.DataObject) -> None:
    whole = entries(size)
    tree = Written(whole, [data.draw(st.integers(0, size))]).tree()
    index = data.draw(st.integers(0, size - 1))
    check_inclusion(index, size, leaf_hash(tree.entry(index)), tree.inclusion(index), reference.mth(whole))
    old = data.draw(st.integers(0, size))
    check_consistency(old, size, tree.consistency(old), reference.mth(whole[:old]), tree.root())


SIZE = 11
TREE: Tree = Written(entries(SIZE)).tree()


@pytest.mark.parametrize("index", range(SIZE))
def test_no_other_place_leaf_root_or_proof_passes(index: int) -> None:
    leaf, proof, root = TREE.leaf(index), TREE.inclusion(index), TREE.root()
    other = leaf_hash(b"other")
    wrong: list[tuple[int, int, bytes, list[bytes], bytes]] = [
        (index, SIZE, other, proof, root),
        (index, SIZE, leaf, proof, other),
        (index, SIZE, leaf, proof[:-1], root),
        (index, SIZE, leaf, [*proof, other], root),
        (index, SIZE, leaf, [other, *proof], root),
        (SIZE, SIZE, leaf, proof, root),
        (-1, SIZE, leaf, proof, root),
        *((each, SIZE, leaf, proof, root) for each in range(SIZE) if each != index),
        *((index, SIZE, leaf, [*proof[:at], other, *proof[at + 1 :]], root) for at in range(len(proof))),
    ]
    for each in wrong:
        with pytest.raises(ProofInvalid):
            check_inclusion(*each)


@pytest.mark.parametrize(("old", "new"), list(itertools.combinations_with_replacement(range(SIZE + 1), 2)))
def test_no_other_history_passes(old: int, new: int) -> None:
    roots = [reference.mth(entries(size)) for size in range(SIZE + 1)]
    proof = Written(entries(new)).tree().consistency(old)
    check_consistency(old, new, proof, roots[old], roots[new])
    forked = reference.mth([b"other", *entries(SIZE)[1:old]])
    wrong = [
        (old, new, [*proof, forked], roots[old], roots[new]),
        (old, new, proof, forked, roots[new]),
        *((old, new, [*proof[:at], forked, *proof[at + 1 :]], roots[old], roots[new]) for at in range(len(proof))),
        *([(old, new, proof[:-1], roots[old], roots[new])] if proof else []),
        *([(old, new, proof, roots[old], forked)] if old else []),
        (new + 1, new, proof, roots[old], roots[new]),
    ]
    for each in wrong:
        with pytest.raises(ProofInvalid):
            check_consistency(*each)


def test_no_proof_about_what_is_not_there() -> None:
    for index, size in ((0, 0), (3, 3), (-1, 3)):
        with pytest.raises(ValueError, match="no leaf"):
            inclusion_ranges(index, size)
    with pytest.raises(ValueError, match="not before"):
        TREE.consistency(SIZE + 1)
    with pytest.raises(ValueError, match="no leaf"):
        TREE.entry(SIZE)
