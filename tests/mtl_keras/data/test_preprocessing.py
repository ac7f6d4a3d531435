import io
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from mtl_keras.data import ImagePreprocessor


def noise(height=8, width=8, channels=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (height, width, channels)).astype("uint8")


def written(pixels, file_format):
    """The bytes of a file that another library wrote."""
    pixels = pixels[..., 0] if pixels.shape[-1] == 1 else pixels
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, file_format)
    return file.getvalue()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("file_format", ["PNG", "BMP"])
def test_same_size_is_only_divided_by_255(file_format, channels):
    pixels = noise(channels=channels)
    preprocessor = ImagePreprocessor(8, 8, channels)
    for raw in (written(pixels, file_format), pixels):
        inputs, context = preprocessor({"image": raw})
        np.testing.assert_array_equal(
            inputs["image"], pixels.astype("float32") / np.float32(255)
        )
        np.testing.assert_array_equal(context["size"], [8, 8])


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "BMP", "GIF"])
@pytest.mark.parametrize("source_channels", [1, 3])
def test_every_format_gives_every_number_of_channels(
    file_format, channels, source_channels
):
    pixels = np.full((8, 8, source_channels), 102, "uint8")
    inputs, _ = ImagePreprocessor(8, 8, channels)(
        {"image": written(pixels, file_format)}
    )
    assert inputs["image"].shape == (8, 8, channels)
    np.testing.assert_allclose(inputs["image"], 0.4, atol=2.5 / 255)


@pytest.mark.parametrize("channels", [1, 3])
def test_a_graph_does_what_is_done_eagerly(channels):
    files = [
        written(noise(9, 7, source), file_format)
        for file_format in ("PNG", "JPEG", "BMP", "GIF")
        for source in (1, 3)
    ]
    files.append(written(noise(9, 7, 4), "PNG"))
    files.append(written(noise(9, 7, 4), "BMP"))
    preprocessor = ImagePreprocessor(8, 8, channels)
    dataset = tf.data.Dataset.from_tensor_slices({"image": files})
    for file, (inputs, context) in zip(
        files, dataset.map(preprocessor), strict=True
    ):
        expected, place = preprocessor(file)
        np.testing.assert_allclose(
            inputs["image"], expected["image"], atol=1e-6
        )
        np.testing.assert_array_equal(context["size"], place["size"])


def test_transparency_is_dropped():
    pixels = noise(channels=4)
    preprocessor = ImagePreprocessor(8, 8, 3)
    expected = pixels[..., :3] / 255
    for raw in (written(pixels, "PNG"), pixels):
        inputs, _ = preprocessor({"image": raw})
        np.testing.assert_allclose(inputs["image"], expected, rtol=1e-6)


def test_gray_is_the_luma_of_bt_601():
    pixels = noise(channels=3)
    expected = (pixels / 255) @ [0.299, 0.587, 0.114]
    preprocessor = ImagePreprocessor(8, 8, 1)
    from_pixels, _ = preprocessor({"image": pixels})
    from_file, _ = preprocessor({"image": written(pixels, "PNG")})
    np.testing.assert_allclose(
        from_pixels["image"][..., 0], expected, atol=1e-6
    )
    # A file's decoder rounds to whole steps of gray.
    np.testing.assert_allclose(
        from_file["image"][..., 0], expected, atol=1.01 / 255
    )


def test_a_gif_gives_its_first_frame():
    frames = [Image.fromarray(np.full((8, 8), v, "uint8")) for v in (50, 250)]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    inputs, _ = ImagePreprocessor(8, 8, 1)({"image": file.getvalue()})
    np.testing.assert_allclose(inputs["image"], 50 / 255, atol=2 / 255)


def test_a_batch_of_different_sizes_equals_its_pictures_one_by_one():
    sizes = [(8, 8), (3, 9), (30, 20)]
    files = [written(noise(*size), "PNG") for size in sizes]
    preprocessor = ImagePreprocessor(8, 12, 3)
    together, context = preprocessor({"image": files})
    np.testing.assert_array_equal(context["size"], sizes)
    for index, file in enumerate(files):
        alone, one = preprocessor({"image": file})
        np.testing.assert_array_equal(together["image"][index], alone["image"])
        np.testing.assert_array_equal(one["size"], sizes[index])


def test_a_batch_of_pixels():
    pixels = np.stack([noise(6, 9, seed=s) for s in range(2)])
    preprocessor = ImagePreprocessor(8, 12, 3)
    inputs, context = preprocessor(pixels)
    assert inputs["image"].shape == (2, 8, 12, 3)
    np.testing.assert_array_equal(context["size"], [[6, 9]] * 2)
    one, _ = preprocessor(pixels[1])
    np.testing.assert_array_equal(inputs["image"][1], one["image"])


def test_floats_are_taken_as_they_are():
    pixels = np.random.default_rng(0).uniform(size=(8, 8, 1))
    inputs, _ = ImagePreprocessor(8, 8, 1)({"image": pixels})
    assert inputs["image"].dtype == tf.float32
    np.testing.assert_array_equal(inputs["image"], pixels.astype("float32"))


def test_shapes_are_known_inside_a_graph():
    preprocessor = ImagePreprocessor(8, 12, 3)
    dataset = tf.data.Dataset.from_tensors({"image": b""}).map(preprocessor)
    inputs, context = dataset.element_spec
    assert inputs["image"].shape == (8, 12, 3)
    assert context["size"].shape == (2,)


def test_an_empty_batch():
    inputs, context = ImagePreprocessor(8, 12, 3)(
        {"image": tf.zeros((0,), tf.string)}
    )
    assert inputs["image"].shape == (0, 8, 12, 3)
    assert context["size"].shape == (0, 2)


def test_saved_beside_a_model():
    preprocessor = ImagePreprocessor(8, 12, 3, name="picture")
    config = keras.saving.serialize_keras_object(preprocessor)
    again = keras.saving.deserialize_keras_object(config)
    assert again == preprocessor
    assert hash(again) == hash(preprocessor)
    assert again != ImagePreprocessor(8, 12, 3)
    assert repr(again) == (
        "ImagePreprocessor(height=8, width=12, channels=3, name='picture')"
    )


@pytest.mark.slow
def test_the_class_is_there_without_tensorflow():
    # Keras imports its backend; with another one TensorFlow stays away.
    program = (
        "import os, sys\n"
        "os.environ['KERAS_BACKEND'] = 'jax'\n"
        "sys.modules['tensorflow'] = None\n"
        "from mtl_keras.data import AnswerDecoder, ImagePreprocessor\n"
        "ImagePreprocessor(8, 8, 1).get_config()\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ImagePreprocessor(0, 8, 1), "height=0"),
        (lambda: ImagePreprocessor(8, 2.5, 1), "width=2.5"),
        (lambda: ImagePreprocessor(8, 8, 2), "channels=2"),
        (lambda: ImagePreprocessor(8, 8, 1)({"img": b""}), "Unknown raw input"),
        (lambda: ImagePreprocessor(8, 8, 1)({}), "Unknown raw input"),
        (lambda: ImagePreprocessor(8, 8, 1)(np.zeros((8, 8))), "Received"),
        (lambda: ImagePreprocessor(8, 8, 1)(np.zeros((8, 8, 2))), "Received"),
        (
            lambda: ImagePreprocessor(8, 8, 1)(np.zeros((8, 8, 1), "int32")),
            "int32",
        ),
    ],
)
def test_wrong_arguments_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
