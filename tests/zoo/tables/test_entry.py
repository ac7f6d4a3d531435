"""What all models of tables share, on a small one."""

import json
import re

import numpy as np
import pytest
import tensorflow as tf

import zoo
from mtl_keras import export
from zoo.commands import predict

ROW = {"age": [30.0, 70.0], "size": [np.nan, 1.0], "job": ["nurse", "pilot"]}


def test_depth_0_is_a_linear_model(tiny_table):
    model = zoo.load(tiny_table, depth=0)
    inputs = model.preprocessor(ROW)[0]["columns"].numpy()
    kernel, bias = model.get_layer("price").get_weights()
    received = model.predict({"columns": inputs}, verbose=0)["price"]
    np.testing.assert_allclose(received, inputs @ kernel + bias, atol=1e-5)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"units": 0}, "`units`"),
        ({"depth": -1}, "`depth`"),
        ({"column_units": 1.5}, "`column_units`"),
        ({"dropout": 1.0}, "`dropout`"),
        ({"sharing": "mmo"}, "Did you mean 'mmoe'"),
        ({"unit": 3}, "Did you mean 'units'"),
    ],
)
def test_wrong_overrides_are_refused(tiny_table, overrides, message):
    with pytest.raises(ValueError, match=message):
        zoo.load(tiny_table, **overrides)


def test_a_table_of_ones_own_is_measured(tiny_table, tmp_path):
    rows = ["age,wage,town,when,old,price,kind,split"]
    for number in range(40):
        split = ("train", "train", "validation", "test")[number % 4]
        wage = "" if number % 5 == 0 else number / 2
        rows.append(
            f"{number},{wage},{'ab'[number % 2]},2024-01-{1 + number % 28:02},"
            f"{number % 2},{number},{('other', 'nurse')[number % 2]},{split}"
        )
    folder = tmp_path / "people"
    folder.mkdir()
    (folder / "people.csv").write_text("\n".join(rows) + "\n")
    model = zoo.load(tiny_table, data=folder, data_dir=tmp_path / "data")
    config = model.preprocessor.get_config()
    train = [n for n in range(40) if n % 4 < 2]
    assert config["numbers"]["age"][0] == pytest.approx(np.mean(train))
    assert config["categories"] == {"town": ["a", "b"]}
    assert set(config["dates"]) == {"when"}
    model.compile()
    dataset = zoo.dataset(
        tiny_table, "test", folder, data_dir=tmp_path / "data"
    )
    measured = model.evaluate(dataset, verbose=0, return_dict=True)
    assert np.isfinite(measured["loss"])


def test_decisions_are_kept_of_the_data_they_were_chosen_on(
    tiny_table, tmp_path, data_dir
):
    from mtl_keras import calibration

    model = zoo.load(tiny_table, units=4, column_units=2)
    dataset = zoo.dataset(tiny_table, "validation", data_dir=data_dir)
    decisions = calibration.apply(model, dataset)
    folder = zoo.save(model, tmp_path / "saved")
    assert zoo.load(folder).postprocessor.decisions == decisions
    kept = zoo.load(folder, tasks=["old"]).postprocessor.decisions
    assert kept == {"old": decisions["old"]}
    # Heads of other classes have temperatures of their own.
    other = zoo.load(folder, classes={"kind": ("a", "b", "c")})
    assert other.postprocessor.decisions == {}


def test_served_from_columns_with_unknown_values(tiny_table, tmp_path):
    model = zoo.load(tiny_table, units=4, column_units=2)
    path = export.saved_model(
        model, tmp_path / "1", model.preprocessor, model.postprocessor
    )
    served = tf.saved_model.load(str(path)).signatures["serving_default"]
    raw = {"age": [1e30, -np.inf], "size": [np.nan] * 2, "job": ["", "pilot"]}
    received = served(**{k: tf.constant(v) for k, v in raw.items()})
    inputs = model.preprocessor(raw)[0]
    expected = model.predict(inputs, verbose=0)
    for task, value in expected.items():
        np.testing.assert_allclose(received[task], value, atol=1e-5)
        assert np.isfinite(value).all()
    assert set(received) == {
        *expected,
        "old_present",
        "kind_name",
        "kind_score",
    }


@pytest.fixture
def flags(tiny_table, tmp_path):
    """Flags that name a model with weights."""
    path = tmp_path / "tiny.weights.h5"
    zoo.load(tiny_table).save_weights(path)
    return [f"--model={tiny_table}", f"--weights={path}"]


@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_predict_prints_a_line_for_each_row(
    tiny_table, flags, tmp_path, capsys, suffix
):
    path = tmp_path / f"rows.{suffix}"
    if suffix == "csv":
        path.write_text("job,age,size,note\nnurse,30,,x\npilot,70,1.0,y\n")
    else:
        path.write_text(json.dumps({**ROW, "size": [None, 1.0]}))
    assert predict.main([*flags, str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    model = zoo.load(tiny_table)
    assert len(lines) == 2 and lines[0].startswith(f"{path}:1  ")
    for line in lines:
        assert all(f"{task} " in line for task in model.tasks)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("job,age\nnurse,30\n", "Received: a table without the column 'size'"),
        ("job,age,size\nnurse,old,1\n", "line 2.*'age'.*'old'"),
        ("", "Received: an empty file"),
    ],
)
def test_predict_refuses_a_wrong_table(flags, tmp_path, capsys, text, message):
    path = tmp_path / "rows.csv"
    path.write_text(text)
    assert predict.main([*flags, str(path)]) != 0
    assert re.search(message, capsys.readouterr().err)


@pytest.mark.slow
def test_report_is_one_page(tiny_table, flags, tmp_path, data_dir):
    from zoo.commands import report

    output = tmp_path / "pages" / "report.html"
    argv = [*flags, f"--output={output}", f"--data_dir={data_dir}"]
    assert report.main([*argv, "--repeats=1"]) == 0
    page = output.read_text(encoding="utf-8")
    for heading in ("test split", "Calibration", "Importance of the columns"):
        assert heading in page
    assert page.count("data:image/png;base64,") == 2
    # Nothing is read from elsewhere.
    assert "http" not in page and 'src="/' not in page
    model = zoo.load(tiny_table, weights=flags[1].partition("=")[2])
    model.compile()
    metrics = model.evaluate(
        zoo.dataset(tiny_table, "test", data_dir=data_dir),
        return_dict=True,
        verbose=0,
    )
    assert f">{metrics['price_mae']:.4f}<" in page
