import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import LabelSpec, Task, data
from mtl_keras.data import split_datasets, splits

CLS = Task("cls", label=LabelSpec((), "int32", missing=-1))
PRICE = Task("price", label=LabelSpec(()))
TAGS = Task("tags", label=LabelSpec((None,), "int32", missing=-1))
TASKS = (CLS, PRICE)
NUM = 60


def arrays():
    number = np.arange(NUM)
    labels = {
        "cls": np.where(number % 7 == 0, -1, number % 3).astype("int32"),
        "price": np.where(number % 5 == 0, np.nan, number).astype("float32"),
    }
    return {"number": number, "person": number // 4}, labels


def dataset():
    inputs, labels = arrays()
    return tf.data.Dataset.from_tensor_slices({**inputs, **labels})


def numbers(part):
    return [int((e[0] if isinstance(e, tuple) else e)["number"]) for e in part]


def test_arrays_and_datasets_give_the_parts_of_their_indices():
    inputs, labels = arrays()
    strata = splits.strata(labels, TASKS)
    expected = splits.hold_out(NUM, strata=strata, seed=3)
    for source in (arrays(), [*arrays()], {**inputs, **labels}, dataset()):
        parts = data.hold_out(source, TASKS, seed=3)
        for name, part in parts.items():
            assert numbers(part) == expected[name].tolist()
            assert len(part) == len(expected[name])


def test_folds_with_groups_hold_each_example_once():
    found = data.folds(
        dataset(), TASKS, 3, groups="person", validation=0.25, seed=1
    )
    tests = [numbers(fold["test"]) for fold in found]
    assert sorted(sum(tests, [])) == list(range(NUM))
    for fold in found:
        people = [{n // 4 for n in numbers(part)} for part in fold.values()]
        assert sum(len(part) for part in people) == NUM // 4


@pytest.mark.parametrize(
    "groups",
    ["person", lambda inputs, _: inputs["person"], np.arange(NUM) // 4],
    ids=["key", "function", "array"],
)
def test_groups_are_named_computed_or_given(groups):
    parts = data.hold_out(arrays(), TASKS, groups=groups)
    expected = data.hold_out(arrays(), TASKS, groups=np.arange(NUM) // 4 + 100)
    for name, part in parts.items():
        assert numbers(part) == numbers(expected[name])


def test_stratify_names_tasks():
    labels = arrays()[1]
    strata = splits.strata({"cls": labels["cls"]}, TASKS)
    found = data.hold_out(arrays(), TASKS, stratify=["cls"])
    expected = splits.hold_out(NUM, strata=strata)
    assert numbers(found["test"]) == expected["test"].tolist()
    found = data.hold_out(arrays(), TASKS, stratify=False)
    assert numbers(found["test"]) == splits.hold_out(NUM)["test"].tolist()


def test_parts_go_through_the_pipeline():
    def example(element):
        return {"number": element["number"]}, {"cls": element["cls"]}

    parts = data.hold_out(dataset(), [CLS], example=example)
    train = data.pipeline(
        parts["train"], [CLS], example=example, training=True, batch_size=10
    )
    assert sum(len(batch[1]["cls"]) for batch in train) == len(parts["train"])


def test_sequences_of_different_length_are_stratified():
    def sequences():
        for number in range(30):
            yield {"x": number}, {"tags": [number % 3] * (number % 4 + 1)}

    source = tf.data.Dataset.from_generator(
        sequences,
        output_signature=(
            {"x": tf.TensorSpec((), tf.int64)},
            {"tags": tf.TensorSpec((None,), tf.int32)},
        ),
    )
    parts = data.hold_out(source, [TAGS], {"train": 0.8, "test": 0.2})
    tags = [int(labels["tags"][0]) for _, labels in parts["test"]]
    assert np.bincount(tags).tolist() == [2, 2, 2]


def test_any_numbers_can_be_selected():
    parts = split_datasets.select(dataset(), {"some": [5, 3], "none": []})
    assert numbers(parts["some"]) == [3, 5]
    assert numbers(parts["none"]) == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: data.hold_out(dataset(), TASKS, stratify=["clz"]), "'cls'"),
        (lambda: data.hold_out(dataset(), TASKS, groups="persn"), "'person'"),
        (lambda: data.hold_out(dataset().take(0), TASKS), "no examples"),
        (lambda: data.hold_out(np.zeros(3), TASKS), "Received: a ndarray"),
        (
            lambda: data.hold_out(({"x": [1, 2]}, {"cls": [1]}), [CLS]),
            "lengths \\[1, 2\\]",
        ),
        (lambda: data.hold_out(dataset(), [TAGS]), "task 'tags'"),
        (lambda: data.hold_out(dataset(), TASKS, groups=[1, 2]), "shape"),
        (
            lambda: split_datasets.select(dataset(), {"a": [NUM]}),
            "from 0 to 59",
        ),
        (lambda: split_datasets.select(dataset(), {"a": [-1]}), "from -1"),
    ],
)
def test_wrong_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
