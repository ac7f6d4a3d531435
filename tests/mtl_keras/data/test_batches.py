import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import LabelSpec, Task, data
from mtl_keras.data import augment

NUM = 23
CLS = Task("cls", label=LabelSpec((), "int32", missing=-1))
BOX = Task("box", label=LabelSpec((4,), rule="box_xyxy"))
ASSAYS = Task("assays", label=LabelSpec((3,)))
TASKS = (CLS, BOX)
SPEC = {
    "image": tf.TensorSpec((4, 4, 1), tf.float32),
    "cls": tf.TensorSpec((), tf.int64),
    "box": tf.TensorSpec((4,), tf.float32),
}


def examples(num=NUM):
    """Pictures that hold their own number; each fifth example is unlabelled."""
    for index in range(num):
        is_missing = index % 5 == 0
        box = [np.nan] * 4 if is_missing else [0.2, 0.3, 0.6, 0.9]
        yield {
            "image": np.full((4, 4, 1), index / num, "float32"),
            "cls": -1 if is_missing else index % 3,
            "box": np.array(box, "float32"),
        }


class Source:
    """A dataset that counts how often it was read, and how many examples."""

    def __init__(self, num=NUM):
        self.num = num
        self.num_reads = 0
        dataset = tf.data.Dataset.from_generator(
            self._read, output_signature=SPEC
        )
        self.dataset = dataset.apply(
            tf.data.experimental.assert_cardinality(num)
        )

    def _read(self):
        self.num_reads += 1
        yield from examples(self.num)


AUGMENT = augment.Compose(
    [
        augment.ShiftZoom(0.2, (0.8, 1.2), min_visible=0.0),
        augment.Brightness(0.1, (0.8, 1.2)),
        augment.Noise(0.1),
    ]
)


def batches(**kwargs):
    options = {"batch_size": 4, "training": True, "augment": AUGMENT} | kwargs
    source = options.pop("source", None)
    source = Source().dataset if source is None else source
    return data.pipeline(source, options.pop("tasks", TASKS), **options)


def read(dataset):
    """All batches, as flat lists of arrays."""
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


def order(dataset):
    """The examples' numbers, in the order of the dataset."""
    return [
        round(float(image[0, 0, 0]) * NUM)
        for inputs, *_ in dataset
        for image in inputs["image"]
    ]


def epoch_with_global_seed(seed):
    tf.random.set_seed(seed)
    return read(batches(seed=3, epoch=2))


@pytest.mark.slow
def test_an_epoch_depends_on_seed_and_epoch_only():
    first = read(batches(seed=3, epoch=2))
    assert is_same(read(batches(seed=3, epoch=2)), first)
    assert is_same(read(batches(seed=3, epoch=2, cache=False)), first)
    assert is_same(read(batches(seed=3, epoch=2, cache="preprocessed")), first)
    assert not is_same(read(batches(seed=3, epoch=1)), first)
    assert not is_same(read(batches(seed=4, epoch=2)), first)


def test_an_epoch_does_not_depend_on_the_global_seed():
    assert is_same(epoch_with_global_seed(1), epoch_with_global_seed(2))


def test_an_iteration_does_not_change_the_next():
    dataset = batches(seed=3, epoch=2)
    assert is_same(read(dataset), read(dataset))


@pytest.mark.slow
def test_epochs_equal_single_epochs():
    source = Source().dataset
    run = data.epochs(
        lambda epoch: batches(source=source, seed=1, epoch=epoch), 2, 5
    )
    single = [
        batch for e in range(2, 5) for batch in read(batches(seed=1, epoch=e))
    ]
    assert is_same(read(run), single)


@pytest.mark.sampled
@pytest.mark.parametrize("cache", [True, "preprocessed"])
def test_epochs_read_the_source_once(cache):
    source = Source()
    run = data.epochs(
        lambda epoch: batches(
            source=source.dataset, seed=1, epoch=epoch, cache=cache
        ),
        0,
        4,
    )
    read(run)
    assert source.num_reads == 1
    read(run)
    assert source.num_reads == 1


def test_without_cache_each_epoch_reads_the_source():
    source = Source()
    run = data.epochs(
        lambda epoch: batches(source=source.dataset, epoch=epoch, cache=False),
        0,
        4,
    )
    read(run)
    assert source.num_reads == 4


def test_each_epoch_holds_each_example_once_in_another_order():
    orders = [
        order(batches(seed=1, epoch=epoch, augment=None)) for epoch in range(3)
    ]
    assert all(sorted(numbers) == list(range(NUM)) for numbers in orders)
    assert orders[0] != orders[1] != orders[2] != orders[0]
    assert orders[0] != list(range(NUM))


def test_without_an_epoch_training_reshuffles_at_each_iteration():
    dataset = batches(augment=None)
    first, second = order(dataset), order(dataset)
    assert first != second
    assert sorted(first) == sorted(second) == list(range(NUM))
    assert len(dataset) == 6


def test_evaluation_keeps_the_order_and_changes_nothing():
    source = Source()
    dataset = batches(source=source.dataset, training=False)
    assert order(dataset) == order(dataset) == list(range(NUM))
    assert source.num_reads == 1


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("drop_remainder", "sizes"), [(False, [4] * 5 + [3]), (True, [4] * 5)]
)
def test_the_last_batch_and_the_length(drop_remainder, sizes):
    dataset = batches(drop_remainder=drop_remainder, epoch=0)
    assert [len(b[1]["cls"]) for b in dataset] == sizes
    assert len(dataset) == len(sizes)
    source = Source().dataset
    run = data.epochs(
        lambda epoch: batches(
            source=source, epoch=epoch, drop_remainder=drop_remainder
        ),
        1,
        4,
    )
    assert len(run) == 3 * len(sizes)


def test_a_source_of_unknown_length_has_no_length():
    source = Source().dataset.filter(lambda element: element["cls"] != 1)
    dataset = batches(source=source, epoch=0)
    assert int(dataset.cardinality()) == tf.data.UNKNOWN_CARDINALITY
    assert sum(len(b[1]["cls"]) for b in dataset) == sum(
        e["cls"] != 1 for e in examples()
    )


def test_labels_keep_their_markers_and_weights_tell_them():
    tasks = (CLS, BOX)
    for _, labels, weights in batches(tasks=tasks, epoch=0):
        present = ~np.isnan(labels["box"].numpy()).any(-1)
        assert labels["cls"].dtype == tf.int32
        np.testing.assert_array_equal(labels["cls"].numpy() != -1, present)
        for task in ("cls", "box"):
            assert weights[task].dtype == tf.float32
            np.testing.assert_array_equal(weights[task].numpy(), present)


def test_a_label_with_one_part_is_present():
    labels = np.array([[1, np.nan, 0], [np.nan] * 3], "float32")
    source = tf.data.Dataset.from_tensor_slices(
        {"x": np.zeros((2, 1), "float32"), "assays": labels}
    )
    ((_, _, weights),) = data.pipeline(source, [ASSAYS])
    np.testing.assert_array_equal(weights["assays"], [1, 0])


def test_markers_among_floats_and_columns_are_missing():
    task = Task("det", label=LabelSpec((), missing=-1))
    source = tf.data.Dataset.from_tensor_slices(
        ({"x": np.zeros(4)}, {"det": np.array([[1.0], [-1], [np.nan], [0]])})
    )
    ((_, labels, weights),) = data.pipeline(source, {"det": task})
    assert labels["det"].shape == (4, 1)
    np.testing.assert_array_equal(weights["det"], [1, 0, 0, 1])


def test_the_preprocessor_decodes_and_moves_boxes_onto_its_canvas():
    png = tf.io.encode_png(np.full((10, 20, 1), 255, "uint8")).numpy()
    source = tf.data.Dataset.from_tensors(
        {"picture": png, "where": [0.0, 0.0, 0.5, 1.0]}
    )
    ((inputs, labels, _),) = data.pipeline(
        source,
        [BOX],
        example=lambda e: ({"image": e["picture"]}, {"box": e["where"]}),
        preprocessor=data.ImagePreprocessor(20, 20, 1),
    )
    # 10 x 20 pixels on 20 x 20: five rows of margin above and below.
    expected = np.zeros((1, 20, 20, 1), "float32")
    expected[:, 5:15] = 1
    np.testing.assert_array_equal(inputs["image"], expected)
    np.testing.assert_allclose(labels["box"], [[0, 0.25, 0.5, 0.75]])


def labels_only(**labels):
    return lambda element: ({"image": element["image"]}, labels)


BOX_LABEL = np.zeros(4, "float32")


@pytest.mark.parametrize(
    ("example", "message"),
    [
        (labels_only(cls=1), "no label for the task 'box'"),
        (labels_only(cls=1, box=BOX_LABEL, bbox=0), "Did you mean 'box'"),
        (labels_only(cls=1, box=BOX_LABEL[:2]), "'box' expects .*Received"),
        (labels_only(cls="two", box=BOX_LABEL), "'cls'.*class numbers"),
        (labels_only(cls=1.0, box=BOX_LABEL), "'cls'.*tf.cast"),
        (labels_only(cls=[[1]], box=BOX_LABEL), "'cls' expects"),
        (lambda element: element, "must be a pair"),
    ],
)
def test_examples_that_do_not_fit_are_named_before_they_are_read(
    example, message
):
    source = Source()
    with pytest.raises(ValueError, match=message):
        batches(source=source.dataset, example=example)
    assert source.num_reads == 0


def test_an_example_without_a_task_is_named_by_default():
    with pytest.raises(ValueError, match="no label for the task 'assays'"):
        batches(tasks=[ASSAYS])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size=0"),
        ({"batch_size": "4"}, "batch_size='4'"),
        ({"cache": "disk"}, "cache='disk'"),
        ({"shuffle_buffer": 0}, "shuffle_buffer=0"),
        ({"preprocessor": lambda raw: raw}, "pair \\(inputs, context\\)"),
        ({"source": [1, 2, 3]}, "tf.data.Dataset of single examples"),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        batches(**arguments)


def test_an_endless_source_is_named():
    with pytest.raises(ValueError, match="endless"):
        batches(source=Source().dataset.repeat())
    source = Source().dataset
    with pytest.raises(ValueError, match="endless"):
        data.epochs(
            lambda epoch: batches(source=source, epoch=epoch).repeat(), 0, 2
        )


def test_epochs_name_what_is_wrong():
    with pytest.raises(ValueError, match="first=3, last=2"):
        data.epochs(lambda epoch: batches(epoch=epoch), 3, 2)
    with pytest.raises(ValueError, match="must return a tf.data.Dataset"):
        data.epochs(lambda epoch: [epoch], 0, 2)
    with pytest.raises(ValueError, match="outside of `make_epoch`"):
        data.epochs(
            lambda epoch: batches(
                source=tf.data.Dataset.from_tensor_slices(
                    {
                        "image": np.zeros((2, 4, 4, 1), "float32"),
                        "cls": [1, 2],
                        "box": np.zeros((2, 4), "float32"),
                    }
                ),
                epoch=epoch,
            ),
            0,
            2,
        )


def test_no_epochs_are_an_empty_dataset():
    source = Source().dataset
    run = data.epochs(lambda epoch: batches(source=source, epoch=epoch), 2, 2)
    assert len(run) == 0
    assert read(run) == []
