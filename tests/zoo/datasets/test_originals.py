"""What is said where original files cannot be downloaded."""

import errno
import importlib
import pathlib

import pytest
import tensorflow_datasets as tfds

import zoo
from zoo import registry
from zoo.datasets import originals

_URLS = {"part/a.csv": "https://example.org/a.csv"}


def test_downloaded_files_are_paths():
    found = originals.download(
        lambda urls: {path: f"/tmp/{path}" for path in urls},
        "iris",
        _URLS,
        _URLS,
    )
    assert found == {"part/a.csv": pathlib.Path("/tmp/part/a.csv")}


@pytest.mark.parametrize(
    "error",
    [
        ConnectionError("no route"),
        ConnectionRefusedError(errno.ECONNREFUSED, "no route"),
        OSError("no route"),
        tfds.download.DownloadError("no route, 404"),
    ],
)
def test_a_failed_download_names_addresses_and_the_folder(error):
    def fail(urls):
        raise error

    with pytest.raises(OSError, match="could not be downloaded") as raised:
        originals.download(fail, "iris", _URLS, ["part/a.csv"])
    for part in (
        "https://example.org/a.csv",
        "no route",
        "put 'part/a.csv' into 'downloads/manual/iris'",
    ):
        assert part in str(raised.value)


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(errno.EACCES, "denied"),
        OSError(errno.ENOSPC, "no space left"),
    ],
)
def test_a_fault_of_the_disk_stays_what_it_is(error):
    def fail(urls):
        raise error

    with pytest.raises(OSError) as raised:
        originals.download(fail, "iris", _URLS, _URLS)
    assert raised.value is error


def test_a_wrong_sum_is_no_failed_download():
    class WrongSum(Exception):
        pass

    def fail(urls):
        raise WrongSum("sum")

    with pytest.raises(WrongSum):
        originals.download(fail, "iris", _URLS, ["part/a.csv"])


class _Unreachable:
    """A download manager without a network and without a manual folder."""

    manual_dir = "/nowhere"

    def download(self, urls):
        raise ConnectionError("no route")

    download_and_extract = download


# These draw their examples; nothing is downloaded.
_DRAWN = {"digit_clips", "digit_scenes", "scenes"}
_DATA = {
    data: registry.find(name).entry
    for name in zoo.list_models()
    for data in registry.find(name).entry.data
}


@pytest.mark.parametrize("data", sorted(set(_DATA) - _DRAWN))
def test_every_builder_says_what_to_do_without_a_network(data, tmp_path):
    module, _, name = _DATA[data].data[data].partition(":")
    builder = getattr(importlib.import_module(module), name)(
        data_dir=str(tmp_path)
    )
    with pytest.raises(OSError, match="downloads/manual/") as raised:
        builder._split_generators(_Unreachable())
    assert "https://" in str(raised.value)
