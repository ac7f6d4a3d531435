"""What a model of many tasks logs and prints stays short."""

import keras
import numpy as np
import pytest
from keras import layers, ops

from mtl_keras import MultiTaskModel
from mtl_keras.model.balance_log import BalanceLog
from mtl_keras.model.collection import SplitCollection, packed
from mtl_keras.model.progress import shortened

NAMES = tuple(f"task_{k:02d}" for k in range(21))
RNG = np.random.default_rng(0)


def log_of(num_tasks):
    return BalanceLog(
        NAMES[:num_tasks], reads_gradients=True, is_weighting=True
    )


def cosines(rows, measured):
    """Those of each two measured rows that are not zero, one by one."""
    chosen = [k for k in measured if rows[k].any()]
    return [
        rows[i] @ rows[j] / np.linalg.norm(rows[i]) / np.linalg.norm(rows[j])
        for n, i in enumerate(chosen)
        for j in chosen[n + 1 :]
    ]


def test_the_cosines_of_many_pairs_are_summarised():
    log = log_of(12)
    expected = []
    for absent in ([], [3]):
        rows = RNG.normal(size=(12, 5)).astype("float32")
        rows[7] = 0.0
        present = np.ones(12, "float32")
        present[absent] = 0.0
        log.add(present, present, rows @ rows.T, is_new=True)
        values = np.array(cosines(rows, [k for k in range(12) if present[k]]))
        assert len(values) == (55, 45)[len(absent)]
        expected.append([values.mean(), values.min(), np.sum(values < 0)])
    # A step that computed no Gramian counts for nothing.
    log.add(present, present, np.zeros((12, 12), "float32"), is_new=False)
    logs = {key: float(value) for key, value in log.logs().items()}
    assert len(logs) == 12 + 12 + 3
    received = [
        logs[key] for key in ("cosine_mean", "cosine_lowest", "num_conflicts")
    ]
    np.testing.assert_allclose(received, np.mean(expected, axis=0), rtol=1e-5)


def test_each_cosine_of_ten_tasks_is_logged():
    keys = log_of(10).log_names
    assert sum(key.endswith("_cosine") for key in keys) == 45
    assert "task_03_task_08_cosine" in keys


def test_139_tasks_have_no_thousands_of_keys():
    names = tuple(f"task_{k:03d}" for k in range(139))
    log = BalanceLog(names, reads_gradients=True, is_weighting=True)
    assert len(log.log_names) == 2 * 139 + 3


def test_logs_of_many_tasks_are_printed_without_the_tasks_own():
    logs = {"loss": 1.0, "val_loss": 2.0, "learning_rate": 0.1}
    own = {f"{p}{n}_loss": 1.0 for n in NAMES for p in ("", "val_")}
    assert shortened({**logs, **own}, NAMES) == logs
    few = {"loss": 1.0, "task_00_loss": 2.0}
    assert shortened(few, NAMES[:20]) == few
    assert shortened(None, NAMES) == {}


@pytest.mark.parametrize(("num_tasks", "is_short"), [(3, False), (21, True)])
def test_the_progress_bar_of_many_tasks_is_short(capsys, num_tasks, is_short):
    inputs = keras.Input((3,))
    trunk = layers.Dense(4)(inputs)
    names = NAMES[:num_tasks]
    model = MultiTaskModel(inputs, {n: layers.Dense(1)(trunk) for n in names})
    model.compile("sgd", "mse", run_eagerly=True)
    x, y = np.zeros((4, 3), "float32"), np.zeros((4, 1), "float32")
    labels = dict.fromkeys(names, y)
    history = model.fit(x, labels, validation_data=(x, labels), verbose=2)
    model.evaluate(x, labels, verbose=2)
    printed = capsys.readouterr().out
    assert ("task_00_loss" in printed) != is_short
    assert printed.count("loss:") >= 3 and "val_loss:" in printed
    # The history has them all.
    assert len(history.history) == 2 * (1 + num_tasks)


def test_a_progress_bar_of_the_user_stays(capsys):
    inputs = keras.Input((3,))
    model = MultiTaskModel(inputs, {n: layers.Dense(1)(inputs) for n in NAMES})
    own = keras.callbacks.ProgbarLogger()
    with pytest.warns(UserWarning, match="share no variable"):
        model.compile("sgd", "mse", run_eagerly=True)
    x, y = np.zeros((4, 3), "float32"), np.zeros((4, 1), "float32")
    model.fit(x, dict.fromkeys(NAMES, y), verbose=2, callbacks=own)
    assert "task_00_loss" in capsys.readouterr().out


def num_operations(cls, num_tasks):
    """Counts those of an evaluation step, with what Keras adds to it."""
    import tensorflow as tf

    inputs = keras.Input((3,))
    trunk = layers.Dense(4)(inputs)
    names = NAMES[:num_tasks]
    outputs = {n: layers.Dense(1, "sigmoid", name=n)(trunk) for n in names}
    model = cls(inputs, outputs)
    model.compile(
        loss=dict.fromkeys(names, "binary_crossentropy"),
        metrics={name: ["accuracy"] for name in names},
    )
    x = np.zeros((4, 3), "float32")
    batch = (x, {name: np.zeros((4, 1), "float32") for name in names})
    # Makes the metrics of Keras, which a traced step cannot.
    model.test_on_batch(*batch)
    step = tf.function(lambda *batch: model.test_step(batch))
    return len(step.get_concrete_function(*batch).graph.get_operations())


@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow", reason="counts TensorFlow's graph"
)
def test_a_task_adds_few_operations_to_an_evaluation():
    """Tracing 139 tasks takes as long as their operations are many."""
    # Beyond Keras's: missing and illegal labels are found, counted, replaced.
    added = [
        num_operations(cls, 4) - num_operations(cls, 2)
        for cls in (MultiTaskModel, keras.Model)
    ]
    assert added[0] < 1.75 * added[1]


def test_what_many_tasks_hand_out_of_a_step_comes_back_as_it_was():
    batches = []
    for size, absent in ((4, ()), (3, ("a", "c"))):
        batch = {}
        for name, shape in (("a", ()), ("b", ()), ("c", (2,)), ("d", (2,))):
            label = RNG.integers(0, 9, (size, *shape)).astype("int32")
            output = RNG.normal(size=(size, *shape)).astype("float32")
            weight = RNG.random((size, *shape)).astype("float32")
            batch[name] = (label, output, weight)
            if name in absent:
                batch[name] = (None, output, None)
        batches.append(batch)
    collection = SplitCollection()
    for batch in batches:
        tensors = keras.tree.map_structure(
            lambda part: None if part is None else ops.convert_to_tensor(part),
            batch,
        )
        handed_out = packed(tensors)
        assert len(handed_out) < 12
        collection.add(handed_out)
    for place, arrays in enumerate(collection.arrays()):
        for name, whole in arrays.items():
            parts = [b[name][place] for b in batches]
            if parts[1] is None:
                # Labels that are absent weigh 0.
                parts[1] = np.zeros_like(parts[0][:3])
            np.testing.assert_array_equal(whole, np.concatenate(parts))
            assert whole.dtype == parts[0].dtype
