import pytest

from tests.mtl_keras.data.hostile_files import wav
from zoo.datasets.folders import recordings
from zoo.datasets.folders.records import Damage


@pytest.mark.parametrize("num_bytes", [1, 2, 43, 44, 999])
def test_recording_that_ends_early_is_refused(tmp_path, num_bytes):
    path = tmp_path / "a.wav"
    path.write_bytes(wav()[:-num_bytes])
    with pytest.raises(Damage, match="as many samples as the header declares"):
        recordings.check(path)


@pytest.mark.parametrize("channels", [1, 2])
def test_whole_recording_is_read(tmp_path, channels):
    path = tmp_path / "a.wav"
    path.write_bytes(wav(channels=channels))
    recordings.check(path)
    # Chunks after the samples, such as tags, are no samples.
    path.write_bytes(path.read_bytes() + b"LIST\4\0\0\0abcd")
    recordings.check(path)
