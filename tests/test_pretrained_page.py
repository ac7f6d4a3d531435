"""What docs/pretrained.md says is true: its code runs, in order."""

import pathlib
import re

import pytest

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
    assert len(blocks) == 3
    for block in blocks:
        exec(compile(block, "docs/pretrained.md", "exec"), names)
    # One sentence; [CLS] play some jazz ! [SEP].
    assert names["answers"]["slot"].shape == (1, 6, 3)
    assert names["features"].shape == (None, 5, 5, 1280)
    sizes = {level: x.shape[1] for level, x in names["pyramid"].items()}
    assert sizes == {"P3": 20, "P4": 10, "P5": 5}
    assert names["model"].get_layer("trunk").adaptation == "all"


@pytest.mark.parametrize("name", [minilm.NAME, efficientnet_lite0.NAME])
def test_page_names_the_trunk(name):
    assert f'`"{name}"`' in PAGE
