"""New heads read the features of a trained trunk, and move nothing else."""

import keras
import numpy as np
import pytest
from keras import layers

from mtl_keras import MultiTaskModel, Task, transfer
from tests import test_case as case
from tests.mtl_keras import test_graph as graphs
from tests.mtl_keras.sharing import cases

NEW = Task("new", "classification", num_classes=4)
# What the head of a new task reads: a layer of the graph, by hand.
READS = {
    graphs.shared_bottom: "t",
    graphs.head_reads_head: "t",
    graphs.skip_to_a_head: "t",
    graphs.nested_sequential: "trunk",
    graphs.nested_that_branches: "t",
    graphs.layer_in_two_heads: "t",
    graphs.sharing_that_spreads: "t",
    graphs.private_input: "t",
}
# What b has alone before its output layer, which `like` builds anew.
OF_B = {
    "adapters": {"new_input_adapter"},
    "cgc": {"new_zero", "new_one", "new_gate"},
    "cross_stitch": {"new_stitch_1"},
    # Its output is a product; both factors read the trunk.
    "esmm": set(),
    "hard": set(),
    "lora": {
        f"new_{s}_{part}" for s in ("zero", "one") for part in ("down", "up")
    },
    "low_rank": {"new_zero", "new_one"},
    "mmoe": {"new_gate"},
    "soft": {"new_zero", "new_one"},
}


def graph_model(build):
    inputs, outputs, *_ = build()
    return MultiTaskModel(inputs, outputs)


def numpy_outputs(model, x):
    return {k: case.to_numpy(v) for k, v in model(x).items()}


def random_inputs(model):
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(6, *t.shape[1:])) for t in model.inputs]
    arrays = [array.astype("float32") for array in arrays]
    return keras.tree.pack_sequence_as(model.input, arrays)


def trained_layers(model):
    return {v.path.split("/")[0] for v in model.trainable_variables}


@pytest.mark.parametrize("build", READS, ids=lambda build: build.__name__)
def test_head_reads_what_the_tasks_share(build):
    model = graph_model(build)
    x = random_inputs(model)
    new = transfer.add_task(model, NEW)
    layer = new.get_layer(READS[build])
    assert new.get_layer("new").input is layer.output
    before, after = numpy_outputs(model, x), numpy_outputs(new, x)
    for task, expected in before.items():
        np.testing.assert_array_equal(after[task], expected)
    assert trained_layers(new) == {"new"}
    # It is a model like any other.
    assert MultiTaskModel.from_config(new.get_config()).to_json()


@pytest.mark.parametrize("name", OF_B)
def test_like_builds_what_a_task_has_alone(name):
    model = cases.build(name)
    x, _ = cases.data(name)
    new = transfer.add_task(model, NEW, like="b")
    assert trained_layers(new) == OF_B[name] | {"new"}
    before, after = numpy_outputs(model, x), numpy_outputs(new, x)
    for task, expected in before.items():
        np.testing.assert_array_equal(after[task], expected)


def test_new_data_set_has_an_input_and_an_adapter_of_its_own():
    model = cases.build("adapters")
    x, _ = cases.data("adapters")
    inputs = {"b_input": keras.Input((3,), name="other")}
    options = {"like": "b", "inputs": inputs}
    new = transfer.add_task(model, NEW, **options)
    assert set(new.input) == {"a_input", "b_input", "other"}
    assert trained_layers(new) == {"new_input_adapter", "new"}
    assert new.get_layer("new_input_adapter").kernel.shape[0] == 3
    before = numpy_outputs(model, x)
    rng = np.random.default_rng(0)
    other = rng.normal(size=(24, 3)).astype("float32")
    after = numpy_outputs(new, {**x, "other": other})
    for task, expected in before.items():
        np.testing.assert_array_equal(after[task], expected)
    alone = transfer.features(model, NEW, **options)
    assert set(alone.input) == {"other"}
    # The trunk is that of the trained model.
    np.testing.assert_array_equal(
        case.to_numpy(alone.get_layer("one").kernel),
        case.to_numpy(model.get_layer("shared").get_layer("one").kernel),
    )


@pytest.mark.parametrize(
    "options, message",
    [
        ({"inputs": {}}, "without `like`"),
        ({"like": "b", "inputs": {"a_input": 1}}, "Unknown input of task 'b'"),
        ({"like": "b", "inputs": {"b_input": 1}}, "give a keras.Input"),
        ({"like": "b", "inputs": [1]}, "must be a dict"),
        (
            {
                "like": "b",
                "inputs": {"b_input": keras.Input((3,), name="b_input")},
            },
            "a name of its own",
        ),
    ],
)
def test_wrong_inputs_are_explained(options, message):
    with pytest.raises(ValueError, match=message):
        transfer.add_task(cases.build("adapters"), NEW, **options)


def test_at_names_a_layer_within_a_nested_model():
    model = graph_model(graphs.nested_sequential)
    new = transfer.features(model, NEW, at="inner")
    # The normalization behind it is not a part of the new model.
    assert {layer.name for layer in new.layers if layer.weights} == {
        "inner",
        "new",
    }
    inner = model.get_layer("trunk").get_layer("inner")
    for old, copied in zip(
        inner.weights, new.get_layer("inner").weights, strict=True
    ):
        np.testing.assert_array_equal(case.to_numpy(old), case.to_numpy(copied))


def test_layer_object_says_where_too():
    model = graph_model(graphs.two_maps)
    new = transfer.features(model, NEW, at=model.get_layer("high"))
    assert new.get_layer("new_attention").input is (
        new.get_layer("high").output
    )


def test_layer_that_moves_while_frozen_is_named():
    x = keras.Input((4,))
    h = layers.SpectralNormalization(layers.Dense(3), name="spectral")(x)
    model = MultiTaskModel(x, {n: layers.Dense(1, name=n)(h) for n in "ab"})
    with pytest.warns(UserWarning, match="'spectral' are frozen, but"):
        transfer.features(model, NEW)
    transfer.structure(model, NEW)


def test_features_are_those_of_the_trained_trunk():
    model = case.vector_model()
    new = transfer.features(model, [NEW, Task("other", "presence")])
    assert sorted(new.output) == ["new", "other"]
    assert trained_layers(new) == {"new", "other"}
    for old, copied in zip(
        model.get_layer("trunk").weights,
        new.get_layer("trunk").weights,
        strict=True,
    ):
        assert old is not copied
        np.testing.assert_array_equal(case.to_numpy(old), case.to_numpy(copied))


def test_structure_has_new_weights_and_trains_all_of_them():
    x = keras.Input((8,), name="x")
    norm = layers.Normalization(name="norm")
    norm.adapt(np.random.default_rng(0).normal(3, 2, size=(50, 8)))
    h = layers.Dense(5, name="frozen", trainable=False)(norm(x))
    model = MultiTaskModel(
        x, {name: layers.Dense(1, name=name)(h) for name in "ab"}
    )
    new = transfer.structure(model, NEW)
    kernels = [
        case.to_numpy(each.get_layer("frozen").kernel) for each in (model, new)
    ]
    assert kernels[0].shape == kernels[1].shape
    assert not np.any(kernels[0] == kernels[1])
    assert trained_layers(new) == {"frozen", "new"}
    # What was measured on the data is kept.
    values = random_inputs(model)
    np.testing.assert_array_equal(
        case.to_numpy(new.get_layer("norm")(values)),
        case.to_numpy(norm(values)),
    )


def test_earlier_tasks_keep_what_they_were_compiled_with():
    model = case.vector_model(tasks=None)
    model.compile(
        loss={
            "cls": "sparse_categorical_crossentropy",
            "det": "binary_crossentropy",
            "box": "mse",
        },
        metrics={"det": ["accuracy"]},
    )
    new = transfer.add_task(model, NEW)
    new.compile("sgd", jit_compile=False)
    assert set(new.tasks) == {"cls", "det", "box", "new"}
    assert new.tasks["det"].metrics == ("accuracy",)


def no_common_trunk():
    x = keras.Input((4,))
    towers = {n: layers.Dense(3, name=f"tower_{n}")(x) for n in "ab"}
    return MultiTaskModel(
        x, {n: layers.Dense(1, name=n)(h) for n, h in towers.items()}
    )


def no_layers_before_heads():
    x = keras.Input((4,))
    return MultiTaskModel(x, {n: layers.Dense(1, name=n)(x) for n in "ab"})


def a_layer_of_the_name():
    x = keras.Input((4,))
    h = layers.Dense(3, name="new")(x)
    return MultiTaskModel(x, {n: layers.Dense(1, name=n)(h) for n in "ab"})


@pytest.mark.parametrize(
    "make, options, message",
    [
        (no_common_trunk, {}, "no common trunk.*at='layer'.*like='a'"),
        (graphs.mmoe, {}, "no common trunk"),
        (lambda: cases.build("mmoe"), {}, "no common trunk"),
        (a_layer_of_the_name, {}, "layer or input 'new'"),
        (graphs.shared_bottom, {"at": "tt"}, "Did you mean 't'"),
        (graphs.layer_in_trunk_and_head, {"at": "twice"}, "2 calls"),
        (graphs.shared_bottom, {"at": "t", "like": "a"}, "Expected one of"),
        (graphs.shared_bottom, {"at": 3}, "Unknown layer 3"),
        (graphs.shared_bottom, {"like": "c"}, "Unknown task in `like`: 'c'"),
        (graphs.shared_bottom, {"head": "mlp"}, "`head` must be a function"),
        (graphs.shared_bottom, {"freeze": "no"}, "`freeze` must be True"),
        (no_layers_before_heads, {"like": "a"}, "no features before"),
    ],
)
def test_wrong_place_is_explained(make, options, message):
    model = make()
    if isinstance(model, tuple):
        inputs, outputs, *_ = model
        model = MultiTaskModel(inputs, outputs)
    with pytest.raises(ValueError, match=message) as error:
        transfer.add_task(model, NEW, **options)
    assert len(str(error.value).split()) <= 60


@pytest.mark.parametrize(
    "task, message",
    [
        (Task("cls", "presence"), "has a task 'cls' already"),
        ("new", "Expected a mtl_keras.Task"),
        ([NEW], "one task at a time"),
        (Task("new", loss="mse"), "has no kind"),
        (
            Task("new", "presence", names=("cls", "other")),
            "needs a name of its own",
        ),
    ],
)
def test_wrong_task_is_explained(task, message):
    with pytest.raises(ValueError, match=message):
        transfer.add_task(case.vector_model(), task)


@pytest.mark.parametrize("function", [transfer.features, transfer.structure])
def test_wrong_model_or_tasks_are_explained(function):
    with pytest.raises(ValueError, match="Received: Sequential"):
        function(keras.Sequential([layers.Dense(1)]), NEW)
    with pytest.raises(ValueError, match="name of its own"):
        function(case.vector_model(), [NEW, NEW])
    with pytest.raises(ValueError, match="sequence of mtl_keras.Task"):
        function(case.vector_model(), ["new"])
    with pytest.raises(ValueError, match="at least one task"):
        function(case.vector_model(), [])
