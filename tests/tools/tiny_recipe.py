"""The recipe of the tests' small model."""

from ml_collections import ConfigDict


def get_config():
    return ConfigDict(
        {
            "model": "tiny_squares_net",
            "data": "tiny_squares",
            "overrides": {"width": 4},
            "seed": 1,
            "epochs": 1,
            "batch_size": 8,
            "optimizer": {"name": "adam", "learning_rate": 1e-2},
        }
    )
