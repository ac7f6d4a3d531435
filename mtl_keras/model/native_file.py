"""Saving of a multi-task model in Keras's own file format."""

import keras

from mtl_keras.model import random_state

_LEGACY = (".h5", ".hdf5")


class NativeFileModel(keras.Model):
    """Saves all that a multi-task model consists of, or refuses to save it."""

    def save(self, filepath, overwrite=True, zipped=None, **kwargs):
        """Saves the model as a `.keras` file.

        Args:
            filepath: As in Keras.
            overwrite: As in Keras.
            zipped: As in Keras.
            **kwargs: As in Keras.

        Raises:
            ValueError: If the model is compiled and the file a legacy HDF5
                file, which holds neither losses nor balancer: the model would
                be loaded with the default losses of its tasks.
        """
        if self.compiled and str(filepath).endswith(_LEGACY):
            raise ValueError(
                "A legacy HDF5 file does not hold the losses, loss weights "
                "and metrics of a MultiTaskModel. Expected a path that ends "
                f"in '.keras'. Received: filepath={str(filepath)!r}. For the "
                "weights alone use save_weights('model.weights.h5')."
            )
        return super().save(filepath, overwrite, zipped, **kwargs)

    def save_assets(self, dir_path):
        """Saves the states of the random generators in a `.keras` file."""
        random_state.save(self, dir_path)

    def load_assets(self, dir_path):
        """Restores the states of the random generators."""
        random_state.load(self, dir_path)
