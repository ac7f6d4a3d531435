"""`benchmark data`: its figures are of steps on real batches."""

import json
from pathlib import Path

import pytest

from zoo import registry
from zoo.commands import benchmark, data_benchmark

RECIPE = Path(__file__).parent / "tiny_recipe.py"


@pytest.mark.slow
def test_a_line_for_each_model(tiny, tmp_path, data_dir, capsys, monkeypatch):
    monkeypatch.setattr(registry, "recipe", lambda name: RECIPE)
    monkeypatch.setattr(data_benchmark.zoo, "recipe", lambda name: RECIPE)
    output = tmp_path / "times.json"
    argv = ["data", f"--models={tiny}", "--steps=2", f"--data_dir={data_dir}"]
    assert benchmark.main([*argv, f"--output={output}"]) == 0
    (line,) = json.loads(output.read_text())
    assert line["model"] == tiny and 1 <= line["steps"] <= 2
    assert line["memory_ms"] > 0 and line["pipeline_ms"] > 0
    assert line["ratio"] > 0
    assert tiny in capsys.readouterr().out


def test_unknown_models_are_named(capsys):
    assert benchmark.main(["data", "--models=cls_det_bx"]) == 1
    assert "Did you mean 'cls_det_box'" in capsys.readouterr().err
