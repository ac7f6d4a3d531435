"""One small model of each architecture, for the tests of all of them.

`python -m tests.mtl_keras.sharing.cases FILE NAME...` trains them on this
backend and saves the weights and logs.
"""

import dataclasses
import sys

import keras
import numpy as np
from keras import layers

import mtl_keras
from mtl_keras import sharing


@dataclasses.dataclass(frozen=True)
class Case:
    """What is expected of an architecture.

    The trunk has two stages, 8 to 6 to 5 numbers: 54 and 35 parameters. Each
    head on 5 numbers has 6.

    Attributes:
        arguments: Dict, hyperparameters.
        shared: Set of strings, the layers with variables that are shared.
        num_shared: Integer, how many numbers they hold, counted by hand.
        own: Dict, task name to the set of layers that are its own.
        num_own: Dict, task name to how many numbers they hold.
        inputs: Tuple of strings, the kinds of input that it takes.
    """

    arguments: dict = dataclasses.field(default_factory=dict)
    shared: frozenset = frozenset()
    num_shared: int = 0
    own: dict = dataclasses.field(default_factory=dict)
    num_own: dict = dataclasses.field(default_factory=dict)
    inputs: tuple = ("vector", "map", "sequence")


CASES = {
    "branching": Case(
        # So hot that the draws, which differ between backends, don't matter.
        arguments={"temperature": 1e6, "lowest": 1e6, "seed": 0},
        shared={
            "zero",
            "one",
            "stage_1_branch_0_choice",
            "stage_1_branch_1_choice",
        },
        # A choice has two logits and a temperature.
        num_shared=2 * (54 + 35) + 2 * 3,
        own={t: {f"{t}_choice", t} for t in ("a", "b")},
        num_own={"a": 3 + 6, "b": 3 + 6},
    ),
    "cgc": Case(
        shared={"zero", "one"},
        num_shared=54 + 35,
        own={t: {"zero", "one", f"{t}_gate", t} for t in ("a", "b")},
        # A gate: 8 inputs, 2 experts.
        num_own={"a": 89 + 16 + 6, "b": 89 + 16 + 6},
    ),
    "cross_stitch": Case(
        shared={"zero", "one", "a_stitch_0", "b_stitch_0"},
        num_shared=2 * (54 + 35) + 2 * (2 * 6),
        own={t: {f"{t}_stitch_1", t} for t in ("a", "b")},
        num_own={"a": 2 * 5 + 6, "b": 2 * 5 + 6},
    ),
    "dselect_k": Case(
        arguments={"num_experts": 3, "k": 2},
        shared={"zero", "one"},
        num_shared=3 * (54 + 35),
        own={t: {f"{t}_gate", t} for t in ("a", "b")},
        # Two selectors: two digits and a weight each.
        num_own={"a": 2 * 3 + 6, "b": 2 * 3 + 6},
    ),
    "mmoe": Case(
        arguments={"num_experts": 2},
        shared={"zero", "one"},
        num_shared=2 * (54 + 35),
        own={t: {f"{t}_gate", t} for t in ("a", "b")},
        num_own={"a": 8 * 2 + 6, "b": 8 * 2 + 6},
    ),
    "mtan": Case(
        # The masks of stage 0 lead to the transition, which the tasks share.
        shared={"zero", "one", "transition_1", "transition_1_norm"}
        | {
            f"{task}_attention_0_{layer}"
            for task in ("a", "b")
            for layer in ("hidden", "hidden_norm", "mask", "mask_norm")
        },
        # Linear layers without bias, and 4 numbers a channel for the norm.
        num_shared=54
        + 35
        + (6 * 5 + 4 * 5)
        + 2 * ((6 * 6 + 4 * 6) + (6 * 6 + 4 * 6)),
        own={
            t: {t}
            | {
                f"{t}_attention_1_{layer}"
                for layer in ("hidden", "hidden_norm", "mask", "mask_norm")
            }
            for t in ("a", "b")
        },
        num_own={t: (10 * 5 + 4 * 5) + (5 * 5 + 4 * 5) + 6 for t in ("a", "b")},
    ),
    "nddr": Case(
        shared={
            "zero",
            "one",
            "a_nddr_0",
            "a_nddr_0_norm",
            "b_nddr_0",
            "b_nddr_0_norm",
        },
        num_shared=2 * (54 + 35) + 2 * (12 * 6 + 4 * 6),
        own={t: {f"{t}_nddr_1", f"{t}_nddr_1_norm", t} for t in ("a", "b")},
        num_own={t: 10 * 5 + 4 * 5 + 6 for t in ("a", "b")},
    ),
    "ple": Case(
        # Own experts of the first level are shared through the shared gate.
        shared={"zero", "one", "level_0_gate_shared"},
        num_shared=3 * 54 + 8 * 3 + 35,
        own={
            t: {f"{t}_level_0_gate", "one", f"{t}_level_1_gate", t}
            for t in ("a", "b")
        },
        num_own={t: 8 * 2 + 35 + 6 * 2 + 6 for t in ("a", "b")},
    ),
    "sluice": Case(
        # 6 and 5 channels have no common divisor.
        arguments={"num_subspaces": 1},
        shared={"zero", "one", "a_sluice_0", "b_sluice_0"},
        num_shared=2 * (54 + 35) + 2 * 2,
        own={t: {f"{t}_sluice_1", t} for t in ("a", "b")},
        num_own={"a": 2 + 6, "b": 2 + 6},
    ),
    "hard": Case(
        shared={"zero", "one"},
        num_shared=54 + 35,
        own={"a": {"a"}, "b": {"b"}},
        num_own={"a": 6, "b": 6},
    ),
    # Of rank 2: 8 x 2 and 6 x 2 are shared. What leads to the second basis,
    # two layers of 2 x 6 + 6, is trunk as well.
    "low_rank": Case(
        {"rank": 2},
        shared={"zero_basis", "one_basis", "a_zero", "b_zero"},
        num_shared=16 + 12 + 2 * 18,
        own={"a": {"a", "a_one"}, "b": {"b", "b_one"}},
        num_own={"a": 15 + 6, "b": 15 + 6},
    ),
    # Of rank 1: 8 + 6 for each task in the first layer, 6 + 5 in the second.
    "lora": Case(
        {"rank": 1},
        shared={
            *("zero", "one"),
            *("a_zero_down", "a_zero_up", "b_zero_down", "b_zero_up"),
        },
        num_shared=54 + 35 + 2 * 14,
        own={
            "a": {"a", "a_one_down", "a_one_up"},
            "b": {"b", "b_one_down", "b_one_up"},
        },
        num_own={"a": 11 + 6, "b": 11 + 6},
    ),
    "mapped": Case(
        shared={"zero", "one", "a_zero", "b_zero"},
        num_shared=54 + 35 + 2 * 12,
        own={"a": {"a", "a_one"}, "b": {"b", "b_one"}},
        num_own={"a": 10 + 6, "b": 10 + 6},
    ),
    "soft": Case(
        own={"a": {"a", "zero", "one"}, "b": {"b", "zero", "one"}},
        num_own={"a": 89 + 6, "b": 89 + 6},
    ),
    # The first head is read by the second task.
    "esmm": Case(
        shared={"zero", "one", "a"},
        num_shared=89 + 6,
        own={"a": set(), "b": {"b_given_a"}},
        num_own={"a": 0, "b": 6},
    ),
    # Towers 5 x 3 + 3, square layers 3 x 3 + 3, heads 3 + 1.
    "aitm": Case(
        {"units": 3},
        shared={"zero", "one", "a_tower", "a"},
        num_shared=89 + 18 + 4,
        own={
            "a": set(),
            "b": {"b_tower", "b_transfer", "b_attention", "b_probability"},
        },
        num_own={"a": 0, "b": 18 + 12 + 3 * 12 + 4},
    ),
    # Adapters 8 x 4 + 4, so the first stage has 4 x 6 + 6. They lead to the
    # trunk, so they belong to it.
    "adapters": Case(
        {"units": 4},
        shared={"zero", "one", "a_input_adapter", "b_input_adapter"},
        num_shared=2 * 36 + 30 + 35,
        own={"a": {"a"}, "b": {"b"}},
        num_own={"a": 6, "b": 6},
    ),
}
SHAPES = {"vector": (8,), "map": (6, 6, 2), "sequence": (7, 3)}


def tasks():
    return [mtl_keras.Task(name, "presence") for name in ("a", "b")]


def stages(kind="vector"):
    """Two stages that draw new weights at each call."""
    if kind == "vector":
        return [
            lambda x: layers.Dense(6, "tanh", name="zero")(x),
            lambda x: layers.Dense(5, "tanh", name="one")(x),
        ]
    conv = layers.Conv2D if kind == "map" else layers.Conv1D
    return [
        lambda x: conv(4, 3, padding="same", activation="tanh", name="zero")(x),
        lambda x: conv(3, 3, padding="same", activation="tanh", name="one")(x),
    ]


def head(features, task):
    if len(features.shape) == 3:
        features = layers.GlobalAveragePooling1D(name=f"{task.name}_mean")(
            features
        )
    return task.head.build(features, task)


def inputs_of(name, kind="vector"):
    """One input, or one for each task where the architecture is for those."""
    if name != "adapters":
        return keras.Input(SHAPES[kind], name="x")
    return {
        n: keras.Input(SHAPES[kind], name=n) for n in ("a_input", "b_input")
    }


def build(name, kind="vector", **arguments):
    """A model with weights that are the same on every backend."""
    architecture = sharing.get(name, **(CASES[name].arguments | arguments))
    model = mtl_keras.build(
        inputs_of(name, kind),
        tasks(),
        trunk=stages(kind),
        sharing=architecture,
        head=head,
    )
    rng = np.random.default_rng(3)
    for variable in model.trainable_variables:
        value = rng.normal(size=variable.shape) * 0.3
        variable.assign(value.astype("float32"))
    return model


def data(name, kind="vector", num_examples=24):
    rng = np.random.default_rng(0)
    shape = (num_examples, *SHAPES[kind])
    x = rng.normal(size=shape).astype("float32")
    labels = {
        task: rng.integers(0, 2, num_examples).astype("int32")
        for task in ("a", "b")
    }
    labels["b"][::5] = -1
    if name == "adapters":
        x = {"a_input": x, "b_input": x[::-1]}
    return x, labels


def step(model, name, loss_weights=None, steps=1, **options):
    """Trains some steps and returns the logs."""
    model.compile(
        keras.optimizers.SGD(0.1),
        loss_weights=loss_weights,
        **{"jit_compile": False, **options},
    )
    x, labels = data(name, num_examples=8 * steps)
    history = model.fit(x, labels, batch_size=8, shuffle=False, verbose=0)
    return {key: values[-1] for key, values in history.history.items()}


def main(path, *names):
    results = {}
    for name in names:
        model = build(name)
        logs = step(model, name, steps=2, jit_compile=True)
        for index, weight in enumerate(model.get_weights()):
            results[f"{name}/weight/{index}"] = weight
        for key, value in logs.items():
            results[f"{name}/log/{key}"] = np.float64(value)
    np.savez(path, **results)


if __name__ == "__main__":
    main(*sys.argv[1:])
