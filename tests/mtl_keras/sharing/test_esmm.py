"""ESMM and AITM: tasks in the order in which they happen."""

import keras
import numpy as np
import pytest

import mtl_keras
from mtl_keras import sharing
from tests.mtl_keras.sharing import cases

X, LABELS = cases.data("esmm")


def test_output_is_the_product_of_the_probabilities():
    model = cases.build("esmm")
    layer = model.get_layer("b_given_a")
    conditional = keras.Model(model.input, layer.output)
    outputs = model(X)
    np.testing.assert_allclose(
        outputs["b"], outputs["a"] * conditional(X), atol=1e-6
    )


def test_rows_without_a_click_train_the_conditional():
    model = cases.build("esmm")
    before = model.get_layer("b_given_a").get_weights()[0]
    model.compile(keras.optimizers.SGD(0.1))
    nothing = {"a": np.zeros(24, "int32"), "b": np.zeros(24, "int32")}
    model.fit(X, nothing, verbose=0)
    after = model.get_layer("b_given_a").get_weights()[0]
    assert not np.array_equal(before, after)


def test_three_tasks_multiply_along_the_chain():
    names = ("view", "click", "buy")
    model = mtl_keras.build(
        keras.Input((8,)),
        [mtl_keras.Task(name, "presence") for name in names],
        trunk=cases.stages(),
        sharing="esmm",
    )
    layers = ("view", "click_given_view", "buy_given_click")
    each = [
        keras.Model(model.input, model.get_layer(name).output)(X)
        for name in layers
    ]
    expected = np.prod([keras.ops.convert_to_numpy(e) for e in each], axis=0)
    np.testing.assert_allclose(model(X)["buy"], expected, atol=1e-6)


@pytest.mark.parametrize("name", ["esmm", "aitm"])
@pytest.mark.parametrize(
    "tasks",
    [
        [mtl_keras.Task("a", "presence")],
        [mtl_keras.Task("a", "presence"), mtl_keras.Task("b", "regression")],
    ],
)
def test_other_tasks_are_refused(name, tasks):
    with pytest.raises(ValueError, match="two or more tasks of the kind"):
        mtl_keras.build(
            keras.Input((8,)), tasks, trunk=cases.stages(), sharing=name
        )


@pytest.mark.parametrize("name", ["esmm", "aitm", "adapters"])
def test_stands_on_another_architecture(name, tmp_path):
    model = cases.build(name, base={"name": "soft", "strength": 0.5})
    assert model.sharing.base.strength == 0.5
    assert len(model.sharing.penalties(model)) == 2
    path = tmp_path / "model.keras"
    model.save(path)
    again = keras.models.load_model(path)
    assert type(again.sharing.base) is sharing.Soft
    received = sum(float(p) for p in again.sharing.penalties(again))
    expected = sum(float(p) for p in model.sharing.penalties(model))
    assert received == pytest.approx(expected, rel=1e-6)


def test_unknown_base_is_refused():
    with pytest.raises(ValueError, match="Unknown sharing: 'sofft'"):
        sharing.get("esmm", base="sofft")
