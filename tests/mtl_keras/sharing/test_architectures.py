"""What holds for every architecture; the list comes from the code."""

import inspect
import itertools
import math
import pathlib
import subprocess
import sys

import keras
import numpy as np
import pytest

import mtl_keras
from mtl_keras import balancing, graph, sharing
from mtl_keras.balancing.registry import LEVELS
from mtl_keras.sharing import registry
from tests import backend_process
from tests.mtl_keras.sharing import cases

EVERY = sharing.list_sharings()
ROOT = pathlib.Path(__file__).parents[3]


def test_every_architecture_has_a_case():
    assert set(cases.CASES) == set(EVERY)


@pytest.mark.parametrize("name", EVERY)
def test_says_what_the_page_needs(name):
    cls = registry.architecture(name)
    assert len(cls.when_to_use.split()) > 3 and cls.when_to_use[-1] == "."
    assert cls.cost and cls.cost[-1] == "."
    lines = cls.drawing.splitlines()
    assert 2 <= len(lines) <= 14 and max(map(len, lines)) < 70
    assert cls.drawing.isascii()
    assert "https://" in inspect.getmodule(cls).__doc__
    assert set(cls.levels) <= set(LEVELS)
    is_whole = {"features", "parameters"} <= set(cls.levels)
    assert is_whole or cls.refusal.endswith(".")


@pytest.mark.parametrize("name", EVERY)
def test_config_restores_every_hyperparameter(name):
    architecture = sharing.get(name, **cases.CASES[name].arguments)
    config = architecture.get_config()
    again = type(architecture).from_config(config)
    assert again.get_config() == config
    assert architecture.name == name
    defaults = registry.hyperparameters(type(architecture))
    assert set(defaults) == set(config)


def _names(part):
    return {call.operation.name for call in part.calls if call.weights}


def _count(variables):
    return sum(math.prod(v.shape) for v in variables)


@pytest.mark.parametrize("name", EVERY)
def test_shared_and_own_variables_are_those_counted_by_hand(name):
    case = cases.CASES[name]
    model = cases.build(name)
    parts = graph.partition(model)
    assert _names(parts.trunk) == set(case.shared)
    assert {n: _names(p) for n, p in parts.heads.items()} == case.own
    assert _count(parts.shared_variables) == case.num_shared
    own = {n: _count(v) for n, v in parts.task_variables.items()}
    assert own == case.num_own
    # A variable that reaches no output would be in neither.
    total = case.num_shared + sum(case.num_own.values())
    assert _count(model.weights) == total


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("kind", sorted(cases.SHAPES))
def test_takes_vectors_maps_and_sequences_or_says_no(name, kind):
    if kind not in cases.CASES[name].inputs:
        with pytest.raises(ValueError, match="Received"):
            cases.build(name, kind)
        return
    model = cases.build(name, kind)
    x, _ = cases.data(name, kind, num_examples=3)
    for values in model(x).values():
        assert values.shape == (3, 1)
        assert np.all(np.isfinite(keras.ops.convert_to_numpy(values)))


@pytest.mark.sampled
@pytest.mark.parametrize("name", EVERY)
def test_trained_model_survives_a_file(name, tmp_path):
    model = cases.build(name)
    before = model.get_weights()
    logs = cases.step(model, name)
    assert np.isfinite(logs["loss"])
    moved = [
        not np.array_equal(old, new)
        for old, new in zip(before, model.get_weights(), strict=True)
    ]
    assert sum(moved) > len(moved) / 2
    path = tmp_path / "model.keras"
    model.save(path)
    again = keras.models.load_model(path)
    assert type(again.sharing) is registry.architecture(name)
    assert again.sharing.get_config() == model.sharing.get_config()
    x, labels = cases.data(name)
    for task, expected in model(x).items():
        np.testing.assert_allclose(again(x)[task], expected, atol=1e-6)
    assert _names(graph.partition(again).trunk) == _names(
        graph.partition(model).trunk
    )
    # Penalties included.
    evaluated = [
        m.evaluate(x, labels, verbose=0, return_dict=True)["loss"]
        for m in (model, again)
    ]
    assert evaluated[0] == pytest.approx(evaluated[1], rel=1e-5)


GRADIENT_LEVELS = ("features", "parameters")


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("level", GRADIENT_LEVELS)
def test_refuses_a_level_without_conflicts_and_says_why(name, level):
    architecture = registry.architecture(name)
    model = cases.build(name)
    balancer = balancing.get("cagrad", on=level)
    if level in model.sharing.levels:
        model.compile("sgd", loss_weights=balancer)
        return
    with pytest.raises(ValueError) as error:
        model.compile("sgd", loss_weights=balancer)
    assert (architecture.refusal or model.sharing.refusal) in str(error.value)


# Of one way to share each: what all compile, XLA compiles on both backends in
# the comparison below, and pcgrad pulls the gradients that cagrad does.
COMPILED = ("hard", "mmoe", "branching")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "name"),
    [
        *itertools.product(["uncertainty", "cagrad"], EVERY),
        *itertools.product(["pcgrad"], COMPILED),
    ],
)
def test_balancers_train_at_each_level(method, name):
    levels = sharing.get(name, **cases.CASES[name].arguments).levels
    if method == "uncertainty":
        balancers = [balancing.get(method)]
    else:
        balancers = [
            balancing.get(method, on=level)
            for level in GRADIENT_LEVELS
            if level in levels
        ]
    for balancer in balancers:
        model = cases.build(name)
        before = model.get_weights()
        # The other steps run once: to trace them takes three times as long.
        options = {"jit_compile": True}
        if name not in COMPILED:
            options = {"run_eagerly": True}
        logs = cases.step(model, name, balancer, **options)
        assert np.isfinite(logs["loss"])
        assert any(
            not np.array_equal(old, new)
            for old, new in zip(before, model.get_weights(), strict=True)
        )


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="one comparison is enough: it runs both backends",
)
def test_backends_agree_on_two_steps(tmp_path, subtests):
    pytest.importorskip("jax")
    paths = {name: tmp_path / f"{name}.npz" for name in ("tensorflow", "jax")}
    cases.main(paths["tensorflow"], *EVERY)
    module = "tests.mtl_keras.sharing.cases"
    result = subprocess.run(
        [sys.executable, "-m", module, paths["jax"], *EVERY],
        cwd=ROOT,
        env=backend_process.environment("jax"),
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert result.returncode == 0, result.stderr
    with np.load(paths["tensorflow"]) as ours, np.load(paths["jax"]) as theirs:
        assert set(ours) == set(theirs)
        for name in EVERY:
            with subtests.test(name):
                for key in ours:
                    if key.startswith(f"{name}/"):
                        np.testing.assert_allclose(
                            theirs[key],
                            ours[key],
                            rtol=1e-5,
                            atol=1e-5,
                            err_msg=key,
                        )


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'hard'"):
        sharing.get("hrad")
    with pytest.raises(TypeError, match="Did you mean Hard"):
        sharing.get(sharing.Hard)
    with pytest.raises(TypeError, match="Received: 3"):
        sharing.get(3)
    with pytest.raises(ValueError, match="Unknown hyperparameter of 'hard'"):
        sharing.get("hard", rank=3)
    with pytest.raises(TypeError, match="go with an architecture's name"):
        sharing.get(sharing.Hard(), rank=3)


def test_a_dict_names_an_architecture():
    assert type(sharing.get({"name": "hard"})) is sharing.Hard
    saved = keras.saving.serialize_keras_object(sharing.Hard())
    assert type(sharing.get(saved)) is sharing.Hard


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"tasks": []}, "at least one task"),
        ({"tasks": cases.tasks() * 2}, "a name of its own"),
        ({"tasks": ["a"]}, "sequence of mtl_keras.Task"),
        ({"tasks": [mtl_keras.Task("a", loss="mse")]}, "has no kind"),
        ({"inputs": []}, "at least one input"),
        ({"inputs": keras.Input((8,), name="a")}, "the name of a task"),
        ({"trunk": 3}, "must be a function"),
        ({"trunk": keras.layers.Dense}, "must be a function"),
        ({"trunk": []}, "at least one stage"),
        ({"trunk": lambda x: None}, "must return Keras tensors"),
        (
            {"trunk": [cases.stages()[0], keras.layers.Conv2D(3, 3)]},
            "Stage 1 of the trunk",
        ),
    ],
)
def test_wrong_input_is_refused(arguments, message):
    usual = {
        "inputs": keras.Input((8,)),
        "tasks": cases.tasks(),
        "trunk": cases.stages(),
    }
    usual.update(arguments)
    with pytest.raises(ValueError, match=message):
        mtl_keras.build(**usual)
