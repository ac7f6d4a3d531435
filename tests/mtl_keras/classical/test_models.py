"""The linear models of several tasks, and the shared trees."""

import numpy as np
import pytest
from sklearn import linear_model, pipeline, preprocessing, tree

from mtl_keras.classical import (
    MultiTaskForest,
    MultiTaskLasso,
    MultiTaskRidge,
    TraceNorm,
)


def _two_sets(seed=0):
    rng = np.random.default_rng(seed)
    w = rng.normal(size=6)
    data = {}
    for name, count in (("a", 40), ("b", 25)):
        x = rng.normal(size=(count, 6)) * [1, 2, 5, 1, 0.1, 1] + 1
        data[name] = x, x @ w + rng.normal(size=count) + 2
    return data


def test_ridge_is_the_closed_form():
    data = _two_sets()
    alphas, penalty = {"a": 0.3, "b": 2.0}, 1.7
    model = MultiTaskRidge(
        penalty, task_weights=alphas, scale=False, intercept=False
    ).fit(data)
    gram = sum(a * data[t][0].T @ data[t][0] for t, a in alphas.items())
    cross = sum(a * data[t][0].T @ data[t][1] for t, a in alphas.items())
    expected = np.linalg.inv(gram + penalty * np.eye(6)) @ cross
    for name in data:
        np.testing.assert_allclose(
            model.coefficients[name], expected, rtol=0, atol=1e-8
        )


@pytest.mark.parametrize("scale", [False, True])
def test_ridge_is_scikit_learn_s_on_all_rows(scale):
    data = _two_sets()
    alphas = {"a": 0.3, "b": 2.0}
    model = MultiTaskRidge(1.7, task_weights=alphas, scale=scale).fit(data)
    x = np.concatenate([x for x, _ in data.values()])
    y = np.concatenate([y for _, y in data.values()])
    weights = np.repeat([0.3, 2.0], [40, 25])
    steps = [preprocessing.StandardScaler()] * scale
    reference = pipeline.make_pipeline(*steps, linear_model.Ridge(1.7))
    reference.fit(x, y, ridge__sample_weight=weights)
    np.testing.assert_allclose(
        model.predict("a", x), reference.predict(x), rtol=0, atol=1e-8
    )


def test_own_maps_lie_between_pooled_and_separate_ones():
    data = _two_sets()
    options = {"scale": False}
    apart = MultiTaskRidge(1e9, own_penalty=3.0, **options).fit(data)
    for name, (x, y) in data.items():
        alone = linear_model.Ridge(3.0).fit(x, y)
        np.testing.assert_allclose(
            apart.predict(name, x), alone.predict(x), atol=1e-5
        )
    pooled = MultiTaskRidge(3.0, own_penalty=1e10, **options).fit(data)
    np.testing.assert_allclose(
        pooled.coefficients["a"], pooled.coefficients["b"], atol=1e-6
    )
    # One step of the objective by hand: the solution is stationary.
    model = MultiTaskRidge(2.0, own_penalty=5.0, intercept=False, **options)
    model.fit(data)
    maps = np.stack(list(model.coefficients.values()))
    # v_t sum to w * penalty / own_penalty, from the two stationarity rules.
    shared = maps.sum(0) / (2 + 2.0 / 5.0)
    for w, (x, y) in zip(maps, data.values(), strict=True):
        slope = x.T @ (x @ w - y) + 5.0 * (w - shared)
        np.testing.assert_allclose(slope, 0, atol=1e-6)


def test_missing_labels_and_several_targets():
    x, y = _two_sets()["a"]
    both = np.stack([y, -y], 1)
    whole = MultiTaskRidge().fit({"a": (x[5:], both[5:])})
    both[:5] = np.nan
    part = MultiTaskRidge().fit({"a": (x, both)})
    assert part.coefficients["a"].shape == (6, 2)
    np.testing.assert_allclose(part.predict("a", x), whole.predict("a", x))


def _support(own_inputs):
    rng = np.random.default_rng(0)
    w = np.zeros((20, 4))
    w[[2, 7, 11]] = rng.normal(size=(3, 4)) + np.sign(rng.normal(size=(3, 4)))
    data, x = {}, None
    for k in range(4):
        if own_inputs or x is None:
            x = rng.normal(size=(50, 20))
        data[f"t{k}"] = x, x @ w[:, k] + 0.3 * rng.normal(size=50)
    return data


@pytest.mark.parametrize("own_inputs", [False, True])
def test_lasso_recovers_the_shared_support(own_inputs):
    model = MultiTaskLasso(0.25).fit(_support(own_inputs))
    assert list(np.flatnonzero(model.support())) == [2, 7, 11]
    for w in model.coefficients.values():
        assert list(np.flatnonzero(w)) == [2, 7, 11]


def test_lasso_is_scikit_learn_s():
    data = _support(own_inputs=False)
    x = data["t0"][0]
    y = np.stack([labels for _, labels in data.values()], 1)
    reference = linear_model.MultiTaskLasso(alpha=0.3, tol=1e-10).fit(x, y)
    one = MultiTaskLasso(0.3, scale=False).fit(data)
    # The same examples in another order: no longer one matrix of inputs.
    order = np.random.default_rng(0).permutation(50)
    data["t1"] = x[order], data["t1"][1][order]
    other = MultiTaskLasso(0.3, scale=False).fit(data)
    for k, name in enumerate(data):
        for model in (one, other):
            np.testing.assert_allclose(
                model.coefficients[name], reference.coef_[k], atol=1e-6
            )
            assert model.intercepts[name] == pytest.approx(
                reference.intercept_[k], abs=1e-6
            )


def _low_rank():
    rng = np.random.default_rng(0)
    w = rng.normal(size=(15, 2)) @ rng.normal(size=(2, 8))
    data = {}
    for k in range(8):
        x = rng.normal(size=(25, 15))
        data[f"t{k}"] = x, x @ w[:, k] + 0.5 * rng.normal(size=25)
    return data, w


def test_trace_norm_lowers_the_rank_to_the_planted_one():
    data, w = _low_rank()
    models = {a: TraceNorm(a, scale=False).fit(data) for a in (0.0, 0.2, 0.8)}
    assert models[0.0].rank() == 8
    assert 8 > models[0.2].rank() > models[0.8].rank() == 2
    errors = {
        alpha: np.linalg.norm(np.stack(list(m.coefficients.values()), 1) - w)
        for alpha, m in models.items()
    }
    assert errors[0.2] < 0.6 * errors[0.0]


def test_trace_norm_satisfies_its_optimality_condition():
    data, _ = _low_rank()
    alpha = 0.25
    model = TraceNorm(alpha, scale=False, tolerance=1e-12).fit(data)
    w = np.stack(list(model.coefficients.values()), 1)
    slope = []
    for name, (x, y) in data.items():
        x, y = x - x.mean(0), y - y.mean()
        slope.append(x.T @ (x @ model.coefficients[name] - y) / len(x))
    slope = np.stack(slope, 1)
    left, values, right = np.linalg.svd(w, full_matrices=False)
    rank = int(np.sum(values > 1e-8))
    # -slope / alpha is U V' plus a matrix of norm at most 1 beside it.
    rest = -slope / alpha - left[:, :rank] @ right[:rank]
    assert np.linalg.norm(rest, 2) <= 1 + 1e-5
    np.testing.assert_allclose(left[:, :rank].T @ rest, 0, atol=1e-5)


def test_a_shared_tree_is_scikit_learn_s_of_scaled_labels():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 4))
    y = {"a": 100 * np.sign(x[:, 0]) + 5, "b": np.stack([x[:, 1]] * 2, 1)}
    y["a"][:8] = np.nan
    model = MultiTaskForest(1, min_leaf=3).fit(x, y)
    predicted = model.predict(x)
    whole = np.concatenate([y["a"][8:, None], y["b"][8:]], 1)
    scaled = (whole - whole.mean(0)) / whole.std(0)
    reference = tree.DecisionTreeRegressor(min_samples_leaf=3, random_state=0)
    expected = reference.fit(x[8:], scaled).predict(x)
    expected = expected * whole.std(0) + whole.mean(0)
    np.testing.assert_allclose(predicted["a"], expected[:, 0])
    np.testing.assert_allclose(predicted["b"], expected[:, 1:])
    assert predicted["a"].shape == (80,)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda d: MultiTaskRidge(-1.0), "penalty"),
        (lambda d: MultiTaskRidge(own_penalty=0), "own_penalty"),
        (lambda d: MultiTaskLasso(-0.1), "`alpha` must be"),
        (lambda d: TraceNorm(float("nan")), "`alpha` must be"),
        (
            lambda d: MultiTaskRidge(task_weights={"a": -1}).fit(d),
            r"task_weights\['a'\]",
        ),
        (
            lambda d: MultiTaskRidge(task_weights={"aa": 1}).fit(d),
            "Did you mean 'a'",
        ),
        (
            lambda d: MultiTaskRidge(task_weights={"a": 0, "b": 0}).fit(d),
            "must be above 0",
        ),
        (
            lambda d: MultiTaskRidge(0.0).fit({"a": (d["a"][0][:4],) * 2}),
            "Gram matrix is singular",
        ),
        (lambda d: MultiTaskRidge().fit({}), "Expected a dict"),
        (lambda d: MultiTaskRidge().fit({"a": d["a"][0]}), "pair"),
        (
            lambda d: MultiTaskRidge().fit({"a": (d["a"][1], d["a"][1])}),
            r"x of shape \(40,\)",
        ),
        (
            lambda d: MultiTaskRidge().fit(
                {**d, "b": (d["b"][0][:, :3], d["b"][1])}
            ),
            "same input columns",
        ),
        (
            lambda d: TraceNorm().fit({"a": (d["a"][0], d["a"][1] * np.nan)}),
            "at least one label",
        ),
        (
            lambda d: TraceNorm().fit({"a": (d["a"][0] * np.nan, d["a"][1])}),
            "finite",
        ),
        (lambda d: TraceNorm().predict("a", d["a"][0]), "not fitted"),
        (lambda d: TraceNorm().rank(), "not fitted"),
        (
            lambda d: MultiTaskRidge().fit(d).predict("c", d["a"][0]),
            "Unknown task",
        ),
        (
            lambda d: MultiTaskRidge().fit(d).predict("a", d["a"][0][:, :2]),
            r"\(examples, 6\)",
        ),
        (
            lambda d: MultiTaskRidge().fit({"a": (d["a"][0], ["u"] * 40)}),
            "'a' must be numbers",
        ),
        (
            lambda d: MultiTaskRidge().fit({"a": ([[1], [1, 2]], [1, 2])}),
            "rows of one length",
        ),
        (
            lambda d: MultiTaskRidge().fit(d).predict(["a"], d["a"][0]),
            "Unknown task",
        ),
        (
            lambda d: MultiTaskForest().fit(d["a"][0] * np.inf, d),
            "infinite values",
        ),
        (lambda d: MultiTaskForest().fit(d, {"a": [1]}), "'x' must be numbers"),
        (lambda d: MultiTaskForest(0), "num_trees"),
        (lambda d: MultiTaskForest().predict(d["a"][0]), "not fitted"),
        (
            lambda d: MultiTaskForest().fit(
                d["a"][0], {"a": d["a"][1], "b": d["a"][1] * np.nan}
            ),
            "needs examples with labels of all",
        ),
    ],
)
def test_wrong_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(_two_sets())


def test_too_few_steps_are_told():
    with pytest.warns(UserWarning, match="not converged in 2 steps"):
        TraceNorm(0.01, max_steps=2).fit(_low_rank()[0])
