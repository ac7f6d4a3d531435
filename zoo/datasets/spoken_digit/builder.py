"""TensorFlow Datasets builder of `spoken_digit_speaker`."""

import importlib.resources
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import tensorflow_datasets as tfds

from zoo.datasets import originals
from zoo.datasets.spoken_digit import names

_DESCRIPTION = """
The Free Spoken Digit Dataset: 3,000 recordings of the digits 0 to 9 in English
by 6 speakers, 50 of each digit and speaker, at 8,000 samples per second and
trimmed of silence. The test split is recordings 0 to 4 of each digit and
speaker, as the authors propose; validation is recordings 5 to 9.
"""

_CITATION = """
@misc{jackson2020fsdd,
  title = {Free Spoken Digit Dataset (FSDD)},
  author = {Jackson, Zohar and Souza, C\\'esar and Flaks, Jason and Pan, Yuxin
            and Nicolas, Hereman and Thite, Adhish},
  howpublished = {https://github.com/Jakobovski/free-spoken-digit-dataset},
  doi = {10.5281/zenodo.1342401},
}
"""

# A commit, so that the recordings can never change. GitHub packs the archive
# when it is asked for, and does not promise the same bytes: `sha256sums.txt`
# has the sum of each recording instead.
_URL = (
    "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/"
    "26eb9aa.zip"
)
_NAME = re.compile(r"([0-9])_([a-z]+)_([0-9]+)\.wav")
# The numbers of the recordings of each digit and speaker.
_NUMBERS = {
    "train": range(10, 50),
    "validation": range(5, 10),
    "test": range(5),
}


class Builder(tfds.core.GeneratorBasedBuilder):
    """Builds `spoken_digit_speaker`.

    The archive is downloaded, or the recordings are read from the folder
    `manual/spoken_digit` of the downloads where that holds `recordings`
    (`download_and_prepare(download_config=tfds.download.DownloadConfig(
    manual_dir=...))` names another folder). TensorFlow Datasets has a
    `spoken_digit` of its own, which has no class numbers for the speakers and
    no test split.

    Features of an example:

    - `audio`: the bytes of the wav file.
    - `command`: class number of the digit.
    - `speaker`: class number of the speaker, by `names.SPEAKERS`.
    - `file`: the file's name.
    """

    name = "spoken_digit_speaker"
    SOURCE = "spoken_digit"
    VERSION = tfds.core.Version("1.0.0")
    RELEASE_NOTES = {"1.0.0": "Six speakers."}
    MANUAL_DOWNLOAD_INSTRUCTIONS = (
        "Not needed: the archive is downloaded. The folder may hold "
        "recordings/0_george_0.wav and the other 2,999 recordings."
    )

    def _info(self) -> tfds.core.DatasetInfo:
        features = {
            # Bytes: `tfds.features.Audio` would decode them.
            "audio": tfds.features.Text(),
            "command": tfds.features.ClassLabel(names=names.COMMANDS),
            "speaker": tfds.features.ClassLabel(names=names.SPEAKERS),
            "file": tfds.features.Text(),
        }
        return tfds.core.DatasetInfo(
            builder=self,
            description=_DESCRIPTION,
            features=tfds.features.FeaturesDict(features),
            supervised_keys=None,
            homepage="https://github.com/Jakobovski/free-spoken-digit-dataset",
            citation=_CITATION,
            license="CC-BY-SA-4.0",
        )

    def _split_generators(self, dl_manager: tfds.download.DownloadManager):
        folder = _find(dl_manager, self.SOURCE)
        sums = known_sums()
        return {
            split: self._generate_examples(
                folder,
                {n: s for n, s in sums.items() if number_of(n) in numbers},
            )
            for split, numbers in _NUMBERS.items()
        }

    def _generate_examples(
        self, folder: Path, sums: Mapping[str, str]
    ) -> Iterator:
        for example in read(folder, sums):
            yield example["file"], example


def _find(dl_manager, name: str) -> Path:
    """Finds the folder of the recordings, or downloads the archive."""
    for folder in originals.manual_folders(dl_manager, name):
        if (folder / "recordings").is_dir():
            return folder / "recordings"
    unpacked = originals.download(
        dl_manager.download_and_extract,
        name,
        {"archive": _URL},
        ["recordings/0_george_0.wav", "..."],
    )["archive"]
    # The archive holds one folder, which is named after the commit.
    for folder in sorted(unpacked.glob("*/recordings")):
        return folder
    raise originals.missing(unpacked / "recordings")


def known_sums() -> dict[str, str]:
    """Returns the sha256 of each recording, which lies beside this builder.

    Returns:
        Dict from file name to hexadecimal digits. `sha256sum -c
        sha256sums.txt`, run among the recordings, compares the same.
    """
    package = importlib.resources.files("zoo.datasets.spoken_digit")
    text = package.joinpath("sha256sums.txt").read_text(encoding="ascii")
    return {
        name: digits
        for digits, name in (line.split() for line in text.splitlines())
    }


def number_of(name: str) -> int:
    """Returns the number of a recording among those of its digit and speaker.

    Args:
        name: String, a file's name, such as `"7_jackson_32.wav"`.
    """
    return int(_NAME.fullmatch(name)[3])


def read(folder: Path, sums: Mapping[str, str]) -> Iterator[dict]:
    """Reads recordings.

    Args:
        folder: Path of the folder of recordings.
        sums: Dict from file name to the file's sha256 in hexadecimal digits.

    Yields:
        Dicts, the features of the builder.

    Raises:
        ValueError: If a file is missing, or is not that of the sum.
    """
    for name, sha256 in sums.items():
        path = Path(folder) / name
        if not path.is_file():
            raise originals.missing(path)
        originals.check_sum(path, sha256)
        command, speaker, _ = _NAME.fullmatch(name).groups()
        yield {
            "audio": path.read_bytes(),
            "command": command,
            "speaker": speaker,
            "file": name,
        }
