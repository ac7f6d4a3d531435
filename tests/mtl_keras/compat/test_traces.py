"""The memory of traced steps is given back between trainings."""

import gc

import keras
import numpy as np
import pytest

from mtl_keras import compat
from tests import test_case as case

pytestmark = pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="JAX keeps no registry of gradients",
)


def trained():
    x, labels = case.vector_data(16)
    model = case.vector_model()
    model.compile("sgd", loss_weights="cagrad")
    model.fit(x, labels, batch_size=16, verbose=0)
    return model, (x, labels)


def num_graphs():
    gc.collect()
    return sum(type(each).__name__ == "FuncGraph" for each in gc.get_objects())


@pytest.mark.slow
def test_a_training_leaves_no_graph_behind():
    counts = []
    for _ in range(2):
        trained()
        keras.backend.clear_session()
        compat.release_traced_steps()
        counts.append(num_graphs())
    assert counts[1] <= counts[0]


@pytest.mark.slow
def test_a_model_trains_on_after_a_release():
    model, data = trained()
    before = model.get_weights()
    compat.release_traced_steps()
    # Another size of batch is traced anew.
    for batch_size in (16, 7):
        model.fit(*data, batch_size=batch_size, verbose=0)
    changes = [
        np.abs(one - other).max()
        for one, other in zip(before, model.get_weights(), strict=True)
    ]
    assert min(changes) > 0
