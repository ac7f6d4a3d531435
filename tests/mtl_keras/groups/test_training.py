"""A group trains as its members would with a head each."""

import keras
import numpy as np
import pytest

from mtl_keras import MultiTaskModel, balancing
from tests.mtl_keras.groups import twins

GROUP = twins.GROUP
SETTINGS = [
    ("equal", {}),
    ("uncertainty", {}),
    ("cagrad", {"on": "features"}),
    ("pcgrad", {"on": "features", "monitor": True}),
    ("graddrop", {}),
    ("gradnorm", {"on": "last_shared"}),
    ("cagrad", {"on": "parameters", "update_every": 2}),
    ("moco", {}),
]


def trained(kind, setting, num_members=12, *, is_group, **compile_options):
    name, options = setting
    model = twins.model(kind, num_members, is_group=is_group)
    model.compile(
        keras.optimizers.SGD(0.3, momentum=0.9),
        loss_weights=balancing.get(name, **options),
        **{"run_eagerly": True, **compile_options},
    )
    x, y = twins.data(kind, num_members)
    logs = []
    # The last batch is uneven.
    for rows in (slice(0, 16), slice(16, 25)):
        batch = twins.labels(y[rows], is_group=is_group)
        logs.append(model.train_on_batch(x[rows], batch, return_dict=True))
    return model, logs


def assert_same_training(kind, setting, num_members=12, **options):
    group, logs = trained(kind, setting, num_members, is_group=True, **options)
    single, own = trained(kind, setting, num_members, is_group=False, **options)
    assert group.balancer.tasks == single.balancer.tasks
    for one, other in zip(
        [
            *group.get_layer("trunk").get_weights(),
            *twins.head_weights(group, kind, num_members),
        ],
        [
            *single.get_layer("trunk").get_weights(),
            *twins.head_weights(single, kind, num_members),
        ],
        strict=True,
    ):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
    for one, other in zip(logs, own, strict=True):
        each = [float(other[f"{n}_loss"]) for n in twins.names(num_members)]
        assert float(one[f"{GROUP}_loss"]) == pytest.approx(
            np.nanmean(each), rel=1e-5
        )
        assert float(one[f"{GROUP}_loss_worst"]) == pytest.approx(
            np.nanmax(each), rel=1e-5
        )
        assert float(one["loss"]) == pytest.approx(float(other["loss"]), 1e-5)


@pytest.mark.sampled
@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: f"{s[0]}{s[1]}")
def test_a_group_trains_as_separate_heads(setting):
    assert_same_training("presence", setting)


@pytest.mark.sampled
@pytest.mark.parametrize("kind", ["regression", "classification"])
def test_groups_of_other_kinds_train_as_separate_heads(kind):
    assert_same_training(kind, ("cagrad", {"on": "features"}), 5)


@pytest.mark.slow
def test_many_members_are_pulled_back_one_after_the_other():
    # Above 16 rows, a loop does it.
    assert_same_training("presence", ("cagrad", {"on": "parameters"}), 18)


@pytest.mark.slow
@pytest.mark.parametrize("on", ["features", "parameters"])
def test_a_compiled_step_trains_as_separate_heads(on):
    setting = ("cagrad", {"on": on})
    options = {"run_eagerly": False, "jit_compile": True}
    assert_same_training("presence", setting, 17, **options)


@pytest.mark.slow
def test_metrics_are_those_of_the_members():
    x, y = twins.data()
    results = []
    for is_group in (True, False):
        model = twins.model(
            is_group=is_group,
            metrics=("accuracy", "f1", "mae", "auc", "pr_auc"),
        )
        model.compile(run_eagerly=True)
        results.append(
            model.evaluate(
                x,
                twins.labels(y, is_group=is_group),
                batch_size=16,
                verbose=0,
                return_dict=True,
            )
        )
        if is_group:
            group = model
    summary, own = results
    for key, is_worst in (
        ("loss", np.nanargmax),
        ("accuracy", np.nanargmin),
        ("f1", np.nanargmin),
        ("mae", np.nanargmax),
        ("auc", np.nanargmin),
        ("pr_auc", np.nanargmin),
    ):
        each = np.array([own[f"{n}_{key}"] for n in twins.names(12)])
        assert np.isnan(each[3])
        assert summary[f"{GROUP}_{key}"] == pytest.approx(
            np.nanmean(each), 1e-5
        )
        worst = is_worst(each)
        assert summary[f"{GROUP}_{key}_worst"] == pytest.approx(
            each[worst], 1e-5
        )
        named = group.worst_members(GROUP, key, 3)
        assert len(named) == 3
        assert next(iter(named.values())) == pytest.approx(each[worst], 1e-5)
    assert set(summary) == set(group.metrics_names)
    assert not any(key.startswith("member") for key in summary)


def test_members_are_logged_on_request_and_the_worst_are_printed(capsys):
    model = twins.model(is_group=True, num_members=5, log_members=True)
    model.compile(
        loss_weights=balancing.get("gradnorm", on="features", monitor=True),
        run_eagerly=True,
    )
    x, y = twins.data(num_members=5)
    labels = twins.labels(y, is_group=True)
    history = model.fit(x, labels, validation_data=(x, labels), verbose=2)
    for key in ("loss", "accuracy", "val_loss", "val_auc", "weight"):
        prefix, _, end = key.rpartition("_")
        prefix = f"{prefix}_" if prefix else ""
        assert f"{prefix}member04_{end}" in history.history
    assert f"{GROUP}_auc, the worst: member" in capsys.readouterr().out


def test_the_monitor_of_a_group_is_a_summary():
    model, logs = trained(
        "presence",
        ("gradnorm", {"on": "features", "monitor": True}),
        is_group=True,
    )
    _, own = trained(
        "presence",
        ("gradnorm", {"on": "features", "monitor": True}),
        is_group=False,
    )
    for key in ("weight", "gradient_norm"):
        each = [float(own[1][f"{n}_{key}"]) for n in twins.names(12)]
        for end, of in (("", np.nanmean), ("_lowest", np.nanmin)):
            received = float(logs[1][f"{GROUP}_{key}{end}"])
            expected = of(each)
            if end == "":
                assert received == pytest.approx(expected, rel=1e-4)
    for key in ("cosine_mean", "num_conflicts"):
        assert float(logs[1][key]) == pytest.approx(float(own[1][key]), 1e-4)
    assert not any(key.startswith("member") for key in logs[1])


def test_class_and_sample_weights_are_those_of_the_members():
    x, y = twins.data(num_members=5)
    rng = np.random.default_rng(5)
    of_examples = rng.random(len(x)).astype("float32")
    ends = []
    for is_group in (True, False):
        model = twins.model(num_members=5, is_group=is_group)
        model.compile("sgd", run_eagerly=True)
        weight = (
            {GROUP: {1: 5.0}}
            if is_group
            else {n: {1: 5.0} for n in twins.names(5)}
        )
        weight["member01"] = {0: 3.0}
        model.train_on_batch(
            x,
            twins.labels(y, is_group=is_group),
            sample_weight=of_examples,
            class_weight=weight,
        )
        ends.append(model.get_layer("trunk").get_weights()[0])
    np.testing.assert_allclose(*ends, rtol=1e-5)


def test_weights_by_group_and_by_member():
    x, y = twins.data(num_members=5)
    ends = []
    for is_group in (True, False):
        model = twins.model(num_members=5, is_group=is_group)
        weights = {GROUP: 2.0} if is_group else dict.fromkeys(twins.names(5), 2)
        weights["member01"] = 0.5
        model.compile("sgd", loss_weights=weights, run_eagerly=True)
        model.train_on_batch(x, twins.labels(y, is_group=is_group))
        ends.append(model.get_layer("trunk").get_weights()[0])
        assert model.balancer.task_weights["member01"] == 0.5
        assert model.balancer.task_weights["member04"] == 2.0
    np.testing.assert_allclose(*ends, rtol=1e-5)
    model = twins.model(num_members=5, is_group=True)
    model.compile(loss_weights={})
    model.balancer.task_weights = {GROUP: 0.25}
    assert set(dict(model.balancer.task_weights).values()) == {0.25}
    preferred = balancing.get("cagrad", preference={GROUP: 3.0})
    model.compile(loss_weights=preferred)


def mixed(*, is_group):
    """A group of presences, one of regressions, and a single task."""
    inputs = keras.Input((twins.UNITS,))
    features = keras.layers.Dense(twins.HIDDEN, "tanh", name="trunk")(inputs)
    first = twins.outputs(features, "presence", 3, is_group=is_group)
    tasks = twins.tasks("presence", 3, is_group=is_group)
    outputs = {"alone": keras.layers.Dense(1, name="alone")(features), **first}
    tasks = [*tasks, twins.Task("alone", "regression")]
    if is_group:
        outputs["zz"] = keras.layers.Dense(2, name="zz")(features)
        tasks.append(twins.Task("zz", "regression", names=("zza", "zzb")))
    else:
        for name in ("zza", "zzb"):
            outputs[name] = keras.layers.Dense(1, name=name)(features)
            tasks.append(twins.Task(name, "regression"))
    return MultiTaskModel(inputs, outputs, tasks=tasks)


def test_groups_and_single_tasks_are_balanced_together():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(9, twins.UNITS)).astype("float32")
    y = rng.integers(0, 2, (9, 3)).astype("int32")
    z = rng.normal(size=(9, 3)).astype("float32")
    one, other = mixed(is_group=True), mixed(is_group=False)
    labels = {"alone": z[:, 0], GROUP: y, "zz": z[:, 1:]}
    own = {"alone": z[:, 0], **twins.labels(y, is_group=False)}
    own |= {"zza": z[:, 1], "zzb": z[:, 2]}
    for name in ("trunk", "alone"):
        other.get_layer(name).set_weights(one.get_layer(name).get_weights())
    for group, members in ((GROUP, twins.names(3)), ("zz", ("zza", "zzb"))):
        kernel, bias = one.get_layer(group).get_weights()
        for k, name in enumerate(members):
            other.get_layer(name).set_weights(
                [kernel[:, k : k + 1], bias[k : k + 1]]
            )
    ends = []
    for model, batch in ((one, labels), (other, own)):
        model.compile(
            keras.optimizers.SGD(0.3),
            loss_weights=balancing.get("cagrad", on="features"),
            run_eagerly=True,
        )
        model.train_on_batch(x, batch)
        ends.append(model.get_layer("trunk").get_weights()[0])
    assert one.balancer.tasks == other.balancer.tasks
    np.testing.assert_allclose(*ends, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["equal", "cagrad"])
def test_a_group_absent_from_a_batch_moves_nothing_of_its_own(name):
    model = mixed(is_group=True)
    options = {"on": "features"} if name == "cagrad" else {}
    model.compile(
        keras.optimizers.SGD(0.3),
        loss_weights=balancing.get(name, **options),
        run_eagerly=True,
    )
    before = model.get_layer(GROUP).get_weights()
    logs = model.train_on_batch(
        np.ones((4, twins.UNITS), "float32"),
        {"alone": np.zeros(4, "float32")},
        return_dict=True,
    )
    for one, other in zip(
        before, model.get_layer(GROUP).get_weights(), strict=True
    ):
        np.testing.assert_array_equal(one, other)
    assert np.isnan(logs[f"{GROUP}_loss"])
    assert np.isnan(logs[f"{GROUP}_loss_worst"])
