"""Columns become numbers near zero and codes of what they say."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import MultiTaskModel, export
from mtl_keras.data import ColumnPreprocessor

NUMBERS = {"income": (5.0, 2.0), "age": (40.0, 10.0)}
CATEGORIES = {"zip": (7, 9), "job": ("baker", "nurse")}
ROWS = {
    "age": [50.0, np.nan],
    "income": [5, 1],
    "job": ["nurse", "pilot"],
    "zip": [7, 8],
}
EXPECTED = [
    [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0],
    [0.0, -2.0, 1.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0],
]


@pytest.fixture(scope="module")
def preprocessor():
    return ColumnPreprocessor(NUMBERS, CATEGORIES)


def test_values_worked_by_hand(preprocessor):
    inputs, context = preprocessor(ROWS)
    np.testing.assert_allclose(inputs["columns"], EXPECTED)
    assert inputs["columns"].dtype == tf.float32
    assert context == {}
    assert preprocessor.columns == ("age", "income", "job", "zip")
    assert preprocessor.num_features == 10


def test_one_example_is_a_batch_of_one(preprocessor):
    for index, expected in enumerate(EXPECTED):
        row = {name: values[index] for name, values in ROWS.items()}
        inputs, _ = preprocessor(row)
        np.testing.assert_allclose(inputs["columns"], expected)


def test_ids_for_a_model_that_embeds():
    preprocessor = ColumnPreprocessor(NUMBERS, CATEGORIES, encoding="id")
    inputs, _ = preprocessor(ROWS)
    np.testing.assert_allclose(inputs["columns"], [row[:4] for row in EXPECTED])
    np.testing.assert_array_equal(inputs["job"], [2, 0])
    np.testing.assert_array_equal(inputs["zip"], [1, 0])
    assert preprocessor.num_features == 4
    assert preprocessor.num_ids == {"job": 3, "zip": 3}
    only = ColumnPreprocessor(categories=CATEGORIES, encoding="id")
    assert set(only({"job": "nurse", "zip": 7})[0]) == {"job", "zip"}


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (np.inf, 100.0),
        (-np.inf, -100.0),
        (1e38, 100.0),
        (-3.4e38, -100.0),
        (np.nan, 0.0),
    ],
)
def test_extreme_numbers_stay_within_the_limit(number, expected):
    preprocessor = ColumnPreprocessor({"age": (1e38, 1e-30)})
    if number == 1e38:
        expected = 0.0
    inputs, _ = preprocessor({"age": np.float32(number)})
    np.testing.assert_array_equal(
        inputs["columns"], [expected, float(np.isnan(number))]
    )


@pytest.mark.parametrize("deviation", [0.0, 1e-40])
def test_a_constant_column_is_only_centred(deviation):
    preprocessor = ColumnPreprocessor({"age": (40.0, deviation)})
    inputs, _ = preprocessor({"age": [40.0, 42.0]})
    np.testing.assert_array_equal(inputs["columns"], [[0, 0], [2, 0]])


def test_adapt_measures_what_is_there():
    preprocessor = ColumnPreprocessor.adapt(
        {
            "age": [30.0, np.nan, 50.0, np.inf],
            "same": np.ones(4, "int64"),
            "job": ["b", "", "a", "b"],
            "bytes": [b"x", b"x", b"y", b"y"],
            "zip": [3, 1, 1, 2],
            "mixed": np.array(["x", None, np.nan, "x"], object),
        },
        categories=["zip"],
        max_values=2,
        limit=5.0,
    )
    config = preprocessor.get_config()
    assert config["numbers"] == {"age": [40.0, 10.0], "same": [1.0, 1.0]}
    assert config["categories"] == {
        "bytes": ["x", "y"],
        "job": ["a", "b"],
        "mixed": ["x"],
        # The most frequent one, and of the others the first.
        "zip": [1, 2],
    }
    assert config["limit"] == 5.0


def test_adapt_standardises():
    values = np.random.default_rng(0).normal(3.0, 7.0, 1000)
    preprocessor = ColumnPreprocessor.adapt({"x": values})
    scaled = preprocessor({"x": values})[0]["columns"][:, 0].numpy()
    np.testing.assert_allclose([scaled.mean(), scaled.std()], [0, 1], atol=1e-5)


def test_examples_and_batches_of_a_dataset(preprocessor):
    dataset = tf.data.Dataset.from_tensor_slices(ROWS)
    alone = list(dataset.map(preprocessor))
    (together,) = dataset.batch(4).map(preprocessor)
    assert dataset.map(preprocessor).element_spec[0]["columns"].shape == (10,)
    for index, expected in enumerate(EXPECTED):
        for row in (alone[index][0]["columns"], together[0]["columns"][index]):
            np.testing.assert_allclose(row, expected)


def test_an_empty_batch(preprocessor):
    empty = {
        name: tf.zeros((0,), spec.dtype)
        for name, spec in preprocessor.input_signature().items()
    }
    assert preprocessor(empty)[0]["columns"].shape == (0, 10)


def test_served_from_named_columns(preprocessor, tmp_path):
    keras.utils.set_random_seed(0)
    inputs = keras.Input((10,), name="columns")
    model = MultiTaskModel(
        inputs,
        {
            name: keras.layers.Dense(1, name=name)(inputs)
            for name in ("price", "sold")
        },
    )
    folder = export.saved_model(model, tmp_path / "1", preprocessor)
    signatures = tf.saved_model.load(str(folder)).signatures
    specs = preprocessor.input_signature()
    raw = {
        name: tf.constant(values, specs[name].dtype)
        for name, values in ROWS.items()
    }
    expected = model(np.array(EXPECTED, "float32"))
    for name in ("price", "sold"):
        for signature in (name, "serving_default"):
            received = signatures[signature](**raw)[name]
            np.testing.assert_allclose(received, expected[name], rtol=1e-5)


@pytest.mark.parametrize("encoding", ["one_hot", "id"])
def test_saved_beside_a_model(encoding):
    preprocessor = ColumnPreprocessor(
        NUMBERS, CATEGORIES, encoding, limit=3.0, name="table"
    )
    config = keras.saving.serialize_keras_object(preprocessor)
    # As a file that sorts its keys keeps it: the order is the names'.
    config = json.loads(json.dumps(config, sort_keys=True))
    again = keras.saving.deserialize_keras_object(config)
    assert again.get_config() == preprocessor.get_config()
    for name, value in preprocessor(ROWS)[0].items():
        np.testing.assert_array_equal(again(ROWS)[0][name], value)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "at least one column"),
        ({"numbers": {"age": 3.0}}, "two finite numbers"),
        ({"numbers": {"age": (0.0, np.nan)}}, "two finite numbers"),
        ({"numbers": {"age": (0.0, 1e39)}}, "two finite numbers"),
        ({"numbers": {"age": (0.0, -1.0)}}, "not to be negative"),
        ({"categories": {"job": "baker"}}, "all strings or all integers"),
        ({"categories": {"job": ()}}, "all strings or all integers"),
        ({"categories": {"job": ("a", 1)}}, "all strings or all integers"),
        ({"categories": {"job": ("a", "a")}}, "different values"),
        ({"numbers": {"a": (0, 1)}, "categories": {"a": "bc"}}, "'a'"),
        (
            {"numbers": {"a": (0, 1)}, "categories": {"a": ("b",)}},
            "of two kinds",
        ),
        ({"numbers": {"a": (0, 1)}, "encoding": "onehot"}, "mean 'one_hot'"),
        ({"numbers": {"a": (0, 1)}, "limit": 0.0}, "limit=0.0"),
        (
            {"categories": {"a": ("b",)}, "encoding": "id", "name": "a"},
            "name='a'",
        ),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        ColumnPreprocessor(**arguments)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"age": None}, "misses the column 'age'. Expected all of 'age', 'in"),
        ({"jb": ["a", "b"]}, "Did you mean 'job'"),
        ({"age": ["a", "b"]}, "'age' to hold numbers"),
        ({"job": [1, 2]}, "'job' to hold strings"),
        ({"zip": [1.0, 2.0]}, "'zip' to hold integers"),
        ({"zip": 7}, "all the same"),
        ({"zip": [7, 8, 9]}, "all the same"),
    ],
)
def test_wrong_columns_are_named(preprocessor, change, message):
    raw = {**ROWS, **change}
    raw = {name: values for name, values in raw.items() if values is not None}
    with pytest.raises(ValueError, match=message):
        preprocessor(raw)


def test_no_dict_of_columns(preprocessor):
    with pytest.raises(ValueError, match="Received: list"):
        preprocessor([1.0, 2.0])


@pytest.mark.parametrize(
    ("table", "options", "message"),
    [
        ({"age": [np.nan]}, {}, "at least one finite number"),
        ({"job": ["", ""]}, {}, "at least one value"),
        ({"job": ["a"]}, {"categories": ["jab"]}, "mean 'job'"),
        ({"job": [["a"]]}, {}, r"shape \(1, 1\)"),
        ({"job": np.array(["a", 1], object)}, {}, "1 of type int"),
        ({"day": np.array(["2020-01-01"], "M8[D]")}, {}, "datetime64"),
    ],
)
def test_what_cannot_be_adapted_to(table, options, message):
    with pytest.raises(ValueError, match=message):
        ColumnPreprocessor.adapt(table, **options)


@pytest.mark.parametrize("name", ["capital gain", "größe", "_age"])
def test_a_name_that_cannot_be_served_is_said(name):
    preprocessor = ColumnPreprocessor({name: (0.0, 1.0)})
    preprocessor({name: 1.0})
    with pytest.raises(ValueError, match="Rename it"):
        preprocessor.input_signature()
