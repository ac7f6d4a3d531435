"""Codes of quantiles and dates, compared with NumPy's and the calendar's."""

import datetime

import numpy as np
import pytest

from mtl_keras.data import ColumnPreprocessor, date_code, quantile_code


def test_quantile_code_worked_by_hand():
    preprocessor = ColumnPreprocessor(
        {"age": (0.0, 1.0)}, quantiles={"age": [0.0, 10.0, 30.0]}
    )
    inputs, _ = preprocessor({"age": [-5.0, 5.0, 20.0, 99.0, np.nan]})
    np.testing.assert_allclose(
        inputs["columns"][:, 2:], [[0, 0], [0.5, 0], [1, 0.5], [1, 1], [0, 0]]
    )
    assert preprocessor.feature_columns == ("age",) * 4


def test_edges_are_quantiles_of_the_values_and_of_the_different_values():
    values = np.array([0.0] * 90 + list(range(1, 11)))
    assert quantile_code.edges_of(values, 20) == [float(i) for i in range(11)]
    edges = quantile_code.edges_of(values, 4)
    expected = {0.0, *np.quantile(np.arange(11.0), [0.5, 1.0])}
    assert edges == sorted(expected)
    assert quantile_code.edges_of(np.array([3.0, 3.0, np.nan]), 4) == []


@pytest.mark.parametrize(
    "edges", [[1.0], [1.0, 1.0], [2.0, 1.0], [0.0, np.nan], "ab", [[1, 2]], 3]
)
def test_wrong_edges_are_refused(edges):
    with pytest.raises(ValueError, match="'age' to be at least two increasing"):
        ColumnPreprocessor({"age": (0.0, 1.0)}, quantiles={"age": edges})


def test_quantiles_of_an_unknown_column_are_refused():
    with pytest.raises(ValueError, match="Did you mean 'age'"):
        ColumnPreprocessor({"age": (0, 1)}, quantiles={"agee": [0, 1]})


def test_extreme_numbers_have_a_finite_quantile_code():
    edges = [-3e38, 0.0, 3e38]
    preprocessor = ColumnPreprocessor({"x": (0, 1)}, quantiles={"x": edges})
    inputs, _ = preprocessor({"x": [np.inf, -np.inf, 1.5e38]})
    np.testing.assert_allclose(
        inputs["columns"][:, 2:], [[1, 1], [0, 0], [1, 0.5]]
    )


def _dates(number):
    rng = np.random.default_rng(0)
    days = [*rng.integers(1, 3_000_000, number), 730_179, 730_178, 146_097]
    return [datetime.date.fromordinal(int(day)) for day in days]


def test_date_code_is_that_of_the_calendar():
    preprocessor = ColumnPreprocessor(dates={"when": (0.0, 1000.0)}, limit=1e6)
    dates = _dates(500)
    code = preprocessor({"when": [d.isoformat() for d in dates]})[0]["columns"]
    epoch = datetime.date(1970, 1, 1).toordinal()
    days = np.array([date.toordinal() - epoch for date in dates])
    np.testing.assert_allclose(code[:, 0], days / 1000.0, rtol=1e-6)
    np.testing.assert_array_equal(code[:, 1], 0)
    weekday = np.array([date.weekday() for date in dates]) * 2 * np.pi / 7
    np.testing.assert_allclose(code[:, 4], np.sin(weekday), atol=1e-4)
    np.testing.assert_allclose(code[:, 5], np.cos(weekday), atol=1e-4)


@pytest.mark.parametrize(
    ("text", "is_date"),
    [
        ("2024-02-29", True),
        ("2023-02-29", False),
        ("1900-02-29", False),
        ("2000-02-29", True),
        ("2024-13-01", False),
        ("2024-04-31", False),
        ("2024-04-30T10:00:00", True),
        (" 2024-04-30 10:00", True),
        ("2024-4-30", False),
        ("0000-01-01", False),
        ("", False),
        ("tomorrow", False),
        ("２０２４-04-30", False),
    ],
)
def test_what_is_no_date_is_missing(text, is_date):
    preprocessor = ColumnPreprocessor(dates={"when": (0.0, 1.0)})
    code = preprocessor({"when": [text]})[0]["columns"][0]
    assert code[1] == (0 if is_date else 1)
    assert is_date == np.isfinite(date_code.days(text))
    if not is_date:
        np.testing.assert_array_equal(code, [0, 1, 0, 0, 0, 0])


def test_adapt_finds_dates_and_quantiles():
    preprocessor = ColumnPreprocessor.adapt(
        {
            "when": ["2024-01-01", "", "2024-01-03"],
            "code": ["2024-01-01", "x", ""],
            "age": [1.0, 2.0, np.nan],
            "same": [1.0, 1.0, 1.0],
        },
        num_quantiles=8,
    )
    config = preprocessor.get_config()
    assert config["dates"] == {"when": [19724.0, 1.0]}
    assert set(config["categories"]) == {"code"}
    assert config["quantiles"] == {"age": [1.0, 2.0]}
    again = ColumnPreprocessor.from_config(config)
    row = {"when": "2024-01-02", "code": "x", "age": 1.5, "same": 1.0}
    np.testing.assert_array_equal(
        again(row)[0]["columns"], preprocessor(row)[0]["columns"]
    )
    assert again.num_features == len(again(row)[0]["columns"])
    assert again.columns == ("age", "same", "when", "code")


def test_one_quantile_is_refused():
    with pytest.raises(ValueError, match="at least 2"):
        ColumnPreprocessor.adapt({"age": [1.0, 2.0]}, num_quantiles=1)
