"""The spoken command and the speaker of a recording.

A shared convolutional trunk over the log-mel spectrogram, and a head for each
task, which attends to positions in time and frequency that it chooses itself.
"""

import keras

import mtl_keras
import zoo
from mtl_keras import MultiTaskModel, checks
from mtl_keras import data as mtl_data
from zoo.audio import trunks
from zoo.datasets.spoken_digit import names

_SAMPLE_RATE = 8_000
_SECONDS = 1.0
_NUM_MELS = 48
# 256 samples at 8 kHz: a frequency every 31 Hz, which tells voices apart.
_FRAME_SECONDS = 0.032
_HIDDEN = 64


class CommandSpeaker(zoo.Entry):
    """The spoken command and the speaker of a recording."""

    data = {"spoken_digit": "zoo.datasets.spoken_digit:Builder"}
    kinds = {"command": "classification", "speaker": "classification"}
    reads = "audio"
    search_dropout = 0.5
    search_values = {"width": (0.5, 1.0, 1.5)}
    classes = {
        "spoken_digit": {"command": names.COMMANDS, "speaker": names.SPEAKERS}
    }
    notes = (
        "The test split is that of the data's authors, recordings 0 to 4 of "
        "each speaker and word; 5 to 9 are for validation. All speakers are in "
        "all splits.",
        "An error is 0.003: single tasks, with twice the parameters, make "
        "none to one of 300 fewer, less than the spread of three seeds. On "
        "another processor the same three runs had 0.999.",
    )
    summary = (
        "Two tasks on one recording: which digit is spoken (command), and by "
        "which of six people (speaker)."
    )

    def build(
        self,
        spec,
        *,
        width: float = 1.0,
        dropout: float = 0.2,
        sample_rate: int = _SAMPLE_RATE,
        seconds: float = _SECONDS,
        num_mels: int = _NUM_MELS,
        sharing="hard",
    ) -> MultiTaskModel:
        """Builds the model.

        Args:
            spec: `zoo.Spec`.
            width: Float above 0, a factor of the trunk's channels; see
                `zoo.audio.trunks.small`.
            dropout: Float in [0, 1), fraction of each head's features dropped
                in training.
            sample_rate: Integer, samples per second that the spectrogram is
                made from; recordings of other rates are resampled.
            seconds: Float, the length that is read; what is shorter is padded
                with silence, what is longer is cut. At least 0.2.
            num_mels: Integer, the number of frequency bands, at least 8.
            sharing: Name of an architecture that shares the trunk, such as
                `"mmoe"`, or a dict such as `{"name": "mmoe", "num_experts":
                2}`. See `mtl_keras.sharing.list_sharings()`.

        Returns:
            `MultiTaskModel`. Input: `{"audio": spectrograms}`, float32 of
            shape `(batch, frames, num_mels)`, 97 frames a second. Outputs:
            `command` and `speaker`, probabilities of the classes,
            `(batch, num_classes)`.

        Raises:
            ValueError: If an argument is unknown or out of range.
        """
        checks.fraction("dropout", dropout, below_one=True)
        reader = self.preprocessor(
            spec, sample_rate=sample_rate, seconds=seconds, num_mels=num_mels
        )
        sound = keras.Input((reader.num_frames, num_mels), name="audio")
        first, *others = trunks.small(width)
        return mtl_keras.build(
            {"audio": sound},
            self.tasks(spec),
            trunk=[[lambda inputs: inputs["audio"], first], *others],
            sharing=sharing,
            head=lambda features, task: task.head.build(
                features, task, hidden=_HIDDEN, dropout=dropout
            ),
            name="command_speaker",
        )

    def preprocessor(
        self,
        spec,
        *,
        sample_rate: int = _SAMPLE_RATE,
        seconds: float = _SECONDS,
        num_mels: int = _NUM_MELS,
    ):
        """Makes the graph from wav files to the model's input.

        Args:
            spec: `zoo.Spec`.
            sample_rate: Integer, as for `build`.
            seconds: Float, as for `build`.
            num_mels: Integer, as for `build`.

        Returns:
            `mtl_keras.data.AudioPreprocessor`.
        """
        del spec
        # The trunk halves both axes three times.
        checks.number("seconds", seconds, low=0.2)
        checks.integer("num_mels", num_mels, low=8)
        return mtl_data.AudioPreprocessor(
            sample_rate,
            seconds,
            num_mels=num_mels,
            frame_seconds=_FRAME_SECONDS,
        )

    def postprocessor(self, spec):
        """Makes the graph from the outputs to names and scores.

        Args:
            spec: `zoo.Spec`.

        Returns:
            `mtl_keras.data.AnswerDecoder`.
        """
        return mtl_data.AnswerDecoder(self.tasks(spec))

    def augmentation(self, spec):
        """Makes the random changes of training recordings.

        Args:
            spec: `zoo.Spec`.

        Returns:
            Function of a batch's `(inputs, labels, seed)`.
        """
        del spec
        sounds = mtl_data.spectrograms
        return mtl_data.augment.Compose(
            (
                sounds.ShiftTime(earlier=0.03, later=0.3),
                sounds.Gain(decibels=6.0),
                sounds.Hiss(high=-7.0),
                sounds.Mask(bands=0.15, frames=0.12),
            )
        )

    def batching(self, spec) -> dict:
        """Keeps spectrograms in memory, which are smaller than their files.

        Args:
            spec: `zoo.Spec`.

        Returns:
            Dict of arguments of `mtl_keras.data.pipeline`.
        """
        del spec
        return {"cache": "preprocessed"}
