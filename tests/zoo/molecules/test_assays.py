"""SMILES strings become counts and tokens; the assays are a group."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo
from mtl_keras import Task
from mtl_keras.data import pipeline
from zoo.molecules.assays import Assays
from zoo.molecules.message_passing import NeighbourSum
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


@pytest.mark.parametrize("trunk", ["tokens", "both", "graph", "all"])
def test_each_trunk_answers_for_a_string(trunk):
    # With a few units all of them may be 0 at random.
    keras.utils.set_random_seed(0)
    model = zoo.load("assays", trunk=trunk, **SMALL)
    inputs, _ = model.preprocessor({"smiles": ["CCO", "c1ccccc1Cl"]})
    output = model.predict(
        {name: value.numpy() for name, value in inputs.items()}, verbose=0
    )["assays"]
    assert output.shape == (2, 12)
    assert (0 < output).all() and (output < 1).all()
    assert not np.allclose(output[0], output[1])


def _outputs(model, smiles):
    inputs, _ = model.preprocessor({"smiles": tf.constant(smiles)})
    return model(inputs)["assays"].numpy()


def test_a_graph_does_not_depend_on_how_it_is_written():
    model = zoo.load("assays", trunk="graph", atom_units=8, **SMALL)
    same = ["OCc1ccc(Cl)nc1", "c1cc(ncc1CO)Cl", "Clc1ccc(cn1)CO"]
    # Among larger ones, whose padding must not count.
    output = _outputs(model, [*same, "C" * 40, "OCc1ccc(N)nc1"])
    np.testing.assert_allclose(output[1], output[0], rtol=1e-4)
    np.testing.assert_allclose(output[2], output[0], rtol=1e-4)
    assert np.abs(output[4] - output[0]).max() > 1e-4
    np.testing.assert_allclose(_outputs(model, same), output[:3], rtol=1e-4)


def test_what_is_no_molecule_has_the_output_of_no_atoms():
    model = zoo.load("assays", trunk="graph", atom_units=8, **SMALL)
    output = _outputs(model, ["", "C1CC", "C(C", "\xff", "CC"])
    assert (output[:4] == output[0]).all() and (output[4] != output[0]).any()


def test_neighbours_are_weighed_by_their_bonds():
    # Atom 0 has a single bond to atom 1 and a double one to atom 2.
    x = np.array([[[9, 9]] * 3, [[1, 2], [3, 4], [5, 6]]], "float32")
    places = np.array([[[0, 0]] * 3, [[1, 2], [0, 0], [0, 0]]], "int32")
    kinds = np.zeros((2, 3, 2, 2), "float32")
    kinds[1, 0] = np.eye(2)
    layer = NeighbourSum()
    layer.build(x.shape, places.shape, kinds.shape)
    layer.weight.assign([[1, 10], [2, 20]])
    sums = np.asarray(layer(x, places, kinds))
    # 1 * 3 + 2 * 5 and 10 * 4 + 20 * 6.
    assert sums[1, 0].tolist() == [13, 160]
    assert not sums[0].any() and not sums[1, 1:].any()


def test_length_is_the_number_of_atoms():
    preprocessor = SmilesPreprocessor(("graph",), max_atoms=9)
    smiles = ["CCO", "[nH]1cccc1Cl", "C%12CC%12Br", "F/C=C/[13CH3:2]", "C" * 20]
    smiles += ["[[[C", "[C\xff]", "[C \n]C", "Q"]
    atoms = preprocessor({"smiles": smiles})[0]["atoms"]
    # Of what is no molecule at least that of its padding.
    for text in smiles:
        alone = preprocessor({"smiles": [text]})[0]["atoms"].shape[1]
        assert alone <= preprocessor.length({"smiles": text}) <= 9
    for text, ids in zip(smiles[:5], atoms[:5, :, 0].numpy(), strict=True):
        assert preprocessor.length({"smiles": text}) == np.count_nonzero(ids)
    alone = [int(preprocessor.length({"smiles": text})) for text in smiles]
    assert preprocessor.length({"smiles": smiles}).numpy().tolist() == alone


def test_molecules_of_a_batch_are_padded_to_few_sizes():
    smiles = ["C", "CC", "CCO", "C1CC", "C" * 6, "C" * 8, "[[[[[[[[[["]
    labels = np.arange(len(smiles), dtype="int32")
    source = tf.data.Dataset.from_tensor_slices((smiles, labels)).map(
        lambda text, label: ({"smiles": text}, {"number": label})
    )
    batches = pipeline(
        source,
        [Task("number", "classification", class_names=[*"abcdefg"])],
        preprocessor=SmilesPreprocessor(("graph", "ngrams"), 8),
        batch_size=4,
        bucket_lengths=(4, 8),
    )
    sizes = {}
    for inputs, numbers, _ in batches:
        assert inputs["bonds"].shape[1] == inputs["atoms"].shape[1]
        for number in numbers["number"].numpy():
            sizes[int(number)] = inputs["atoms"].shape[1]
    assert sizes == {0: 4, 1: 4, 2: 4, 3: 4, 4: 8, 5: 8, 6: 4}


def test_batches_are_of_similar_size():
    entry = Assays()
    spec = entry.spec("tox21_assays")
    assert entry.call("batching", spec, {"trunk": "ngrams"}) == {}
    lengths = entry.call("batching", spec, {"trunk": "all"})["bucket_lengths"]
    assert lengths[-1] == SmilesPreprocessor(("graph",)).max_atoms


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
    "overrides",
    [
        {"trunk": "graphs"},
        {"trunk": "tokens", "num_buckets": 9},
        {"trunk": "graph", "num_buckets": 9},
        {"trunk": "both", "rounds": 1},
    ],
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
