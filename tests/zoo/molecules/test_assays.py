"""SMILES strings become counts and tokens; the assays are a group."""

import numpy as np
import pytest
import tensorflow as tf

import zoo
from zoo.molecules.smiles import NUM_TOKENS, SmilesPreprocessor

SMALL = {"units": 8, "depth": 1}


def _converted(smiles, **options):
    inputs, _ = SmilesPreprocessor(("ngrams", "tokens"), **options)(
        {"smiles": tf.constant(smiles)}
    )
    return {name: value.numpy() for name, value in inputs.items()}


@pytest.mark.parametrize(
    ("smiles", "num_tokens"),
    [("CCO", 3), ("ClC1CC%12Br", 7), ("[C@@H](N)O", 5), ("", 0), ("é C\n", 2)],
)
def test_strings_are_cut_into_atoms_bonds_and_rings(smiles, num_tokens):
    tokens = _converted([smiles])["tokens"][0]
    assert tokens.shape == (120,)
    assert np.count_nonzero(tokens) == num_tokens
    assert (tokens[num_tokens:] == 0).all() and tokens.max() < NUM_TOKENS


def test_ngrams_are_counted():
    counts = np.expm1(_converted(["CCOCC"], max_order=2)["ngrams"][0])
    # C 4 times, O once; CC twice, CO and OC once.
    assert sorted(np.round(counts[counts > 0])) == [1, 1, 1, 2, 4]


def test_one_molecule_is_a_row_of_the_batch():
    smiles = ["CCO", "", "c1ccccc1"]
    batch = _converted(smiles)
    for index, one in enumerate(smiles):
        for name, value in _converted(one).items():
            np.testing.assert_array_equal(value, batch[name][index])


@pytest.mark.parametrize("raw", [{"smiles": 3.0}, {"smiles": [["C"]]}, {}])
def test_other_inputs_are_refused(raw):
    with pytest.raises(ValueError, match="SmilesPreprocessor expects"):
        SmilesPreprocessor()(raw)


@pytest.mark.parametrize("trunk", ["ngrams", "tokens", "both"])
def test_each_trunk_answers_for_a_string(trunk):
    model = zoo.load("assays", trunk=trunk, **SMALL)
    inputs, _ = model.preprocessor({"smiles": ["CCO", "c1ccccc1Cl"]})
    output = model.predict(
        {name: value.numpy() for name, value in inputs.items()}, verbose=0
    )["assays"]
    assert output.shape == (2, 12)
    assert (0 < output).all() and (output < 1).all()
    assert not np.allclose(output[0], output[1])


def test_config_makes_the_same_preprocessor():
    preprocessor = SmilesPreprocessor(("tokens",), 64, 3, length=7)
    again = SmilesPreprocessor.from_config(preprocessor.get_config())
    assert again.get_config() == preprocessor.get_config()


def test_members_are_tasks():
    model = zoo.load("assays", **SMALL)
    assert model.tasks["assays"].names[0] == "NR-AR"
    labels = np.full((4, 12), -1, "int32")
    labels[:, 2] = [0, 1, 0, 1]
    model.compile("sgd", jit_compile=False)
    inputs, _ = model.preprocessor({"smiles": ["C", "CC", "CCO", "N"]})
    before = model.get_layer("assays").kernel.numpy()
    model.fit(inputs, {"assays": labels}, verbose=0)
    moved = np.abs(model.get_layer("assays").kernel.numpy() - before).max(0)
    # Only the column of the assay that was measured.
    assert moved[2] > 0 and moved[[0, 1, *range(3, 12)]].max() == 0


@pytest.mark.parametrize(
    "overrides", [{"trunk": "graph"}, {"trunk": "tokens", "num_buckets": 9}]
)
def test_what_cannot_be_built_is_named(overrides):
    with pytest.raises(ValueError, match="trunk"):
        zoo.load("assays", **overrides)


def test_predict_prints_each_assay(tmp_path, capsys):
    from zoo.commands import predict

    path = tmp_path / "assays.weights.h5"
    zoo.load("assays").save_weights(path)
    flags = ["--model=assays", f"--weights={path}"]
    assert predict.main([*flags, "CCO", "Cl"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["CCO", "Cl"]
    assert all(line.count("NR-") == 7 for line in lines)
