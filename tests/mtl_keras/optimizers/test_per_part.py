"""Each part of a model under an optimizer of its own."""

import keras
import numpy as np
import pytest

from mtl_keras import MultiTaskModel
from mtl_keras.optimizers import PerPart
from mtl_keras.training import checkpoint
from tests import test_case as case
from tests.test_case import assert_close

NO_METRICS = {"cls": [], "det": [], "box": []}
JIT = pytest.mark.parametrize("jit_compile", case.JIT_COMPILE)


def compiled(optimizer, model=None, **options):
    model = model or case.vector_model()
    model.compile(optimizer, metrics=NO_METRICS, **options)
    return model


def trained(optimizer, *, num_batches=1, **options):
    x, labels = case.vector_data(16 * num_batches)
    model = compiled(optimizer, **options)
    model.fit(x, labels, batch_size=16, shuffle=False, verbose=0)
    return model


def assert_same(received, expected):
    for one, other in zip(received, expected, strict=True):
        np.testing.assert_array_equal(case.to_numpy(one), case.to_numpy(other))


def everything():
    """Parts that use between them all that an optimizer can do."""
    optimizers = keras.optimizers
    schedule = optimizers.schedules.CosineDecay(0.05, 20)
    return {
        "trunk": optimizers.AdamW(
            0.01, weight_decay=0.1, use_ema=True, ema_momentum=0.5, clipnorm=1.0
        ),
        "cls": optimizers.SGD(
            schedule, momentum=0.9, gradient_accumulation_steps=2
        ),
        "heads": optimizers.RMSprop(
            0.01,
            global_clipnorm=0.1,
            use_ema=True,
            ema_overwrite_frequency=2,
        ),
    }


@pytest.mark.sampled
@JIT
def test_equal_parts_train_as_one_optimizer(jit_compile):
    def adam():
        return keras.optimizers.Adam(0.01, weight_decay=0.1, clipvalue=0.01)

    parts = PerPart({"trunk": adam(), "cls": adam(), "heads": adam()})
    received = trained(parts, num_batches=4, jit_compile=jit_compile)
    expected = trained(adam(), num_batches=4, jit_compile=jit_compile)
    for one, other in zip(
        received.get_weights(), expected.get_weights(), strict=True
    ):
        assert_close(one, other, atol=1e-7)


@pytest.mark.sampled
@JIT
def test_each_part_takes_the_step_of_its_own_optimizer(jit_compile):
    def of(part):
        return {
            "trunk": keras.optimizers.Adam(0.02),
            "cls": keras.optimizers.SGD(0.3),
            "heads": keras.optimizers.RMSprop(0.05),
        }[part]

    model = trained(
        PerPart({part: of(part) for part in ("trunk", "cls", "heads")}),
        jit_compile=jit_compile,
    )
    received = case.weights_of(model)
    layers = {"trunk": ["trunk"], "cls": ["cls"], "heads": ["box", "det"]}
    for part, names in layers.items():
        expected = case.weights_of(trained(of(part)))
        for name in names:
            for path in (f"{name}/kernel", f"{name}/bias"):
                # XLA rounds otherwise.
                assert_close(received[path], expected[path], atol=1e-5)


def test_norm_is_clipped_within_the_part():
    before = case.weights_of(case.vector_model())
    optimizer = PerPart(
        {
            "trunk": keras.optimizers.SGD(1.0, global_clipnorm=1e-3),
            "heads": keras.optimizers.SGD(1.0),
        }
    )
    after = case.weights_of(trained(optimizer))
    moved = {path: after[path] - before[path] for path in before}
    trunk = np.hypot(
        np.linalg.norm(moved["trunk/kernel"]),
        np.linalg.norm(moved["trunk/bias"]),
    )
    assert_close(trunk, 1e-3, rtol=1e-3)
    assert np.linalg.norm(moved["cls/kernel"]) > 1e-2


@pytest.mark.sampled
@JIT
def test_reload_in_mid_training_goes_on_alike(tmp_path, jit_compile):
    x, labels = case.vector_data(16 * 3)
    optimizer = PerPart(everything(), name="mine")
    model = trained(optimizer, num_batches=3, jit_compile=jit_compile)
    model.save(tmp_path / "model.keras")
    restored = keras.saving.load_model(tmp_path / "model.keras")
    assert restored.optimizer.name == "mine"
    assert list(restored.optimizer.parts) == ["trunk", "cls", "heads"]
    assert restored.optimizer.get_config() == model.optimizer.get_config()
    assert_same(restored.optimizer.variables, model.optimizer.variables)
    for each in (model, restored):
        each.fit(x, labels, batch_size=16, shuffle=False, verbose=0)
    assert_same(restored.weights, model.weights)
    assert_same(restored.optimizer.variables, model.optimizer.variables)


@pytest.mark.slow(on_jax=True)
def test_checkpoint_goes_on_alike(tmp_path):
    x, labels = case.vector_data(16 * 3)
    model = trained(PerPart(everything()), num_batches=3)
    checkpoint.save(model, tmp_path / "checkpoint.npz", {})
    restored = compiled(PerPart(everything()), case.vector_model(seed=1))
    restored.optimizer.build(restored.trainable_variables)
    checkpoint.restore(restored, tmp_path / "checkpoint.npz")
    for each in (model, restored):
        each.fit(x, labels, batch_size=16, shuffle=False, verbose=0)
    assert_same(restored.weights, model.weights)


def test_state_is_stored_once(tmp_path):
    import io
    import zipfile

    import h5py

    model = trained(PerPart({"trunk": "adam", "heads": "adam"}))
    model.save(tmp_path / "model.keras")
    with zipfile.ZipFile(tmp_path / "model.keras") as archive:
        data = io.BytesIO(archive.read("model.weights.h5"))
    stored = []
    with h5py.File(data) as file:
        file["optimizer"].visititems(
            lambda _, node: stored.extend([node] * hasattr(node, "size"))
        )
        assert len(stored) == len(model.optimizer.variables)


@pytest.mark.slow(on_jax=True)
@JIT
def test_mixed_precision_scales_the_loss_around_the_parts(
    tmp_path, jit_compile
):
    x, labels = case.vector_data(16 * 3)
    policy = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        model = trained(
            PerPart(everything()), num_batches=3, jit_compile=jit_compile
        )
        assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
        before = model.get_weights()
        model.save(tmp_path / "model.keras")
        restored = keras.saving.load_model(tmp_path / "model.keras")
        for each in (model, restored):
            each.fit(x, labels, batch_size=16, shuffle=False, verbose=0)
        assert_same(restored.weights, model.weights)
        moved = [
            np.abs(new - old).max()
            for new, old in zip(model.get_weights(), before, strict=True)
        ]
        assert 0 < min(moved) and max(moved) < 1
    finally:
        keras.config.set_dtype_policy(policy)


def test_task_without_a_loss_keeps_its_head():
    x, labels = case.vector_data(32)
    model = case.vector_model()
    before = case.weights_of(model)
    losses = {"cls": "sparse_categorical_crossentropy", "det": None}
    compiled(
        PerPart({"trunk": "sgd", "det": "sgd", "heads": "sgd"}),
        model,
        loss=losses,
    )
    model.fit(x, labels, verbose=0)
    after = case.weights_of(model)
    np.testing.assert_array_equal(before["det/kernel"], after["det/kernel"])
    assert not np.array_equal(before["cls/kernel"], after["cls/kernel"])


@pytest.mark.slow(on_jax=True)
def test_frozen_trunk_needs_no_optimizer_and_may_have_one():
    for parts in ({"heads": "sgd"}, {"heads": "sgd", "trunk": "adam"}):
        x, labels = case.vector_data(32)
        model = case.vector_model()
        model.get_layer("trunk").trainable = False
        before = case.weights_of(model)
        compiled(PerPart(parts), model).fit(x, labels, verbose=0)
        after = case.weights_of(model)
        assert before.keys() == after.keys()
        assert not np.array_equal(before["cls/kernel"], after["cls/kernel"])


def one_task(hidden):
    inputs = keras.Input((8,))
    features = keras.layers.Dense(4, name="hidden")(inputs)
    head = keras.layers.Dense(1, "sigmoid", name="det")
    outputs = {"det": head(features if hidden else inputs)}
    return MultiTaskModel(inputs, outputs)


def test_one_task_without_layers_before_its_head_is_all_head():
    x, labels = case.vector_data(32)
    loss = {"det": "binary_crossentropy"}
    with pytest.raises(ValueError, match="one task 'det' owns every variable"):
        one_task(hidden=False).compile(
            PerPart({"trunk": "sgd", "heads": "sgd"}), loss=loss
        )
    model = one_task(hidden=True)
    model.compile(PerPart({"heads": "sgd"}), loss=loss)
    model.fit(x, {"det": labels["det"]}, verbose=0)


def test_trunk_of_one_task_is_all_before_the_layers_named_after_it():
    model = one_task(hidden=True)
    optimizer = PerPart(
        {"trunk": keras.optimizers.SGD(0.1), "heads": keras.optimizers.SGD(1.0)}
    )
    optimizer.bind(model)
    before = case.weights_of(model)
    optimizer.apply(
        [keras.ops.ones(v.shape) for v in model.trainable_variables],
        model.trainable_variables,
    )
    after = case.weights_of(model)
    assert_close(before["hidden/bias"] - after["hidden/bias"], 0.1)
    assert_close(before["det/bias"] - after["det/bias"], 1.0)


def test_works_in_a_loop_of_ones_own():
    model = case.vector_model()
    optimizer = PerPart(
        {"trunk": keras.optimizers.SGD(0.1), "heads": keras.optimizers.SGD(1.0)}
    )
    optimizer.bind(model)
    before = case.weights_of(model)
    variables = model.trainable_variables
    ones = [keras.ops.ones(v.shape) for v in variables]
    optimizer.apply_gradients(zip(ones, variables, strict=True))
    optimizer.apply(ones)
    after = case.weights_of(model)
    assert_close(before["trunk/bias"] - after["trunk/bias"], 0.2)
    assert_close(before["box/bias"] - after["box/bias"], 2.0)
    assert int(optimizer.iterations) == 2


class TestLearningRate:
    def rates(self, optimizer):
        return {
            part: round(float(case.to_numpy(each.learning_rate)), 6)
            for part, each in optimizer.parts.items()
        }

    def optimizer(self):
        return PerPart(
            {
                "heads": keras.optimizers.SGD(0.4),
                "trunk": keras.optimizers.Adam(0.1),
            }
        )

    def test_is_the_trunks_and_moves_all(self):
        optimizer = self.optimizer()
        assert_close(optimizer.learning_rate, 0.1)
        optimizer.learning_rate = 0.05
        assert self.rates(optimizer) == {"heads": 0.2, "trunk": 0.05}

    def test_is_the_first_parts_without_a_trunk(self):
        optimizer = PerPart({"b": keras.optimizers.SGD(0.3), "a": "sgd"})
        assert_close(optimizer.learning_rate, 0.3)

    def test_schedule_cannot_be_set(self):
        optimizer = PerPart({"trunk": "sgd", **{"cls": everything()["cls"]}})
        with pytest.raises(TypeError, match="'cls' have a schedule"):
            optimizer.learning_rate = 0.1
        assert self.rates(optimizer)["trunk"] == 0.01

    def test_zero_cannot_be_multiplied(self):
        optimizer = PerPart({"trunk": keras.optimizers.SGD(0.0)})
        with pytest.raises(ValueError, match="while the trunk's is 0"):
            optimizer.learning_rate = 0.1

    @pytest.mark.parametrize("is_scaled", [False, True])
    def test_plateau_lowers_every_part(self, is_scaled):
        x, labels = case.vector_data(32)
        optimizer = inner = self.optimizer()
        if is_scaled:
            optimizer = keras.optimizers.LossScaleOptimizer(inner)
        model = compiled(optimizer)
        history = model.fit(
            x,
            labels,
            epochs=2,
            verbose=0,
            callbacks=[
                keras.callbacks.ReduceLROnPlateau(
                    monitor="loss", patience=1, factor=0.5, min_delta=1e6
                )
            ],
        ).history
        assert self.rates(inner) == {"heads": 0.2, "trunk": 0.05}
        if not is_scaled:
            assert_close(history["learning_rate_trunk"][0], 0.1)
            assert_close(history["learning_rate_heads"][0], 0.4)

    def test_scheduler_asks_for_each_part(self):
        x, labels = case.vector_data(32)
        model = compiled(self.optimizer())
        schedule = keras.callbacks.LearningRateScheduler(
            lambda epoch, rate: rate * 0.5
        )
        model.fit(x, labels, epochs=2, verbose=0, callbacks=[schedule])
        assert self.rates(model.optimizer) == {"heads": 0.1, "trunk": 0.025}


@pytest.mark.slow(on_jax=True)
def test_averages_are_swapped_for_evaluation():
    x, labels = case.vector_data(64)
    parts = {
        "trunk": keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.9),
        "heads": keras.optimizers.SGD(0.5),
    }
    model = compiled(PerPart(parts))
    logs = model.fit(
        x,
        labels,
        batch_size=16,
        epochs=2,
        verbose=0,
        validation_data=(x, labels),
        callbacks=[keras.callbacks.SwapEMAWeights(swap_on_epoch=True)],
    ).history
    # Swapped in for the evaluation and left in place at the end.
    again = model.evaluate(x, labels, verbose=0, return_dict=True)
    case.assert_close(again["loss"], logs["val_loss"][-1], rtol=1e-5)


@pytest.mark.slow(on_jax=True)
def test_average_of_a_part_alone_ends_the_training():
    x, labels = case.vector_data(64)

    def parts(**options):
        return {
            "trunk": keras.optimizers.SGD(0.5, **options),
            "heads": keras.optimizers.SGD(0.5),
        }

    plain = trained(PerPart(parts()), num_batches=4)
    averaged = trained(
        PerPart(parts(use_ema=True, ema_momentum=0.99)), num_batches=4
    )
    plain, averaged = case.weights_of(plain), case.weights_of(averaged)
    assert_close(plain["cls/kernel"], averaged["cls/kernel"], atol=1e-7)
    assert not np.allclose(plain["trunk/kernel"], averaged["trunk/kernel"])


class TestErrors:
    def test_part_that_is_not_there(self):
        with pytest.raises(ValueError) as error:
            compiled(PerPart({"trunk": "sgd", "cIs": "sgd", "heads": "sgd"}))
        assert str(error.value) == (
            "PerPart names the part 'cIs', which this model does not have. "
            "Its parts are 'trunk', 'heads', 'box', 'cls', 'det'. Did you mean "
            "'cls'? Received: parts with the keys ['trunk', 'cIs', 'heads']"
        )

    def test_head_without_an_optimizer(self):
        with pytest.raises(
            ValueError, match="no optimizer for the head of 'box'.*box/kernel"
        ):
            compiled(PerPart({"trunk": "sgd", "cls": "sgd", "det": "sgd"}))

    def test_trunk_without_an_optimizer(self):
        with pytest.raises(
            ValueError, match="no optimizer for the trunk.*Name 'trunk'"
        ):
            compiled(PerPart({"heads": "sgd"}))

    def test_failed_compile_leaves_the_model_as_it_was(self):
        model = compiled("sgd")
        with pytest.raises(ValueError, match="no optimizer"):
            compiled(PerPart({"heads": "sgd"}), model)
        x, labels = case.vector_data(16)
        model.fit(x, labels, verbose=0)

    @pytest.mark.filterwarnings("ignore:The tasks")
    def test_trunk_where_nothing_is_shared(self):
        inputs = keras.Input((8,))
        outputs = {n: keras.layers.Dense(1, name=n)(inputs) for n in "ab"}
        model = MultiTaskModel(inputs, outputs)
        with pytest.raises(ValueError, match="its tasks share no variable"):
            model.compile(PerPart({"trunk": "sgd", "heads": "sgd"}), loss="mse")

    def test_task_named_like_a_part(self):
        inputs = keras.Input((8,))
        hidden = keras.layers.Dense(2)(inputs)
        outputs = {
            name: keras.layers.Dense(1)(hidden) for name in ("trunk", "b")
        }
        model = MultiTaskModel(inputs, outputs)
        with pytest.raises(ValueError, match="Rename the task"):
            model.compile(PerPart({"trunk": "sgd", "heads": "sgd"}), loss="mse")

    @pytest.mark.parametrize("parts", [None, {}, "adam", ["adam"]])
    def test_no_dict(self, parts):
        with pytest.raises(ValueError, match="dict of part to optimizer"):
            PerPart(parts)

    @pytest.mark.parametrize("given", ["admn", None, 0.1])
    def test_no_optimizer(self, given):
        with pytest.raises(ValueError, match="part 'trunk'"):
            PerPart({"trunk": given})

    def test_one_object_twice(self):
        sgd = keras.optimizers.SGD()
        with pytest.raises(ValueError, match="second time for 'heads'"):
            PerPart({"trunk": sgd, "heads": sgd})

    def test_wrapper_inside(self):
        inner = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD())
        for each in (inner, PerPart({"trunk": "sgd"})):
            with pytest.raises(ValueError, match="goes around it"):
                PerPart({"trunk": each})

    def test_scale_of_one_part(self):
        sgd = keras.optimizers.SGD(loss_scale_factor=8.0)
        with pytest.raises(ValueError, match="The loss has one scale"):
            PerPart({"trunk": sgd})

    def test_no_model(self):
        optimizer = PerPart({"trunk": "sgd", "heads": "sgd"})
        with pytest.raises(ValueError, match="optimizer.bind"):
            optimizer.build(case.vector_model().trainable_variables)


@pytest.mark.slow(on_jax=True)
def test_common_scale_of_the_loss_changes_nothing():
    def parts():
        return {
            "trunk": keras.optimizers.SGD(0.1),
            "heads": keras.optimizers.SGD(0.2),
        }

    scaled = trained(PerPart(parts(), loss_scale_factor=64.0))
    plain = trained(PerPart(parts()))
    for one, other in zip(
        scaled.get_weights(), plain.get_weights(), strict=True
    ):
        assert_close(one, other, rtol=1e-5, atol=1e-6)
