"""CKA has its known values and invariances."""

import keras
import numpy as np
import pytest

import mtl_keras
from mtl_keras import relations


def _features(seed, columns=5):
    return np.random.default_rng(seed).normal(size=(40, columns))


def test_known_values():
    x = np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]])
    # X'X = 2 I, of norm 2 sqrt(2); with the first column, X'Y has norm 2.
    assert relations.linear_cka(x, x) == pytest.approx(1.0)
    expected = 2**2 / (2 * np.sqrt(2) * 2)
    assert relations.linear_cka(x, x[:, :1]) == pytest.approx(expected)
    # Columns at right angles have nothing in common.
    assert relations.linear_cka(x[:, :1], x[:, 1:]) == pytest.approx(0.0)
    # Of single columns it is the squared correlation.
    a, b = _features(0, 1), _features(1, 1)
    b = a + b
    squared = np.corrcoef(a[:, 0], b[:, 0])[0, 1] ** 2
    assert relations.linear_cka(a, b) == pytest.approx(squared)


def test_orthogonal_maps_shifts_and_scales_change_nothing():
    x = _features(0)
    y = x[:, :3] ** 2 + x[:, 2:]
    expected = relations.linear_cka(x, y)
    turn = np.linalg.qr(_features(2, 5)[:5])[0]
    assert relations.linear_cka(1e-6 * x @ turn + 3, y) == pytest.approx(
        expected
    )
    skew = x * np.array([10, 1, 1, 1, 0.1])
    assert abs(relations.linear_cka(skew, y) - expected) > 0.01


def test_many_columns_take_the_other_way_to_the_same_value():
    x, y = _features(0, 300), _features(1, 90)
    y[:, :20] += x[:, :20]
    centred = [f - f.mean(0) for f in (x, y)]
    cross = np.linalg.norm(centred[0].T @ centred[1]) ** 2
    norms = [np.linalg.norm(f.T @ f) for f in centred]
    assert relations.linear_cka(x, y) == pytest.approx(cross / np.prod(norms))


def test_wrong_features_are_refused():
    x = _features(0)
    with pytest.raises(ValueError, match="same examples"):
        relations.linear_cka(x, x[:30])
    with pytest.raises(ValueError, match="finite"):
        relations.linear_cka(x, np.full_like(x, np.nan))
    with pytest.raises(ValueError, match="two or more examples"):
        relations.linear_cka(x[:1], x[:1])
    with pytest.raises(ValueError, match="dict of task name"):
        relations.cka(x)
    with pytest.warns(UserWarning, match="'flat' are constant"):
        found = relations.cka({"a": x, "flat": np.full((40, 2), 0.1)})
    assert np.isnan(found.between("a", "flat"))
    assert found.between("a", "a") == 1


def test_features_of_a_head_are_what_its_last_layer_reads():
    inputs = keras.Input((3,), name="x")
    trunk = keras.layers.Dense(4, "relu", name="trunk")(inputs)
    hidden = keras.layers.Dense(5, "tanh", name="hidden")(trunk)
    hidden = keras.layers.Dropout(0.5)(hidden)
    deep = keras.layers.Dense(1, name="deep")(hidden)
    linear = keras.layers.Dense(2, name="linear")(trunk)
    model = mtl_keras.MultiTaskModel(
        {"x": inputs}, {"deep": deep, "linear": linear}
    )
    x = {"x": np.random.default_rng(0).normal(size=(6, 3)).astype("float32")}
    features = relations.head_features(model, (x, {"deep": np.zeros(6)}))
    inner = keras.Model(inputs, [hidden, linear])
    for name, expected in zip(
        ("deep", "linear"), inner.predict(x["x"], verbose=0), strict=True
    ):
        np.testing.assert_allclose(features[name], expected, rtol=1e-5)
