"""Times exports of the zoo's models beside Keras's own exports."""

import io
import tempfile
import wave

import numpy as np
from absl import flags

import zoo

_HEIGHT, _WIDTH = 480, 640
_SENTENCE = "book a table for four in Paris tomorrow"


def define(values: flags.FlagValues) -> None:
    """Defines the flags of `benchmark serving`."""
    flags.DEFINE_list(
        "models",
        None,
        "Of serving and data: names of models of the zoo. Without it, all.",
        flag_values=values,
    )
    flags.DEFINE_list(
        "batches",
        ["1", "32"],
        "Of serving: examples a call.",
        flag_values=values,
    )


def run(values: flags.FlagValues) -> list[dict]:
    """Prints a line for each model and batch size.

    Args:
        values: Parsed flags; `steps` is the number of calls.

    Returns:
        List of dicts of figures.

    Raises:
        ValueError: If a model is unknown, or a batch size is no number.
    """
    names = values.models or zoo.list_models()
    for name in names:
        zoo.info(name)
    batches = [_number(batch) for batch in values.batches]

    from mtl_keras.profiling import serving

    print(
        f"{values.steps} interleaved calls; images are JPEG files of "
        f"{_HEIGHT}x{_WIDTH}, sentences have 8 words"
    )
    print(
        f"{'model':<14}{'batch':>6}{'Keras':>11}{'dense':>11}{'ratio':>8}"
        f"  {'95%':<16}{'raw':>10}  preprocessing"
    )
    results = []
    for name in names:
        weights = next(iter(zoo.info(name).get("weights", ())), None)
        model = zoo.load(name, weights=weights)
        with tempfile.TemporaryDirectory() as folder:
            benchmark = serving.ServingBenchmark(model, folder)
            for batch in batches:
                raw = _raw(model.preprocessor, batch)
                times = benchmark.times(raw, calls=values.steps)
                results.append({"model": name, "weights": weights})
                results[-1] |= {"batch": batch, **times.summary()}
                _show(results[-1])
    return results


def _show(result):
    low, high = result["interval"]
    spread = f"{low:.3f} to {high:.3f}"
    print(
        f"{result['model']:<14}{result['batch']:>6}"
        f"{result['plain_ms']:>8.2f} ms{result['dense_ms']:>8.2f} ms"
        f"{result['ratio']:>8.3f}  {spread:<16}{result['raw_ms']:>7.2f} ms"
        f"  {result['preprocessing']:.0%}",
        flush=True,
    )


def _number(text) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(
            "--batches are integers of at least 1. "
            f"Received: --batches with {text!r}"
        )
    return int(text)


def _raw(preprocessor, batch) -> dict:
    make = _EXAMPLES.get(type(preprocessor).__name__)
    raw = {}
    for name, spec in preprocessor.input_signature().items():
        if make is not None:
            raw[name] = [make()] * batch
        else:
            # Cells of a table, or its vectors.
            value = "" if spec.dtype == "string" else 1
            raw[name] = np.full((batch, *spec.shape[1:]), value)
            if spec.dtype != "string":
                raw[name] = raw[name].astype(spec.dtype.as_numpy_dtype)
    return raw


def _image() -> bytes:
    """A JPEG file of soft colours; noise would take unusually long."""
    import tensorflow as tf

    small = tf.random.stateless_uniform((6, 8, 3), (0, 0), 0.0, 255.0)
    pixels = tf.image.resize(small, (_HEIGHT, _WIDTH), "bicubic")
    pixels = tf.cast(tf.clip_by_value(pixels, 0.0, 255.0), tf.uint8)
    return tf.io.encode_jpeg(pixels).numpy()


def _sentence() -> str:
    return _SENTENCE


def _recording() -> bytes:
    """A wav file of half a second."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        tone = 8000 * np.sin(np.arange(4000) / 5)
        file.writeframes(tone.astype("<i2").tobytes())
    return buffer.getvalue()


def _clip() -> bytes:
    """A GIF file of 16 frames."""
    from PIL import Image

    frames = [
        Image.fromarray(np.full((32, 32), 15 * number, np.uint8))
        for number in range(16)
    ]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


_EXAMPLES = {
    "AudioPreprocessor": _recording,
    "ClipPreprocessor": _clip,
    "ImagePreprocessor": _image,
    "SentencePreprocessor": _sentence,
    "TokenPreprocessor": _sentence,
}
