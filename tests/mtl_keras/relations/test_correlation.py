"""Correlations are SciPy's and Lasso is scikit-learn's."""

import keras
import numpy as np
import pytest
from scipy import stats
from sklearn import linear_model

import mtl_keras
from mtl_keras import relations


def _columns(missing=0.3):
    rng = np.random.default_rng(0)
    a = rng.normal(size=60)
    columns = {
        "a": a,
        # Integers, hence ties between ranks.
        "b": np.round(a + rng.normal(size=60)),
        "c": -a + 0.5 * rng.normal(size=60),
    }
    for name in ("b", "c"):
        columns[name] = np.where(
            rng.random(60) < missing, np.nan, columns[name]
        )
    return columns


@pytest.mark.parametrize("method", ["pearson", "spearman"])
def test_correlation_of_common_rows_is_scipy_s(method):
    columns = _columns()
    matrix = relations.correlation(columns, method)
    function = {"pearson": stats.pearsonr, "spearman": stats.spearmanr}[method]
    for first, x in columns.items():
        for second, y in columns.items():
            both = ~np.isnan(x) & ~np.isnan(y)
            expected = function(x[both], y[both]).statistic
            assert matrix.between(first, second) == pytest.approx(expected)
    assert matrix.strengths()[0, 2] == pytest.approx(-matrix.matrix[0, 2])


def test_lasso_is_scikit_learn_s():
    columns = _columns()
    matrix = relations.lasso(columns, alpha=0.1)
    table = np.stack(list(columns.values()), 1)
    table = table[~np.isnan(table).any(1)]
    table = (table - table.mean(0)) / table.std(0)
    for j in range(3):
        others = [i for i in range(3) if i != j]
        model = linear_model.Lasso(alpha=0.1)
        model.fit(table[:, others], table[:, j])
        np.testing.assert_allclose(matrix.matrix[others, j], model.coef_)
        assert matrix.matrix[j, j] == 0


def test_lasso_gives_a_chain_its_links_alone():
    rng = np.random.default_rng(0)
    a = rng.normal(size=5000)
    b = a + rng.normal(size=5000)
    c = b + rng.normal(size=5000)
    columns = {"a": a, "b": b, "c": c}
    # a and c correlate by way of b, which explains c better.
    assert relations.correlation(columns).between("a", "c") > 0.5
    found = relations.lasso(columns, alpha=0.05)
    assert found.between("a", "c") == 0
    assert found.between("b", "c") > 0.5


def test_the_strongest_column_of_several_classes_counts():
    rng = np.random.default_rng(0)
    region = rng.integers(0, 3, 400)
    one_hot = np.eye(3)[region]
    price = -4.0 * (region == 2) + rng.normal(size=400)
    expected = max(
        abs(stats.pearsonr(one_hot[:, k], price).statistic) for k in range(3)
    )
    found = relations.correlation({"region": one_hot, "price": price})
    assert found.between("region", "price") == pytest.approx(expected)


def test_constant_columns_and_few_common_rows_are_nan_with_a_warning():
    columns = {**_columns(), "flat": np.full(60, 2.0)}
    with pytest.warns(UserWarning, match="6 ordered pairs.*a-flat"):
        found = relations.correlation(columns)
    assert np.isnan(found.between("a", "flat"))
    assert np.isfinite(found.only(["a", "b", "c"]).matrix).all()
    with pytest.warns(UserWarning, match="undefined"):
        assert np.isnan(relations.lasso(columns).between("flat", "a"))
    first = np.where(np.arange(60) < 31, columns["a"], np.nan)
    second = np.where(np.arange(60) > 28, columns["a"], np.nan)
    third = {"first": first, "second": second, "a": columns["a"]}
    with pytest.warns(UserWarning, match="fewer than 3"):
        found = relations.correlation(third)
    assert np.isnan(found.between("first", "second"))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda c: relations.correlation(c, "pearsn"), "Did you mean 'pears"),
        (lambda c: relations.correlation({"a": np.ones(9)}), None),
        (lambda c: relations.correlation({}), "Expected a dict"),
        (lambda c: relations.correlation(c["a"]), "Expected a dict"),
        (lambda c: relations.correlation({**c, "d": [1.0]}), "same examples"),
        (lambda c: relations.correlation({"a": ["x"]}), "must be numbers"),
        (lambda c: relations.correlation({"a": [np.inf, 1]}), "infinite"),
        (lambda c: relations.correlation({"a": np.ones((2, 2, 2))}), "shape"),
        (lambda c: relations.correlation(c, min_common=2), "min_common"),
        (lambda c: relations.lasso(c, alpha=-1), "alpha"),
        (lambda c: relations.lasso({"a": c["a"]}), "two or more tasks"),
        (lambda c: relations.lasso(c, min_common=59), "at least 59 rows"),
        (
            lambda c: relations.correlation(
                {"a": np.ones(9), "b": np.arange(9.0)}
            ),
            "No relation",
        ),
        (
            lambda c: relations.measure("pearson", None, None),
            "Did you mean 'label_pearson'",
        ),
        (
            lambda c: relations.measure("cka", None, None, alpha=1),
            "takes the options",
        ),
    ],
)
def test_wrong_input_is_refused(call, message):
    if message is None:
        # One task has nothing to be undefined with.
        assert call(_columns()).names == ("a",)
        return
    with pytest.raises(ValueError, match=message):
        call(_columns())


def _model():
    inputs = keras.Input((2,), name="x")
    tasks = [
        mtl_keras.Task("kind", "classification", num_classes=3),
        mtl_keras.Task("old", "classification", num_classes=2),
        mtl_keras.Task("price", "regression"),
        mtl_keras.Task("risk", "survival"),
        mtl_keras.Task("tests", "presence", names=("t1", "t2")),
    ]
    trunk = keras.layers.Dense(4, name="trunk")(inputs)
    outputs = {task.name: task.head.build(trunk, task) for task in tasks}
    return mtl_keras.MultiTaskModel({"x": inputs}, outputs, tasks=tasks)


def test_labels_and_predictions_become_columns():
    model = _model()
    y = {
        "kind": np.array([0, 2, -1]),
        "old": np.array([[1], [0], [-1]]),
        "price": np.array([1.5, np.nan, 2.0]),
        "risk": np.array([[3.0, 1], [4.0, 0], [np.nan, np.nan]]),
        "tests": np.array([[1, -1], [0, 1], [1, 0]]),
    }
    x = {"x": np.ones((3, 2), "float32")}
    columns = relations.label_columns(model, [(x, y), (x, {"old": y["old"]})])
    nan = np.nan
    expected = {
        "kind": [[1, 0, 0], [0, 0, 1], [nan] * 3],
        "old": [[1], [0], [nan]],
        "price": [[1.5], [nan], [2.0]],
        "risk": [[3.0, 1], [nan, 0], [nan, nan]],
        "t1": [[1], [0], [1]],
        "t2": [[nan], [1], [0]],
    }
    assert list(columns) == list(expected)
    for name, rows in expected.items():
        np.testing.assert_array_equal(columns[name][:3], rows)
        again = rows if name == "old" else np.full_like(rows, nan, dtype=float)
        np.testing.assert_array_equal(columns[name][3:], again)
    predicted = relations.prediction_columns(model, (x, y))
    outputs = model.predict(x, verbose=0)
    np.testing.assert_allclose(predicted["kind"], outputs["kind"], rtol=1e-6)
    np.testing.assert_allclose(
        predicted["old"], outputs["old"][:, 1:], rtol=1e-6
    )
    np.testing.assert_allclose(
        predicted["t2"], outputs["tests"][:, 1:], rtol=1e-6
    )
    with pytest.raises(ValueError, match="Did you mean 'price'"):
        relations.label_columns(model, (x, {"prize": y["price"]}))
    with pytest.raises(ValueError, match="labels as a dict"):
        relations.label_columns(model, (x, y["price"]))
