"""The partition of models whose shared and own variables are known."""

import json

import keras
import numpy as np
import pytest
from keras import layers, ops

from mtl_keras import graph
from tests.test_case import assert_close


def dense(name, units=6, **options):
    return layers.Dense(units, name=name, **options)


def answer(name, tensor):
    return dense(name, 1)(tensor)


def shared_bottom():
    x = keras.Input((8,))
    h = dense("t")(x)
    return x, {"a": answer("a", h), "b": answer("b", h)}, {"t"}, {}


def head_reads_head():
    x = keras.Input((8,))
    h = dense("t")(x)
    a = dense("a", 2)(h)
    b = answer("b", layers.Concatenate()([h, a]))
    return x, {"a": a, "b": b}, {"t", "a"}, {"a": set()}


def skip_to_a_head():
    x = keras.Input((8,))
    h = dense("t")(x)
    b = answer("b", layers.Concatenate()([h, x]))
    return x, {"a": answer("a", h), "b": b}, {"t"}, {}


def two_maps():
    x = keras.Input((8, 8, 3))
    low = layers.Conv2D(4, 3, name="low")(x)
    high = layers.Conv2D(4, 3, name="high")(low)
    a = answer("a", layers.GlobalAveragePooling2D()(low))
    b = answer("b", layers.GlobalAveragePooling2D()(high))
    # `high` reaches b only: it is b's own, though it looks like a trunk.
    return x, {"a": a, "b": b}, {"low"}, {"b": {"high", "b"}}


def nested_sequential():
    x = keras.Input((8,))
    trunk = keras.Sequential(
        [
            keras.Input((8,)),
            dense("inner"),
            layers.BatchNormalization(name="norm"),
            layers.Dropout(0.2),
        ],
        name="trunk",
    )
    h = trunk(x)
    return x, {"a": answer("a", h), "b": answer("b", h)}, {"inner", "norm"}, {}


def deferred_sequential():
    x = keras.Input((8,))
    h = keras.Sequential([dense("inner"), dense("inner2")], name="trunk")(x)
    outputs = {"a": answer("a", h), "b": answer("b", h)}
    return x, outputs, {"inner", "inner2"}, {}


def nested_that_branches():
    j = keras.Input((8,))
    h = dense("t")(j)
    inner = keras.Model(j, [dense("in_a")(h), dense("in_b")(h)], name="inner")
    x = keras.Input((8,))
    u, v = inner(x)
    outputs = {"a": answer("a", u), "b": answer("b", v)}
    return x, outputs, {"t"}, {"a": {"in_a", "a"}, "b": {"in_b", "b"}}


def layer_in_two_heads():
    x = keras.Input((8,))
    h = dense("t")(x)
    twice = dense("twice")
    a = answer("a", twice(dense("pa")(h)))
    b = answer("b", twice(dense("pb")(h)))
    # All that leads to a shared layer is trunk.
    return x, {"a": a, "b": b}, {"t", "pa", "pb", "twice"}, {}


def layer_in_trunk_and_head():
    x = keras.Input((6,))
    twice = dense("twice")
    h = twice(x)
    outputs = {"a": answer("a", twice(h)), "b": answer("b", h)}
    return x, outputs, {"twice"}, {}


def sharing_that_spreads():
    x = keras.Input((6,))
    h = dense("t")(x)
    twice, again = dense("twice"), dense("again")
    a = answer("a", twice(again(h)))
    b = answer("b", twice(h))
    # `again` leads to `twice` in a, so its call in c is shared as well.
    c = answer("c", again(dense("pc")(h)))
    outputs = {"a": a, "b": b, "c": c}
    return x, outputs, {"t", "twice", "again", "pc"}, {}


def private_input():
    x, y = keras.Input((8,), name="x"), keras.Input((3,), name="y")
    h = dense("t")(x)
    own = dense("own")(y)
    b = answer("b", layers.Concatenate()([h, own]))
    outputs = {"a": answer("a", h), "b": b}
    return [x, y], outputs, {"t"}, {"b": {"own", "b"}}


def frozen_trunk():
    x, outputs, shared, own = shared_bottom()
    keras.Model(x, outputs).get_layer("t").trainable = False
    return x, outputs, shared, own


def mmoe():
    x = keras.Input((8,))
    experts = ops.stack(
        [dense(f"e{k}", activation="relu")(x) for k in range(3)], 1
    )
    outputs = {}
    for name in "ab":
        gate = dense(f"g{name}", 3, activation="softmax")(x)
        mixed = ops.sum(experts * ops.expand_dims(gate, -1), 1)
        outputs[name] = answer(name, mixed)
    own = {"a": {"ga", "a"}, "b": {"gb", "b"}}
    return x, outputs, {"e0", "e1", "e2"}, own


class Stitch(layers.Layer):
    def build(self, shapes):
        self.mix = self.add_weight(shape=(2, 2), initializer="ones")

    def call(self, pair):
        a, b = pair
        m = self.mix
        return m[0, 0] * a + m[0, 1] * b, m[1, 0] * a + m[1, 1] * b

    def compute_output_shape(self, shapes):
        return tuple(shapes)


def cross_stitch():
    x = keras.Input((8,))
    a, b = Stitch(name="s1")((dense("a1")(x), dense("b1")(x)))
    a, b = Stitch(name="s2")((dense("a2")(a), dense("b2")(b)))
    outputs = {"a": answer("a", a), "b": answer("b", b)}
    return x, outputs, {"a1", "b1", "s1", "a2", "b2", "s2"}, {}


def masked_sequence():
    x = keras.Input((5,), dtype="int32")
    embedded = layers.Embedding(10, 4, mask_zero=True, name="emb")(x)
    h = layers.LSTM(6, return_sequences=True, name="lstm")(embedded)
    outputs = {
        name: answer(name, layers.GlobalAveragePooling1D()(h)) for name in "ab"
    }
    return x, outputs, {"emb", "lstm_cell"}, {}


def one_task():
    x = keras.Input((8,))
    return x, {"a": answer("a", dense("t")(x))}, set(), {"a": {"t", "a"}}


def forty_tasks():
    x = keras.Input((8,))
    h = dense("t")(x)
    return x, {f"k{i}": answer(f"k{i}", h) for i in range(40)}, {"t"}, {}


def no_trunk():
    x = keras.Input((8,))
    return x, {"a": answer("a", x), "b": answer("b", x)}, set(), {}


MODELS = [
    shared_bottom,
    head_reads_head,
    skip_to_a_head,
    two_maps,
    nested_sequential,
    deferred_sequential,
    nested_that_branches,
    layer_in_two_heads,
    layer_in_trunk_and_head,
    sharing_that_spreads,
    private_input,
    frozen_trunk,
    mmoe,
    cross_stitch,
    masked_sequence,
    one_task,
    forty_tasks,
    no_trunk,
]


def owners(variables):
    return {variable.path.split("/")[-2] for variable in variables}


def make(build):
    # The names of layers start anew; collecting garbage takes seconds.
    keras.utils.clear_session(free_memory=False)
    keras.utils.set_random_seed(0)
    inputs, outputs, shared, own = build()
    model = keras.Model(inputs, outputs)
    own = {name: own.get(name, {name}) for name in outputs}
    return model, shared, own


@pytest.mark.parametrize("build", MODELS)
def test_shared_and_own_variables_are_the_expected_ones(build):
    model, shared, own = make(build)
    parts = graph.partition(model)
    assert owners(parts.shared_variables) == shared
    for name, variables in parts.task_variables.items():
        assert owners(variables) == own[name], name
    total = [*parts.shared_variables]
    for variables in parts.task_variables.values():
        total += variables
    assert len({id(v) for v in total}) == len(total)
    assert {id(v) for v in total} == {id(w) for w in model.weights}


@pytest.mark.parametrize("build", MODELS)
def test_trunk_then_heads_reproduce_the_outputs(build):
    model, _, _ = make(build)
    rng = np.random.default_rng(0)
    given = [
        rng.integers(0, 10, (4, *t.shape[1:])).astype("int32")
        if t.dtype == "int32"
        else rng.normal(size=(4, *t.shape[1:])).astype("float32")
        for t in model.inputs
    ]
    expected = model(given if len(given) > 1 else given[0])
    tensors = [ops.convert_to_tensor(value) for value in given]
    received = graph.partition(model).run(tensors)
    assert set(received) == set(expected)
    for name, value in expected.items():
        assert_close(received[name], value, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("build", MODELS)
def test_model_is_left_as_it_was(build):
    model, _, _ = make(build)
    before = json.dumps(model.get_config(), default=str)
    nodes = [len(op._inbound_nodes) for op in model.operations]
    parts = graph.partition(model)
    parts.run(
        [ops.zeros((2, *t.shape[1:]), dtype=t.dtype) for t in model.inputs]
    )
    assert nodes == [len(op._inbound_nodes) for op in model.operations]
    assert json.dumps(model.get_config(), default=str) == before


def test_gradient_reaches_back_only_where_a_shared_variable_is_trained():
    parts = graph.partition(make(skip_to_a_head)[0])
    assert len(parts.frontier) == 2
    assert [parts.readers(slot) for slot in parts.live] == [["a", "b"]]
    assert graph.partition(make(frozen_trunk)[0]).live == ()
    assert graph.partition(make(no_trunk)[0]).live == ()


def test_description_names_trunk_frontier_and_heads():
    text = graph.describe(make(shared_bottom)[0])
    assert "trunk: 2 variables with 54 numbers, t" in text
    assert "read by a, b" in text
    assert "head b: 2 variables with 7 numbers, b" in text
    assert "independently" in graph.describe(make(no_trunk)[0])


def test_model_without_a_graph_is_refused():
    class Own(keras.Model):
        def call(self, x):
            return {"a": x}

    with pytest.raises(ValueError, match="functional model. Received: Own"):
        graph.partition(Own())


def test_unnamed_outputs_are_refused():
    x = keras.Input((2,))
    model = keras.Model(x, [dense("a")(x), dense("b")(x)])
    with pytest.raises(ValueError, match="flat dict of task name"):
        graph.partition(model)


def test_tasks_that_share_nothing_are_warned_of_at_compile():
    from mtl_keras import MultiTaskModel

    x, outputs, _, _ = no_trunk()
    model = MultiTaskModel(x, outputs)
    with pytest.warns(UserWarning, match="'a', 'b' share no variable") as seen:
        model.compile("sgd", loss="mse")
    # It points at the line that compiles.
    assert seen[0].filename == __file__
    x, outputs, _, _ = one_task()
    MultiTaskModel(x, outputs).compile("sgd", loss="mse")
