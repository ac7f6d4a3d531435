"""The model of one task is the part of the whole that leads to its output."""

import keras
import numpy as np
import pytest
from keras import layers, ops

import mtl_keras
from mtl_keras import MultiTaskModel, Task
from mtl_keras.extract import task_models
from tests import test_case as case
from tests.mtl_keras import test_graph as graphs
from tests.mtl_keras.sharing import cases

# The layers with weights behind each output, read off the drawings.
LAYERS = {
    graphs.shared_bottom: {"a": {"t", "a"}, "b": {"t", "b"}},
    graphs.head_reads_head: {"a": {"t", "a"}, "b": {"t", "a", "b"}},
    graphs.two_maps: {"a": {"low", "a"}, "b": {"low", "high", "b"}},
    graphs.nested_sequential: {
        "a": {"inner", "norm", "a"},
        "b": {"inner", "norm", "b"},
    },
    graphs.nested_that_branches: {
        "a": {"t", "in_a", "a"},
        "b": {"t", "in_b", "b"},
    },
    graphs.layer_in_two_heads: {
        "a": {"t", "pa", "twice", "a"},
        "b": {"t", "pb", "twice", "b"},
    },
    graphs.layer_in_trunk_and_head: {"a": {"twice", "a"}, "b": {"twice", "b"}},
    graphs.private_input: {"a": {"t", "a"}, "b": {"t", "own", "b"}},
    graphs.mmoe: {
        "a": {"e0", "e1", "e2", "ga", "a"},
        "b": {"e0", "e1", "e2", "gb", "b"},
    },
}


def arrays(model, seed=0):
    rng = np.random.default_rng(seed)
    return {
        tensor.name: rng.normal(size=(5, *tensor.shape[1:])).astype("float32")
        for tensor in model.inputs
    }


def outputs(model, values):
    """Runs a model on arrays by input; others than its own are left out."""
    chosen = [values[name] for name in names_of_inputs(model)]
    packed = keras.tree.pack_sequence_as(model.input, chosen)
    return {k: case.to_numpy(v) for k, v in model(packed).items()}


def names_of_inputs(model):
    return [tensor.name for tensor in model.inputs]


def with_named_inputs(model):
    # Inputs without a name get another one in each model.
    return MultiTaskModel.from_config(model.get_config())


def leaf_layers(model):
    names = set()
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            names |= leaf_layers(layer)
        elif layer.weights:
            names.add(layer.name)
    return names


def assert_is_a_part(model, alone):
    values = arrays(model)
    expected = outputs(model, values)
    for task, one in alone.items():
        received = outputs(one, values)
        assert set(received) == {task}
        np.testing.assert_array_equal(received[task], expected[task])
        ours = {id(variable) for variable in model.variables}
        assert ours.isdisjoint(id(variable) for variable in one.variables)


@pytest.mark.parametrize("build", LAYERS, ids=lambda build: build.__name__)
def test_holds_only_what_leads_to_its_output(build):
    inputs, tensors, *_ = build()
    model = with_named_inputs(MultiTaskModel(inputs, tensors))
    before = model.to_json()
    alone = task_models(model)
    assert {t: leaf_layers(one) for t, one in alone.items()} == LAYERS[build]
    assert_is_a_part(model, alone)
    # The model's own graph is as it was.
    assert model.to_json() == before


@pytest.mark.parametrize("name", sorted(cases.CASES))
def test_every_architecture_can_be_taken_apart(name):
    model = cases.build(name, **cases.CASES[name].arguments)
    alone = task_models(model)
    assert_is_a_part(model, alone)
    # The head of a has what its output reads, and never the head of b.
    assert "b" not in leaf_layers(alone["a"])
    reads_a = name in ("esmm", "aitm")
    assert ("a" in leaf_layers(alone["b"])) == reads_a


def test_inputs_that_lead_to_other_tasks_are_dropped():
    model = cases.build("adapters")
    alone = task_models(model, tasks=["b"])
    assert list(alone) == ["b"]
    assert names_of_inputs(alone["b"]) == ["b_input"]
    assert not any("a_input" in v.path for v in alone["b"].variables)


def test_training_one_model_changes_no_other():
    model = case.vector_model()
    model.compile("adam", loss_weights="cagrad", jit_compile=False)
    alone = task_models(model)
    x, labels = case.vector_data(20)
    before = {name: outputs(one, {"x": x}) for name, one in alone.items()}
    of_all = outputs(model, {"x": x})
    alone["cls"].compile("sgd", jit_compile=False)
    alone["cls"].fit(x, {"cls": labels["cls"]}, verbose=0)
    after = {name: outputs(one, {"x": x}) for name, one in alone.items()}
    assert not np.array_equal(after["cls"]["cls"], before["cls"]["cls"])
    for task in ("det", "box"):
        np.testing.assert_array_equal(after[task][task], before[task][task])
    for task, expected in outputs(model, {"x": x}).items():
        np.testing.assert_array_equal(expected, of_all[task])


def test_task_keeps_its_classes_loss_and_metrics():
    tasks = [
        Task("cls", "classification", class_names=("x", "y", "z")),
        *case.TASKS[1:],
    ]
    model = case.vector_model(tasks=tasks)
    model.compile(
        run_eagerly=True,
        loss={"cls": mtl_keras.losses.get("focal")},
        metrics={"cls": [keras.metrics.SparseCategoricalAccuracy(name="hits")]},
    )
    alone = task_models(model)
    assert alone["cls"].tasks["cls"].class_names == ("x", "y", "z")
    alone["cls"].compile("sgd", run_eagerly=True)
    x, labels = case.vector_data(20)
    expected, received = (
        one.evaluate(x, labels, verbose=0, return_dict=True)
        for one, labels in (
            (model, labels),
            (alone["cls"], {"cls": labels["cls"]}),
        )
    )
    assert {"cls_loss", "cls_hits"} <= received.keys()
    for key in ("cls_loss", "cls_hits"):
        assert received[key] == pytest.approx(expected[key], rel=1e-6)


def test_state_beside_the_weights_is_copied():
    x = keras.Input((4,), name="x")
    norm = layers.Normalization(name="norm")
    norm.adapt(np.random.default_rng(0).normal(3, 2, size=(50, 4)))
    h = layers.BatchNormalization(name="batch_norm")(norm(x))
    h = layers.Dense(3, name="frozen", trainable=False)(h)
    model = MultiTaskModel(
        x, {name: layers.Dense(1, name=name)(h) for name in "ab"}
    )
    model.get_layer("batch_norm").moving_mean.assign([1.0, 2.0, 3.0, 4.0])
    alone = task_models(model)
    assert_is_a_part(model, alone)
    assert not alone["a"].get_layer("frozen").trainable
    assert alone["a"].get_layer("batch_norm").trainable


def test_nested_model_that_casts_its_input_and_is_needed_in_part():
    inner = keras.Input((4, 1), name="inner")
    flat = layers.Flatten()(inner)
    parts = {name: layers.Dense(2, name=f"in_{name}")(flat) for name in "ab"}
    nested = keras.Model(inner, parts, name="nested")
    x = keras.Input((4,), dtype="int32", name="x")
    features = nested(x)
    model = MultiTaskModel(
        x, {n: layers.Dense(1, name=n)(features[n]) for n in "ab"}
    )
    values = np.arange(12, dtype="int32").reshape(3, 4)
    for task, one in task_models(model).items():
        assert leaf_layers(one) == {f"in_{task}", task}
        np.testing.assert_array_equal(
            case.to_numpy(one(values)[task]),
            case.to_numpy(model(values)[task]),
        )


def test_layers_of_nested_models_with_one_name_stay_apart():
    x = keras.Input((4,), name="x")
    outputs_ = {}
    nested = {}
    for name in ("left", "right"):
        inner = keras.Input((4,))
        tensors = [layers.Dense(3, name="same")(inner)]
        tensors.append(layers.Dense(3, name="other")(inner))
        nested[name] = keras.Model(inner, tensors, name=name)
    left, right = nested["left"](x), nested["right"](x)
    outputs_["a"] = layers.Dense(1, name="a")(ops.add(left[0], right[0]))
    outputs_["b"] = layers.Dense(1, name="b")(ops.add(left[1], right[1]))
    model = MultiTaskModel(x, outputs_)
    alone = task_models(model)
    assert leaf_layers(alone["a"]) == {"same", "right_same", "a"}
    assert_is_a_part(model, alone)


def test_layers_that_hold_one_layer_are_named():
    x = keras.Input((3, 4), name="x")
    dense = layers.Dense(2, name="dense")
    h = layers.TimeDistributed(dense, name="over_time")(x)
    h = layers.Flatten()(ops.add(h, dense(x)))
    model = MultiTaskModel(x, {n: layers.Dense(1, name=n)(h) for n in "ab"})
    with pytest.warns(UserWarning, match="'over_time' and 'dense'|'dense' and"):
        alone = task_models(model, ["a"])
    assert_is_a_part(model, alone)


class Scale(layers.Layer):
    """A layer whose config lacks an argument of its constructor."""

    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def get_config(self):
        return super().get_config()

    def call(self, inputs):
        return inputs * self.factor


def test_lambda_keeps_the_names_that_it_reads():
    x = keras.Input((4,), name="x")
    h = layers.Lambda(lambda t: ops.tanh(t) * np.pi)(x)
    model = MultiTaskModel(x, {n: layers.Dense(1, name=n)(h) for n in "ab"})
    assert_is_a_part(model, task_models(model))


class OwnCall(MultiTaskModel):
    def call(self, inputs, training=None, mask=None):
        outputs_ = super().call(inputs, training=training, mask=mask)
        return {name: 2 * output for name, output in outputs_.items()}


def sequential():
    return keras.Sequential([keras.Input((3,)), layers.Dense(1)])


def listed_outputs():
    x = keras.Input((3,))
    return keras.Model(x, [layers.Dense(1)(x)])


def subclassed():
    model = case.vector_model()
    return OwnCall(model.input, model.output)


def without_config():
    x = keras.Input((3,))
    return MultiTaskModel(x, {"a": layers.Dense(1, name="a")(Scale(2.0)(x))})


@pytest.mark.parametrize(
    "make, tasks, message",
    [
        (lambda: "model.keras", None, "functional model.*Received: str"),
        (lambda: MultiTaskModel, None, "the class MultiTaskModel"),
        (sequential, None, "Received: Sequential"),
        (listed_outputs, None, "outputs of type list"),
        (subclassed, None, "whose own `call`"),
        (without_config, None, "'scale'.*cannot be copied.*get_config"),
        (case.vector_model, ["clss"], "Did you mean 'cls'"),
        (case.vector_model, ["cls", "cls"], "named once"),
        (case.vector_model, "cls", "list of task names"),
        (case.vector_model, [], "at least one"),
        (case.vector_model, [1], "list of task names"),
    ],
)
def test_wrong_input_is_explained(make, tasks, message):
    with pytest.raises(ValueError, match=message) as error:
        task_models(make(), tasks)
    assert len(str(error.value).split()) <= 60


def test_member_of_a_group_names_the_group():
    x = keras.Input((3,))
    group = Task("group", "presence", names=("one", "two"))
    model = MultiTaskModel(
        x,
        {"group": layers.Dense(2, "sigmoid", name="group")(x)},
        tasks=[group],
    )
    assert task_models(model)["group"].tasks["group"].names == ("one", "two")
    with pytest.raises(ValueError, match="a column of the output 'group'"):
        task_models(model, ["two"])
