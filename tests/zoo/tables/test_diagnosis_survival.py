"""What is this entry's own: the two heads, and folders of one's own."""

import csv

import numpy as np
import pytest

import zoo
from mtl_keras import losses

SMALL = {"units": 4, "column_units": 2, "depth": 1}


def test_survival_is_a_risk_or_hazards():
    risk = zoo.load("diagnosis_survival", **SMALL)
    hazards = zoo.load("diagnosis_survival", survival="discrete", **SMALL)
    assert risk.tasks["survival"].default_loss().name == "cox"
    loss = hazards.tasks["survival"].default_loss()
    assert isinstance(loss, losses.DiscreteTime)
    shape = hazards.output["survival"].shape
    assert shape == (None, len(loss.edges) - 1)
    # The longest time in the data lies in the last interval.
    assert loss.edges[-2] < 2029 < loss.edges[-1]


def test_unknown_survival_is_named():
    with pytest.raises(ValueError, match="Did you mean 'cox'"):
        zoo.load("diagnosis_survival", survival="coxx", **SMALL)


def test_the_treatment_is_no_input():
    entry = zoo.registry.find("diagnosis_survival").entry
    spec = entry.spec("support2_joint")
    element = {"age": 3.0, "avtisst": 1.0, "death": 0, "survival": [3.0, 1.0]}
    inputs, labels = entry.example(spec)(element)
    assert (set(inputs), set(labels)) == ({"age"}, {"death", "survival"})


@pytest.mark.slow
def test_a_folder_of_ones_own_has_intervals_of_its_own(tmp_path):
    rng = np.random.default_rng(0)
    with (tmp_path / "patients.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["pulse", "ward", "disease", "time", "event"])
        for index in range(60):
            row = [rng.normal(80, 9), "ab"[index % 2], "xy"[index % 2]]
            rows.writerow([*row, rng.uniform(1, 9), index % 3 > 0])
    columns = {"survival": ("time", "event")}
    model = zoo.load(
        "diagnosis_survival",
        tmp_path,
        data_dir=tmp_path / "prepared",
        columns=columns,
        survival="discrete",
        **SMALL,
    )
    assert set(model.tasks) == {"disease", "survival"}
    assert model.tasks["disease"].class_names == ("x", "y")
    edges = model.tasks["survival"].default_loss().edges
    assert edges[0] == 0 and 8 < edges[-1] < 10 and len(edges) > 10
    batches = zoo.dataset(
        "diagnosis_survival",
        "train",
        tmp_path,
        data_dir=tmp_path / "prepared",
        columns=columns,
        tasks=("disease", "survival"),
        batch_size=16,
    )
    model.compile("sgd", jit_compile=False)
    history = model.fit(batches.take(1), verbose=0).history
    assert np.isfinite(history["survival_loss"]).all()
