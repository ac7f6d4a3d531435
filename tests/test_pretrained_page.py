"""What docs/pretrained.md says is true: its code runs, in order."""

import pathlib
import re

import pytest

import zoo
from mtl_keras.training import recipe, stages
from zoo import recipe_file
from zoo.pretrained import efficientnet_lite0, minilm

ROOT = pathlib.Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "pretrained.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_code_of_the_page_runs():
    pytest.importorskip("keras_hub", reason="needs the extra hub")
    pytest.importorskip("tensorflow_text", reason="needs the extra hub")
    try:
        minilm.folder(), efficientnet_lite0.weight_file()
    except ValueError as error:
        pytest.skip(str(error))
    names = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 4
    # As within `get_config()` of a recipe of one's own.
    names["config"] = recipe_file.read(zoo.recipe("cls_det_box"), [])
    names["config"].unlock()
    for block in blocks:
        exec(compile(block, "docs/pretrained.md", "exec"), names)
    # One sentence; [CLS] play some jazz ! [SEP].
    assert names["answers"]["slot"].shape == (1, 6, 3)
    assert names["features"].shape == (None, 5, 5, 1280)
    sizes = {level: x.shape[1] for level, x in names["pyramid"].items()}
    assert sizes == {"P3": 20, "P4": 10, "P5": 5}
    assert names["model"].get_layer("trunk").adaptation == "all"
    # What the page writes into the recipe is a recipe.
    first, second = stages.read(recipe.as_dict(names["config"]))
    assert (first.epochs, second.epochs) == (8, 12)
    assert second.optimizer["trunk_learning_rate"] == 1e-4


@pytest.mark.parametrize("name", [minilm.NAME, efficientnet_lite0.NAME])
def test_page_names_the_trunk(name):
    assert f'`"{name}"`' in PAGE
