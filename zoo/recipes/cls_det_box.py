"""The recipe that made the weights `digit_scenes` of `cls_det_box`."""

import ml_collections
from ml_collections.config_dict import placeholder


def get_config() -> ml_collections.ConfigDict:
    """Returns the recipe; `--config.optimizer.learning_rate=1e-3` changes it.

    It is made for two CPU cores and a little under four minutes there.
    """
    config = ml_collections.ConfigDict()
    config.model = "cls_det_box"
    config.data = "digit_scenes"
    # Named arguments of the model's `build`, such as trunk="plain".
    config.overrides = ml_collections.ConfigDict({"trunk": "small"})
    config.seed = 0
    config.batch_size = 64
    config.epochs = 7
    config.optimizer = ml_collections.ConfigDict(
        {
            "name": "adamw",
            "learning_rate": 3e-3,
            "schedule": "cosine",
            "warmup_epochs": 0.3,
            "weight_decay": 1e-4,
            "clipnorm": placeholder(float),
            "use_ema": False,
        }
    )
    # One weight a task, {"box": 2.0} for example; none is 1 for each.
    config.loss_weights = ml_collections.ConfigDict()
    # Compiling with XLA makes convolutions slower on a CPU (91 to 110 ms a
    # step on two cores) and steps faster on a GPU.
    config.jit_compile = False
    config.steps_per_execution = 1
    # The same command gives the same weights, bit by bit.
    config.deterministic = True
    # Which epoch's weights are kept; None keeps the last ones.
    config.monitor = placeholder(str)
    config.mode = "min"
    return config
