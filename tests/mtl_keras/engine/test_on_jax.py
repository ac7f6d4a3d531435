"""The tests of the model itself pass on JAX as well."""

import pathlib
import subprocess
import sys

import keras
import pytest

from tests import backend_process

FOLDER = pathlib.Path(__file__).parents[1]
FILES = (
    "extract/test_task_models.py::test_training_one_model_changes_no_other",
    "optimizers/test_per_part.py",
    "transfer/test_fine_tuning.py::test_each_stage_has_its_layers_and_rates",
    "transfer/test_frozen.py",
    "transfer/test_parameters.py::test_training_leaves_the_source_as_it_was",
    "training/test_checkpoint.py",
    "model/test_coupled_training.py",
    "model/test_evaluate_bootstrap.py",
    "model/test_habits.py",
    "heads/test_detection.py::test_missing_lists_and_numbers_do_not_count",
    "groups/test_members.py",
    "groups/test_training.py::test_a_compiled_step_trains_as_separate_heads",
    "engine/test_float8.py",
    "balancing/test_changed_weights.py",
    "engine/test_absent_tasks.py",
    "engine/test_kept_state.py",
    "model/test_keras_contracts.py",
    "model/test_keras_differences.py",
    "model/test_batch_axis.py",
    "model/test_model.py",
    "model/test_label_streams.py",
    "model/test_label_values.py",
    "model/test_no_labels.py",
    "model/test_nonfinite.py",
    "model/test_options.py",
    "training/test_resume.py",
    "model/test_wrong_input.py",
)


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.skipif(
    keras.backend.backend() != "tensorflow",
    reason="once is enough: it always runs JAX",
)
def test_files_pass_on_jax():
    # One process: importing Keras takes longer than some of the files.
    pytest.importorskip("jax")
    result = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q"),
            *("-p", "no:cacheprovider"),
            # All but what is slow on TensorFlow and no other on JAX.
            *("-m", "not slow or slow(on_jax=True)"),
            *(FOLDER / name for name in FILES),
        ],
        cwd=FOLDER.parents[1],
        env=backend_process.environment("jax"),
        capture_output=True,
        text=True,
        timeout=3600,
    )
    assert result.returncode == 0, result.stdout[-5000:]
