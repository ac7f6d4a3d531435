import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import LabelSpec, MultiTaskModel, Task, data
from mtl_keras.data import mixing

CLS = Task("cls", "classification", num_classes=3)
DET = Task("det", "presence")
BOX = Task("box", "box")
TASKS = (CLS, DET, BOX)
SIZES = {"a": 60, "b": 24, "c": 12}
EVERY = 6


def examples(first, num, *tasks, inputs=("x",)):
    """Examples that hold their own number; some labels are missing."""
    number = np.arange(first, first + num)
    gone = number % EVERY == 0
    labels = {
        "cls": np.where(gone, -1, number % 3),
        "det": np.where(gone, -1, number % 2).astype("int32"),
        "box": np.where(gone[:, None], np.nan, [0.1, 0.2, 0.5, 0.9]),
    }
    x = np.stack([number, number % 3, number % 2], 1).astype("float32")
    return tf.data.Dataset.from_tensor_slices(
        ({key: x for key in inputs}, {name: labels[name] for name in tasks})
    )


def three(inputs=(("x",), ("x",), ("x",))):
    """Numbers 0 to 59, 100 to 123 and 200 to 211."""
    return {
        "a": examples(0, 60, "cls", inputs=inputs[0]),
        "b": examples(100, 24, "det", "cls", inputs=inputs[1]),
        "c": examples(200, 12, "box", inputs=inputs[2]),
    }


def mixture(**options):
    options = {"datasets": three(), "batch_size": 8, "seed": 1} | options
    return data.Mixture(options.pop("datasets"), TASKS, **options)


def read(dataset):
    return [
        [np.asarray(part) for part in tf.nest.flatten(batch)]
        for batch in dataset
    ]


def is_same(first, second):
    return len(first) == len(second) and all(
        np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        for one, other in zip(first, second, strict=True)
        for a, b in zip(one, other, strict=True)
    )


def numbers(dataset):
    """The examples' numbers, batch by batch."""
    return np.array([batch[0]["x"][:, 0].numpy() for batch in dataset])


def counted(found):
    kinds = np.ravel(found).astype(int) // 100
    return dict(zip("abc", np.bincount(kinds, minlength=3), strict=True))


# Of 1,000 batches in epochs of 100, what each way of proportioning promises;
# worked by hand from the sizes 60, 24 and 12.
ROOTS = np.sqrt([60, 24, 12])
TEMPERATURES = np.append(np.linspace(1, 5, 500, endpoint=False), [5.0] * 500)
ANNEALED = np.exp(np.log([60, 24, 12]) / TEMPERATURES[:, None])
WAYS = {
    "size": ("size", [60 / 96, 24 / 96, 12 / 96]),
    "uniform": ("uniform", [1 / 3] * 3),
    "temperature": ({"temperature": 2.0}, ROOTS / ROOTS.sum()),
    "annealed": (
        {"annealed": (1.0, 5.0, 5)},
        np.mean(ANNEALED / ANNEALED.sum(1, keepdims=True), axis=0),
    ),
    "shares": ({"a": 5, "b": 0.5, "c": 4.5}, [0.5, 0.05, 0.45]),
}


@pytest.mark.sampled
@pytest.mark.parametrize("how", ["batch", "alternate"])
@pytest.mark.parametrize("way", WAYS)
def test_shares_are_within_a_percent_over_1000_batches(way, how):
    given, expected = WAYS[way]
    train = mixture(
        proportions=given, how=how, steps_per_epoch=100, batch_size=4
    )
    found = counted(numbers(data.epochs(train, 0, 10)))
    assert sum(found.values()) == 4000
    shares = [found[name] / 4000 for name in "abc"]
    np.testing.assert_allclose(shares, expected, atol=0.01)
    assert train.counts(0, 1000) == found


def test_each_batch_holds_its_share():
    found = numbers(mixture(proportions="uniform", batch_size=12)(0))
    for batch in found:
        assert all(2 <= count <= 6 for count in counted(batch).values())


def test_alternating_batches_are_of_one_data_set():
    found = numbers(mixture(how="alternate", steps_per_epoch=50)(0))
    assert all(len(set(batch // 100)) == 1 for batch in found)


def test_a_data_set_begins_again_only_where_it_ends():
    found = numbers(mixture(proportions="uniform", steps_per_epoch=12)(0))
    for first, size in ((0, 60), (100, 24), (200, 12)):
        own = found[found // 100 == first // 100]
        passes = np.split(own, np.arange(size, len(own), size))
        for one in passes[:-1]:
            assert sorted(one) == list(range(first, first + size))
        assert len(set(passes[-1])) == len(passes[-1])


def test_passes_and_epochs_differ_in_order():
    train = mixture(proportions="uniform", steps_per_epoch=12)
    own = [n[n >= 200] for n in (numbers(train(0)), numbers(train(1)))]
    assert own[0][:12].tolist() != own[0][12:24].tolist()
    assert own[0][:12].tolist() != own[1][:12].tolist()


def test_by_default_an_epoch_holds_as_many_examples_as_there_are():
    assert mixture().steps_per_epoch == 96 // 8
    assert mixture(proportions={"a": 0, "b": 1, "c": 1}).steps_per_epoch == 4
    assert len(mixture()(0)) == len(list(mixture()(0))) == 12


def test_the_structure_is_the_same_everywhere():
    for how in ("batch", "alternate"):
        dataset = mixture(how=how)(0)
        for inputs, labels, weights in dataset:
            assert inputs["x"].shape == (8, 3)
            assert labels["cls"].dtype == labels["det"].dtype == tf.int32
            assert labels["box"].shape == (8, 4)
            assert sorted(labels) == sorted(weights) == ["box", "cls", "det"]
            assert all(weights[name].shape == 8 for name in weights)
            assert all(weights[name].dtype == tf.float32 for name in weights)
        spec = tf.nest.flatten(dataset.element_spec)
        assert all(part.shape[0] == 8 for part in spec)


def test_labels_stay_with_their_examples_and_others_are_missing():
    for inputs, labels, weights in mixture(proportions="uniform")(0):
        number = inputs["x"][:, 0].numpy().astype(int)
        there = number % EVERY != 0
        has = {
            "cls": there & (number < 200),
            "det": there & (number // 100 == 1),
            "box": there & (number >= 200),
        }
        for name, present in has.items():
            np.testing.assert_array_equal(weights[name], present)
        np.testing.assert_array_equal(
            labels["cls"], np.where(has["cls"], number % 3, -1)
        )
        np.testing.assert_array_equal(
            labels["det"], np.where(has["det"], number % 2, -1)
        )
        assert np.isnan(labels["box"][~has["box"]]).all()
        np.testing.assert_allclose(labels["box"][has["box"]][:, 3], 0.9)


def test_given_weights_are_kept():
    source = tf.data.Dataset.from_tensor_slices(
        ({"x": np.zeros((4, 1))}, {"det": [1, 0, -1, 1]}, {"det": [2.0] * 4})
    )
    train = data.mix({"only": source}, [DET], epoch=0, batch_size=4)
    ((_, labels, weights),) = train
    expected = np.where(labels["det"].numpy() == -1, 0.0, 2.0)
    np.testing.assert_array_equal(weights["det"], expected)


def test_an_integer_without_a_marker_weighs_nothing():
    count = Task("count", label=LabelSpec((), "int32", minimum=2))
    other = tf.data.Dataset.from_tensor_slices(
        ({"x": np.zeros((4, 3), "float32")}, {"count": [3] * 4})
    )
    train = data.Mixture(
        {"a": three()["a"], "d": other},
        [CLS, count],
        proportions="uniform",
        batch_size=8,
    )
    for _, labels, weights in train(0):
        assert set(labels["count"].numpy()) == {2, 3}
        np.testing.assert_array_equal(
            weights["count"], labels["count"].numpy() == 3
        )


@pytest.mark.sampled
@pytest.mark.parametrize("how", ["batch", "alternate"])
def test_an_epoch_depends_on_seed_and_epoch_only(how):
    def epoch(number, seed=1, global_seed=0):
        tf.random.set_seed(global_seed)
        return read(mixture(seed=seed, how=how, proportions="uniform")(number))

    first = epoch(2)
    assert is_same(epoch(2), first)
    assert is_same(epoch(2, global_seed=5), first)
    assert not is_same(epoch(1), first)
    assert not is_same(epoch(2, seed=3), first)


def test_epochs_equal_single_epochs():
    train = mixture(proportions={"annealed": (1.0, 3.0, 4)})
    run = read(data.epochs(train, 2, 5))
    single = [batch for epoch in range(2, 5) for batch in read(train(epoch))]
    assert is_same(run, single)


def test_without_an_epoch_each_iteration_draws_anew():
    dataset = data.mix(three(), TASKS, batch_size=8, seed=1)
    first, second = numbers(dataset), numbers(dataset)
    assert len(dataset) == 12
    assert first.tolist() != second.tolist()
    assert counted(first) == counted(second)


def pipelines(training=True):
    """The same data sets, by functions of the epoch."""
    sources = three()
    own = {"a": [CLS], "b": [CLS, DET], "c": [BOX]}

    def noise(inputs, labels, seed):
        drawn = tf.random.stateless_normal(tf.shape(inputs["x"])[:1], seed)
        return {**inputs, "noise": drawn}, labels

    def make(name):
        return lambda epoch: data.pipeline(
            sources[name],
            own[name],
            batch_size=5,
            training=training,
            seed=2,
            epoch=epoch,
            augment=noise,
        )

    return {name: make(name) for name in sources}


def test_functions_of_the_epoch_keep_their_order_and_augmentation():
    made = pipelines()
    train = data.Mixture(made, TASKS, batch_size=8, proportions="uniform")
    assert train.sizes == SIZES
    run = list(data.epochs(train, 3, 4))
    found = np.concatenate([b[0]["x"][:, 0] for b in run])
    noise = np.concatenate([b[0]["noise"] for b in run])
    alone = list(made["c"](3))
    expected = np.concatenate([b[0]["x"][:, 0] for b in alone])
    np.testing.assert_array_equal(found[found >= 200][:12], expected)
    expected = np.concatenate([b[0]["noise"] for b in alone])
    np.testing.assert_array_equal(noise[found >= 200][:12], expected)
    # The second pass is another epoch of the pipeline.
    again = noise[found >= 200][12:24]
    assert not np.isin(again, expected).any()


def test_a_source_is_read_once_for_all_epochs():
    reads = []

    def generate():
        reads.append(1)
        for number in range(10):
            yield {"x": [float(number)] * 3, "det": number % 2}

    source = tf.data.Dataset.from_generator(
        generate,
        output_signature={
            "x": tf.TensorSpec((3,), tf.float32),
            "det": tf.TensorSpec((), tf.int64),
        },
    )
    train = data.Mixture({"a": three()["a"], "g": source}, [CLS, DET])
    read(data.epochs(train, 0, 4))
    assert len(reads) == 1
    assert train.sizes["g"] == 10


def test_sequences_of_different_length_are_padded():
    tags = Task("tags", label=LabelSpec((None,), "int32", missing=-1))

    def source(length):
        def generate():
            for number in range(6):
                size = length + number % 2
                yield {"ids": [number + 1] * size, "tags": [2] * size}

        return tf.data.Dataset.from_generator(
            generate,
            output_signature={
                "ids": tf.TensorSpec((None,), tf.int32),
                "tags": tf.TensorSpec((None,), tf.int32),
            },
        )

    train = data.Mixture(
        {"short": source(2), "long": source(4)}, [tags], batch_size=4
    )
    for inputs, labels, _ in train(0):
        ids = inputs["ids"].numpy()
        assert ids.shape == labels["tags"].shape
        np.testing.assert_array_equal(labels["tags"], np.where(ids, 2, -1))


TOWERS = (("left",), ("left", "right"), ("right",))


def towers():
    """A model of two inputs, for data sets that have one or both."""
    keras.utils.set_random_seed(0)
    inputs = {n: keras.Input((3,), name=n) for n in ("left", "right")}
    both = keras.layers.concatenate(list(inputs.values()))
    trunk = keras.layers.Dense(8, "tanh")(both)
    outputs = {task.name: task.head.build(trunk, task) for task in TASKS}
    return MultiTaskModel(inputs, outputs, tasks=TASKS)


def test_inputs_that_a_data_set_lacks_are_zeros():
    train = mixture(datasets=three(TOWERS), how="alternate", inputs=towers())
    seen = set()
    for inputs, _, weights in train(0):
        zeros = {n for n, x in inputs.items() if not np.any(x)}
        assert sorted(inputs) == ["left", "right"]
        seen.add(tuple(zeros))
        assert ("left" in zeros) == bool(np.any(weights["box"]))
    assert seen == {("right",), (), ("left",)}


@pytest.mark.slow
@pytest.mark.parametrize(
    "how", ["batch", pytest.param("alternate", marks=pytest.mark.slow)]
)
def test_partial_labels_train_under_xla(how):
    model = towers()
    sets = (TOWERS if how == "alternate" else (("left", "right"),) * 3,)
    train = mixture(datasets=three(*sets), how=how, proportions="uniform")
    model.compile(keras.optimizers.Adam(0.03), jit_compile=True)
    shares = mixing.Shares(train)
    history = model.fit(
        data.epochs(train, 0, 12),
        epochs=12,
        steps_per_epoch=train.steps_per_epoch,
        callbacks=[shares],
        verbose=0,
    ).history
    for task in TASKS:
        losses = history[f"{task.name}_loss"]
        assert np.isfinite(losses).all()
        assert losses[-1] < losses[0]
    assert shares.counts == train.counts(0, 12 * 12)
    for name in "abc":
        assert history[f"share_{name}"][-1] == pytest.approx(1 / 3, abs=0.01)


def test_mix_trains_without_epochs():
    model = towers()
    train = mixture(datasets=three((("left", "right"),) * 3))
    model.compile("adam", steps_per_execution=5)
    shares = data.Shares(train)
    model.fit(train(), epochs=2, callbacks=[shares], verbose=0)
    once = train.counts(0, 12)
    assert shares.counts == {name: 2 * once[name] for name in once}


def test_shares_go_on_with_a_run():
    train = mixture(proportions={"annealed": (1.0, 5.0, 3)})
    whole, resumed = data.Shares(train), data.Shares(train)
    for callback, first in ((whole, 0), (resumed, 2)):
        callback.on_train_begin()
        for epoch in range(first, 4):
            callback.on_epoch_begin(epoch)
            callback.on_train_batch_end(11)
            logs = {}
            callback.on_epoch_end(epoch, logs)
    assert resumed.counts == whole.counts == train.counts(0, 48)
    assert logs["share_a"] == whole.counts["a"] / (48 * 8)


def with_labels(**labels):
    x = {"x": np.zeros((2, 3), "float32")}
    return tf.data.Dataset.from_tensor_slices((x, labels))


def sets(**more):
    return {"datasets": {**three(), **more}}


def proportioned(given):
    return {"proportions": given}


UNKNOWN = with_labels(clz=[1, 2])
HALF = with_labels(cls=[0.5, 1.0])
SHORT = with_labels(box=np.zeros((2, 3)))
COLUMN = with_labels(cls=[[1], [2]])
OTHER_X = examples(0, 4, "cls", inputs=("y",))
WIDE_X = tf.data.Dataset.from_tensor_slices(
    ({"x": np.zeros((2, 5), "float32")}, {"cls": [1, 2]})
)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"datasets": {"a": three()["a"]}}, "No data set .*'box'"),
        (proportioned({"a": 1, "b": 1, "c": 0}), "'box' .*proportion 0"),
        (sets(d=UNKNOWN), "data set 'd'.*Did you mean 'cls'"),
        (sets(d=with_labels()), "'d' has labels of no task"),
        (sets(d=HALF), "'cls' expects integer"),
        (sets(d=SHORT), "'box' expects"),
        (sets(d=COLUMN), "disagree about the label of the task 'cls'"),
        (sets(d=OTHER_X), "same inputs.*'y'.*how='alternate'"),
        (sets(d=WIDE_X), "disagree about the input 'x'.*\\(5,\\) in 'd'"),
        (sets(d=three()["a"].take(0)), "'d' is empty"),
        (sets(d=three()["a"].filter(lambda *_: False)), "'d' is empty"),
        (sets(d=three()["a"].repeat()), "'d' is endless"),
        (sets(d=[1, 2]), "'d' must be a tf.data.Dataset.*list"),
        (sets(d=three()["a"].batch(2)), "disagree.*only with weights"),
        ({"datasets": {}}, "at least one"),
        ({"how": "batches"}, "Did you mean 'batch'"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"seed": -1}, "seed=-1"),
        ({"steps_per_epoch": 1.5}, "steps_per_epoch=1.5"),
        ({"sizes": {"d": 3}}, "data set in `sizes`: 'd'"),
        ({"how": "alternate", "inputs": 3}, "functional model"),
        ({"how": "alternate", "inputs": {"y": None}}, "tf.TensorSpec"),
        (proportioned("sizes"), "Did you mean 'size'"),
        (proportioned({"a": 1, "b": 2}), "lacks 'c'"),
        (proportioned({"a": 1, "b": 2, "d": 3}), "Unknown data set.*'d'"),
        (proportioned({"a": 0, "b": 0, "c": 0}), "sum to more than 0"),
        (proportioned({"a": 1, "b": -1, "c": 1}), "at least 0"),
        (proportioned({"a": 1, "b": np.nan, "c": 1}), "at least 0"),
        (proportioned({"temperature": 0}), "above 0"),
        (proportioned({"annealed": (1.0, 5.0)}), "three numbers"),
        (proportioned({"annealed": (1.0, 5.0, 0)}), "three numbers"),
        (proportioned({}), "must be 'size'"),
        (proportioned(3), "must be 'size'"),
    ],
)
def test_what_cannot_be_mixed_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        mixture(**options)


def test_float_and_integer_labels_disagree():
    price = Task("price", label=LabelSpec(()))
    with pytest.raises(ValueError, match="disagree.*float32.*int64 of shape"):
        data.mix(
            {
                "euro": with_labels(price=np.float32([1, 2])),
                "cent": with_labels(price=np.int64([100, 200])),
            },
            [price],
        )


def test_a_label_of_no_fixed_size_is_not_made_up():
    tags = Task("tags", label=LabelSpec((None,), "int32", missing=-1))
    source = tf.data.Dataset.from_generator(
        lambda: iter([({"x": [0.0] * 3}, {"tags": [1, 2]})]),
        output_signature=(
            {"x": tf.TensorSpec((3,), tf.float32)},
            {"tags": tf.TensorSpec((None,), tf.int32)},
        ),
    )
    with pytest.raises(ValueError, match="no fixed size.*'a'"):
        data.mix({"a": three()["a"], "t": source}, [CLS, tags])


def test_what_depends_on_the_epoch_needs_one():
    annealed = mixture(proportions={"annealed": (1.0, 5.0, 3)})
    with pytest.raises(ValueError, match="Annealed .*data.epochs"):
        annealed()
    rare = mixture(proportions={"a": 1, "b": 1, "c": 1e-6}, steps_per_epoch=2)
    with pytest.raises(ValueError, match="too short to draw 'c'"):
        rare()
    assert len(list(rare(0))) == 2
