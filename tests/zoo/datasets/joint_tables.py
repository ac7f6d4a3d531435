"""What tests of the builders of tables share."""

import os
from pathlib import Path

import pytest
import tensorflow_datasets as tfds

from mtl_keras import files
from zoo.tables import statistics


def real_folder(name):
    folder = os.environ.get("MTL_KERAS_DATA")
    if not folder:
        pytest.skip("MTL_KERAS_DATA is not set")
    return Path(folder) / name


def prepared(builder_class, tmp_path, manual):
    """Prepares a data set from a folder of original files."""
    builder = builder_class(data_dir=str(tmp_path / "data"))
    builder.download_and_prepare(
        download_config=tfds.download.DownloadConfig(manual_dir=str(manual))
    )
    return builder


def sizes(builder):
    return {k: v.num_examples for k, v in builder.info.splits.items()}


def check_sums(builder_class, folder):
    """Compares real files with the sums beside the builder."""
    urls = {
        url: info
        for url, info in builder_class.url_infos.items()
        if (folder / url.rsplit("/", 1)[1]).is_file()
    }
    assert urls
    for url, info in urls.items():
        path = folder / url.rsplit("/", 1)[1]
        assert files.sha256(path) == info.checksum
        assert path.stat().st_size == info.size


def check_statistics(entry, data, rows):
    """Compares the statistics beside a builder with those of its rows."""
    table = {name: [row[name] for row in rows] for name in rows[0]}
    expected = statistics.measure(table, **entry.fitting_options())
    assert statistics.read(data) == expected
