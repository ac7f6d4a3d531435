"""Names of a group's members, and the errors of wrong ones."""

import pathlib
import re

import keras
import numpy as np
import pytest
from keras import layers

from mtl_keras import LabelSpec, MultiTaskModel, Task, balancing, graph, heads
from tests.mtl_keras.groups import twins

GROUP = twins.GROUP
ROOT = pathlib.Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"names": ("a", "b", "a")}, "'a' more than once"),
        ({"names": "abc"}, "sequence of strings"),
        ({"names": ("a", " ")}, "sequence of strings"),
        ({"names": ("a", GROUP)}, "must not have the group's name"),
        ({"kind": "box"}, "cannot be grouped.*'presence', 'regression'"),
        ({"kind": "tagging", "num_classes": 3}, "cannot be grouped"),
        ({"kind": None}, "cannot be grouped"),
        ({"label": LabelSpec(shape=(3,))}, "a column for each of its 2"),
        ({"log_members": 1}, "log_members"),
    ],
)
def test_a_wrong_group_is_refused(options, match):
    options = {"kind": "presence", "names": ("a", "b"), **options}
    with pytest.raises(ValueError, match=match):
        Task(GROUP, **options)


def test_a_group_has_the_label_of_its_columns():
    task = Task(GROUP, "presence", names=("a", "b"))
    assert task.label.shape == (2,)
    assert task.label.missing == -1
    assert Task.from_config(task.get_config()) == task
    assert "names" not in Task("a", "presence").get_config()


def grouped(*tasks, width=2):
    inputs = keras.Input((3,))
    outputs = {t.name: layers.Dense(width)(inputs) for t in tasks}
    return MultiTaskModel(inputs, outputs, tasks=list(tasks))


def test_an_output_of_another_width_is_refused():
    task = Task(GROUP, "regression", names=("a", "b"))
    with pytest.raises(ValueError, match=r"has 2 members.*\(None, 2\)"):
        grouped(task, width=3)


def test_names_of_two_groups_must_differ():
    one = Task("one", "regression", names=("a", "b"))
    two = Task("two", "regression", names=("b", "c"))
    with pytest.raises(ValueError, match="'b', a member of 'two'.*in 'one'"):
        grouped(one, two)
    three = Task("b", "regression", names=("d", "e"))
    with pytest.raises(ValueError, match="'b', a member of 'one'.*also a task"):
        grouped(one, three)


@pytest.fixture(scope="module")
def model():
    return twins.model(num_members=20, is_group=True)


@pytest.mark.parametrize(
    "options",
    [
        {"loss_weights": {"member1": 2.0}},
        {"loss_weights": {"essays": 2.0}},
        {"loss_weights": balancing.get("cagrad", preference={"member1": 2.0})},
    ],
)
def test_an_unknown_member_is_refused_with_a_suggestion(model, options):
    with pytest.raises(ValueError, match="Did you mean '(member1.|assays)'"):
        model.compile(**options)


def test_class_weights_of_an_unknown_member_are_refused(model):
    model.compile()
    x, y = twins.data(num_members=20, num_examples=4)
    labels = twins.labels(y, is_group=True)
    with pytest.raises(ValueError, match="Did you mean 'member1.'"):
        model.fit(x, labels, class_weight={"member1": {1: 2.0}}, verbose=0)


@pytest.mark.parametrize("width", [19, 21])
def test_labels_of_another_width_are_refused(model, width):
    model.compile()
    x, y = twins.data(num_members=width, num_examples=4)
    with pytest.raises(ValueError, match=r"\(batch, 20\).*Received"):
        model.fit(x, {GROUP: y}, verbose=0)


def test_an_illegal_label_is_named_by_its_member(model):
    model.compile(run_eagerly=True)
    x, y = twins.data(num_members=20, num_examples=4)
    y[2, 7] = 3
    batch = [keras.ops.convert_to_tensor(x), {GROUP: y}]
    with pytest.raises(ValueError, match="'assays' expects.*example 2"):
        model.fit(*batch, verbose=0)

    class Stream(keras.utils.PyDataset):
        def __len__(self):
            return 1

        def __getitem__(self, index):
            return x, {GROUP: y}

    with pytest.raises(ValueError, match="'member07' expects"):
        model.fit(Stream(), verbose=0)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"loss": "soft_f1"}, "would mix the members"),
        ({"metrics": {GROUP: ["dice"]}}, "no value for each member"),
        ({"metrics": {GROUP: [keras.metrics.Recall()]}}, "'f1'"),
    ],
)
def test_what_would_mix_the_members_is_refused(model, options, match):
    with pytest.raises(ValueError, match=match):
        model.compile(**options)


def test_methods_that_do_not_fit_so_many_tasks_are_refused():
    model = twins.model(num_members=300, is_group=True)
    page = (ROOT / "docs" / "groups.md").read_text(encoding="utf-8")
    listed = page.split("Of more than 256 tasks")[1].split("`cagrad`")[0]
    refused = {
        name
        for name in balancing.list_balancers()
        if balancing.get(name).most_tasks is not None
    }
    assert set(re.findall(r"`(\w+)`", listed)) == refused
    for name in sorted(refused):
        with pytest.raises(ValueError, match="at most 256 tasks.*300"):
            model.compile(loss_weights=name)
    model.compile(loss_weights="uncertainty")


def test_a_group_that_mixes_its_members_is_not_balanced_by_gradients():
    inputs = keras.Input((3,))
    features = layers.Dense(4)(inputs)
    outputs = {
        "whole": layers.Dense(2, "softmax", name="whole")(features),
        "other": layers.Dense(1, name="other")(features),
    }
    tasks = [Task("whole", "presence", names=("a", "b"))]
    model = MultiTaskModel(inputs, outputs, tasks=tasks)
    with pytest.raises(ValueError, match="one Dense layer.*'whole'"):
        model.compile(loss={"other": "mse"}, loss_weights="cagrad")


@pytest.mark.parametrize("kind", ["presence", "regression", "classification"])
def test_the_members_share_all_up_to_their_columns(kind):
    inputs = keras.Input((3,))
    task = Task(
        GROUP,
        kind,
        names=("a", "b"),
        num_classes=4 if kind == "classification" else None,
    )
    features = layers.Dense(5, name="trunk")(inputs)
    output = heads.get(kind).build(features, task, hidden=6)
    assert output.shape[1:] == ((2, 4) if kind == "classification" else (2,))
    model = MultiTaskModel(inputs, {GROUP: output}, tasks=[task])
    parts = graph.partition(model)
    shared = {v.path.split("/")[0] for v in parts.shared_variables}
    assert shared == {"trunk", f"{GROUP}_hidden"}
    own = {v.path.split("/")[0] for v in parts.task_variables[GROUP]}
    end = f"{GROUP}_scores" if kind == "classification" else GROUP
    assert own == {end}
    x = np.random.default_rng(0).normal(size=(2, 3)).astype("float32")
    np.testing.assert_allclose(
        keras.ops.convert_to_numpy(parts.run([x])[GROUP]),
        model.predict(x, verbose=0)[GROUP],
        rtol=1e-5,
    )


def test_a_group_comes_back_from_a_file(tmp_path):
    model = twins.model(num_members=4, is_group=True)
    weights = {GROUP: 2.0, "member01": 0.5}
    model.compile("sgd", loss_weights=weights, run_eagerly=True)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.tasks[GROUP].names == tuple(twins.names(4))
    assert dict(loaded.balancer.task_weights) == {
        "member00": 2.0,
        "member01": 0.5,
        "member02": 2.0,
        "member03": 2.0,
    }
    x, y = twins.data(num_members=4)
    assert loaded.predict(x, verbose=0)[GROUP].shape == (25, 4)
    labels = twins.labels(y, is_group=True)
    options = {"verbose": 0, "return_dict": True}
    assert loaded.evaluate(x, labels, **options) == pytest.approx(
        model.evaluate(x, labels, **options), nan_ok=True
    )
