"""Each cohort reads its own numbers; the trunk is shared."""

import keras
import numpy as np
import pytest

import zoo
from mtl_keras import graph

SMALL = {"units": 4, "column_units": 2}


def _numbers(model, cohort, num=5):
    """Raw numbers of patients of one cohort; NaN for the others."""
    rng = np.random.default_rng(0)
    return {
        name: rng.uniform(0, 9, (num, spec.shape[1])).astype("float32")
        if name == f"{cohort}_input"
        else np.full((num, spec.shape[1]), np.nan, "float32")
        for name, spec in model.preprocessor.input_signature().items()
    }


def test_a_risk_depends_on_its_own_numbers_alone():
    # So few units may all be zero at the start.
    keras.utils.set_random_seed(0)
    model = zoo.load("survival_cohorts", **SMALL)
    inputs, _ = model.preprocessor(_numbers(model, "whas"))
    outputs = model.predict(inputs, verbose=0)
    for task, risks in outputs.items():
        assert (np.ptp(risks) > 0) == (task == "whas")


def test_each_cohort_has_an_adapter_and_all_share_the_trunk():
    model = zoo.load("survival_cohorts", **SMALL)
    paths = [variable.path for variable in model.trainable_variables]
    assert sum("dense_0/kernel" in path for path in paths) == 1
    for task in model.tasks:
        assert sum(f"{task}_adapter" in path for path in paths) == 4
    shared = {v.path for v in graph.partition(model).shared_variables}
    assert {p for p in paths if "dense_0" in p} <= shared
    assert {*paths} - shared == {f"{task}/kernel" for task in model.tasks}


@pytest.mark.slow
def test_patients_of_one_cohort_train_it_alone():
    model = zoo.load("survival_cohorts", **SMALL)
    inputs, _ = model.preprocessor(_numbers(model, "gbsg", num=8))
    labels = {task: np.full((8, 2), np.nan, "float32") for task in model.tasks}
    labels["gbsg"] = np.stack([np.arange(8.0), np.ones(8)], 1)
    model.compile("sgd", jit_compile=False)
    adapter = model.get_layer("whas_adapter")
    before = [variable.numpy() for variable in adapter.trainable_variables]
    history = model.fit(inputs, labels, verbose=0).history
    assert history["gbsg_loss"][0] > 0
    assert np.isfinite(history["loss"]).all()
    for variable, old in zip(adapter.trainable_variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), old)


def test_one_cohort_reads_one_input():
    model = zoo.load("survival_cohorts", tasks="metabric", **SMALL)
    assert [tensor.name for tensor in model.inputs] == ["metabric_input"]


@pytest.mark.parametrize("name", ["units", "depth", "column_units"])
def test_sizes_are_checked(name):
    with pytest.raises(ValueError, match=f"`{name}`"):
        zoo.load("survival_cohorts", **{name: 0})
