"""What docs/serving.md says is true: its commands run, its requests fit."""

import base64
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from mtl_keras import export
from zoo import commands

ROOT = pathlib.Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "serving.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(bash|json)\n(.*?)```", PAGE, re.DOTALL)
TOOLS = [
    line
    for kind, text in BLOCKS
    if kind == "bash"
    for line in text.splitlines()
    if line.startswith("python -m tools.")
]
# Each request, and the answer that is printed below it, if one is.
REQUESTS = [
    (text, answer if next_kind == "json" else None)
    for (_, text), (next_kind, answer) in zip(
        BLOCKS, [*BLOCKS[1:], ("", "")], strict=True
    )
    if text.startswith("curl ")
]
# Says what it was asked, as the shell gave it.
CURL = """#!{python}
import json, sys
print(json.dumps(sys.argv[1:]))
"""


def environment(folder):
    return {
        **os.environ,
        "PATH": f"{folder}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """A folder in which the page's commands have been run, in order."""
    folder = tmp_path_factory.mktemp("serving_page")
    folder.joinpath("docs").symlink_to(ROOT / "docs")
    curl = folder / "curl"
    curl.write_text(CURL.format(python=sys.executable))
    curl.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for line in TOOLS:
            *python, tool = shlex.split(line)[:3]
            assert python == ["python", "-m"] and tool.startswith("tools.")
            name = tool.removeprefix("tools.")
            # In this process, since importing TensorFlow takes seconds.
            assert commands.main([name, *shlex.split(line)[3:]]) == 0, line
    return folder


def test_there_is_something_to_check():
    assert len(TOOLS) >= 4
    assert sum(answer is not None for _, answer in REQUESTS) >= 5


def values(items):
    """Reads values as TensorFlow Serving's REST interface does."""
    if isinstance(items, list):
        return [values(item) for item in items]
    if isinstance(items, dict):
        assert set(items) == {"b64"}
        return base64.b64decode(items["b64"], validate=True)
    return items


@pytest.mark.slow
@pytest.mark.parametrize("index", range(len(REQUESTS)))
def test_request_gets_the_answer(workplace, index):
    command, answer = REQUESTS[index]
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=workplace,
        env=environment(workplace),
        capture_output=True,
        text=True,
        check=True,
    )
    address, flag, body = json.loads(done.stdout)
    model = re.fullmatch(
        r"http://localhost:8501/v1/models/(\w+):predict", address
    )[1]
    assert flag == "-d"
    request = json.loads(body)
    loaded = tf.saved_model.load(str(workplace / "serving" / model / "1"))
    signature = loaded.signatures[request["signature_name"]]
    specs = signature.structured_input_signature[1]
    assert set(request["inputs"]) == set(specs)
    received = signature(
        **{
            name: tf.constant(values(items), specs[name].dtype)
            for name, items in request["inputs"].items()
        }
    )
    if answer is None:
        return
    for name, expected in json.loads(answer)["outputs"].items():
        value = received[name].numpy()
        if value.dtype == object:
            text = [[item.decode() for item in np.ravel(value)]]
            assert np.ravel(text).tolist() == np.ravel(expected).tolist()
        else:
            assert value.shape == np.shape(expected)
            tolerance = 0.01 if name == "box_pixels" else 1e-4
            np.testing.assert_allclose(value, expected, atol=tolerance)


@pytest.mark.slow
def test_folders_hold_what_the_page_says(workplace):
    version = workplace / "serving" / "cls_det_box" / "1"
    for line in PAGE.splitlines():
        for name in re.findall(r"^\| .*`(assets\.extra/\w[\w.]*)`", line):
            assert (version / name).is_file()
    following = export.next_version(version.parent)
    assert int(following.name) > 1


@pytest.mark.parametrize("path", re.findall(r"\]\(((?!http)[^)#]+)\)", PAGE))
def test_linked_file_exists(path):
    assert (ROOT / "docs" / path).exists()
