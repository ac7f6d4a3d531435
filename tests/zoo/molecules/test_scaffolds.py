"""Scaffolds are rings and linkers; equal ones are in one split."""

import collections
import gzip
import os
from pathlib import Path

import pytest

from zoo.datasets.tox21_assays.builder import scaffold_divisions
from zoo.molecules import circles, graphs, scaffolds


@pytest.mark.parametrize(
    "smiles",
    [
        ("c1ccccc1", "CCOc1ccc(N)cc1Cl", "Oc1ccccc1"),
        ("C1CC1CC1CC1", "CC1CC1CC1C(C)C1O", "OC1CC1CC1CC1.[Na+]"),
        ("O=C1CCCC1", "CC1CCCC1=O"),
        ("[nH+]1ccccc1C", "Cc1ccccn1"),
    ],
)
def test_side_chains_do_not_matter(smiles):
    assert len({*scaffolds.keys(smiles)}) == 1


def test_other_rings_and_linkers_are_other_scaffolds():
    smiles = ["C1CCCCC1", "c1ccccc1", "c1ccncc1", "C1CCCC1", "O=C1CCCCC1"]
    smiles += ["c1ccccc1-c1ccccc1", "c1ccccc1Cc1ccccc1", "c1ccc2ccccc2c1"]
    assert len({*scaffolds.keys(smiles)}) == len(smiles)


def test_without_a_ring_the_string_is_the_key():
    smiles = ["CCO", "C1CC", "", "CC(=O)O.[Na+]"]
    assert scaffolds.keys(smiles) == smiles


def test_more_atoms_than_the_first_size_are_read_whole():
    chain = "C" * 70
    long, other = f"c1ccccc1{chain}C1CC1", f"C1CC1{chain}c1ccccc1"
    first, second, third = scaffolds.keys([long, other, f"c1ccccc1{chain}"])
    assert first == second != third == scaffolds.keys(["c1ccccc1"])[0]
    huge = f"c1ccccc1{'C' * 160}"
    assert scaffolds.keys([huge]) == [huge]


def test_hash_does_not_depend_on_the_order_of_the_atoms():
    graph = graphs.parse(["CC(=O)Nc1ccc(O)cc1", "c1cc(ccc1O)NC(C)=O"], 16)
    found = circles.hashes(graph["atoms"], graph["bonds"], 3).numpy()[:, :, :11]
    assert sorted(found[3, 0]) == sorted(found[3, 1])
    # An atom's surroundings become more special with each bond.
    sizes = [len({*rounds[0]}) for rounds in found]
    assert sizes == sorted(sizes) and sizes[0] < sizes[-1]
    # The value of one process is that of each other.
    assert found[0, 0, 0] == circles_of_methyl()


def circles_of_methyl():
    """Hashes a methyl group's carbon with Python's integers."""
    mask = 2**64 - 1

    def mixed(code):
        code = (code + 0x9E3779B97F4A7C15) & mask
        for shift, factor in (
            (30, 0xBF58476D1CE4E5B9),
            (27, 0x94D049BB133111EB),
        ):
            code = ((code ^ (code >> shift)) * factor) & mask
        return code ^ (code >> 31)

    code = 0
    for feature in (6, 4, 0, 0, 0, 1):
        code = mixed((code + feature) & mask)
    return code


def test_large_scaffolds_are_for_training():
    benzenes = [f"{'C' * index}c1ccccc1" for index in range(20)]
    rings = [f"C1{'C' * index}C1" for index in range(1, 60)]
    splits = scaffold_divisions([*benzenes, *rings, *rings])
    assert {*splits[:20]} == {"train"}
    assert splits[20:79] == splits[79:]
    assert {*splits[20:]} == {"train", "validation", "test"}


@pytest.mark.real_data
@pytest.mark.slow
def test_no_scaffold_of_rdkit_is_in_two_splits():
    chem = pytest.importorskip("rdkit.Chem")
    murcko = pytest.importorskip("rdkit.Chem.Scaffolds.MurckoScaffold")
    folder = os.environ.get("MTL_KERAS_DATA")
    if not folder:
        pytest.skip("MTL_KERAS_DATA is not set")
    path = Path(folder) / "tox21" / "tox21.csv.gz"
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()[1:]
    smiles = [line.rsplit(",", 1)[1] for line in lines][::4]
    splits = collections.defaultdict(set)
    for text, split in zip(smiles, scaffold_divisions(smiles), strict=True):
        molecule = chem.MolFromSmiles(text)
        if molecule is not None and molecule.GetRingInfo().NumRings():
            scaffold = murcko.MurckoScaffoldSmiles(mol=molecule)
            splits[scaffold].add(split)
    assert len(splits) > 300
    assert all(len(names) == 1 for names in splits.values())
