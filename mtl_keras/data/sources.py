"""Opens a source of examples: a TFDS split or any `tf.data.Dataset`."""

import re

import tensorflow as tf

from mtl_keras.messages import unknown


def examples(source, *, keep_encoded: bool = True) -> tf.data.Dataset:
    """Opens a source of examples, always in the same order.

    Args:
        source: Pair `(builder, split)` of a prepared TFDS builder and a
            split's name, or a `tf.data.Dataset` of single examples.
        keep_encoded: Boolean. Whether images of a TFDS builder stay PNG or JPEG
            bytes, which a preprocessor decodes and which take a fraction of
            the memory in a cache.

    Returns:
        `tf.data.Dataset` of single examples.

    Raises:
        ValueError: If the source is anything else, the split is unknown, or the
            builder's data is not prepared.
    """
    if isinstance(source, tf.data.Dataset):
        # A dataset created while `epochs` traces `make_epoch` is symbolic.
        if tf.is_symbolic_tensor(tf.data.experimental.to_variant(source)):
            raise ValueError(
                "A pipeline's source must be created outside of `make_epoch`. "
                "Received: a tf.data.Dataset created inside it, whose cache "
                "would be filled again in each epoch."
            )
        return source
    if isinstance(source, (tuple, list)) and len(source) == 2:
        builder, split = source
        if hasattr(builder, "as_dataset") and hasattr(builder, "info"):
            return _builder_examples(builder, split, keep_encoded)
    raise ValueError(
        "`source` must be a tf.data.Dataset of single examples, or a pair "
        "(TFDS builder, split). "
        f"Received: source={source!r} of type {type(source).__name__}"
    )


def _builder_examples(builder, split, keep_encoded):
    import tensorflow_datasets as tfds

    splits = list(builder.info.splits)
    if not splits:
        raise ValueError(
            f"The data of {builder.info.full_name!r} is not prepared. Call "
            "builder.download_and_prepare() first. "
            f"Received: data_dir={str(builder.data_dir)!r}"
        )
    named = re.split(r"[\[+]", str(split))[0]
    if named not in [*splits, "all"]:
        what = f"split of {builder.info.name!r}"
        raise ValueError(unknown(what, named, splits, received=split))
    return builder.as_dataset(
        split=split,
        decoders=_kept_encoded(builder.info.features) if keep_encoded else None,
        shuffle_files=False,
        # The pipeline caches; TFDS would cache the examples a second time.
        read_config=tfds.ReadConfig(try_autocache=False),
    )


def _kept_encoded(feature):
    """Returns TFDS decoders that keep images encoded."""
    import tensorflow_datasets as tfds

    if isinstance(feature, tfds.features.FeaturesDict):
        parts = {name: _kept_encoded(part) for name, part in feature.items()}
        return {name: part for name, part in parts.items() if part} or None
    # Exactly this class: a labelled or video feature is not one image.
    if type(feature) is tfds.features.Image:
        return tfds.decode.SkipDecoding()
    return None
