"""What differs between backends; everything else is `keras.ops`."""

import abc
import importlib
import platform
from collections.abc import Callable

import keras


class Backend(abc.ABC):
    """TensorFlow's or JAX's part of training, as a step and a loop need it.

    Each backend's module makes one, `BACKEND`; `mtl_keras.engine` has the
    methods of the one that Keras runs on as its functions.

    Attributes:
        name: String, that of the backend's Python package.
    """

    name: str

    @abc.abstractmethod
    def num_replicas(self) -> int:
        """Returns how many replicas run the step that is being traced.

        1 on JAX, where one program sees the batch of all devices.
        """

    @abc.abstractmethod
    def sum_over_replicas(self, tensors: list) -> list:
        """Sums tensors over the replicas that run this step.

        Args:
            tensors: List of tensors of one shape, this replica's parts.

        Returns:
            List of tensors, the sums; the same on every replica.
        """

    @abc.abstractmethod
    def gather_over_replicas(self, tensors):
        """Brings the replicas' parts of a batch together on each replica.

        Args:
            tensors: Nested structure of tensors with a leading batch axis; the
                parts may be of different lengths.

        Returns:
            The same structure with the whole batch, in the replicas' order.
        """

    @abc.abstractmethod
    def keep_masks(self, outputs: dict) -> dict:
        """Makes outputs keep their Keras masks when a transformation ends.

        Args:
            outputs: Dict, task name to tensor.

        Returns:
            The same outputs.
        """

    @abc.abstractmethod
    def collecting(
        self,
        test_function: Callable,
        steps: Callable[[], int],
        key: str,
        collect: Callable,
    ) -> Callable:
        """Wraps a test function so that it hands out what its steps collected.

        Args:
            test_function: The model's compiled function of one evaluation
                step.
            steps: Function that returns how many steps a call takes.
            key: String, the entry of the step's logs that is taken out.
            collect: Function called with that entry's value, once a step.

        Returns:
            Function to be used in the place of `test_function`.
        """

    @abc.abstractmethod
    def make_deterministic(self) -> None:
        """Makes the same run give the same bits again, where it can."""

    @abc.abstractmethod
    def devices(self) -> list[str]:
        """Lists the devices that steps run on, such as `"CPU:0"`."""

    def versions(self) -> dict[str, str]:
        """Returns the versions of Python, Keras and the backend."""
        return {
            "python": platform.python_version(),
            "keras": keras.__version__,
            self.name: importlib.import_module(self.name).__version__,
        }

    @abc.abstractmethod
    def event_callbacks(self, folder) -> list:
        """Returns the callbacks that write TensorBoard's events.

        None on JAX: Keras writes events through TensorFlow.

        Args:
            folder: Path of the folder of the events.
        """

    @abc.abstractmethod
    def step_function(self, model, x, y) -> Callable:
        """Makes a function that trains a model one step on the same batch.

        Args:
            model: Compiled `keras.Model`.
            x: NumPy array, the inputs.
            y: Dict, task name to NumPy array of labels.

        Returns:
            Function without arguments; it returns when the step is done.
        """

    @abc.abstractmethod
    def step_memory(self, model, x, y, steps: int) -> int:
        """Measures the peak memory of a training step, in bytes.

        Args:
            model: Compiled `keras.Model`.
            x: NumPy array, the inputs.
            y: Dict, task name to NumPy array of labels.
            steps: Integer, the number of steps to take, on TensorFlow.

        Returns:
            Integer: what the compiled step holds at once, on JAX; the resident
            memory of this process, on TensorFlow.
        """

    @abc.abstractmethod
    def make_train_function(self, model, make: Callable):
        """Makes the function that `fit` calls for a step that reads gradients.

        Args:
            model: `MultiTaskModel` with a step plan.
            make: Function without arguments, Keras's own making of it.

        Returns:
            What `make` returns.
        """

    @abc.abstractmethod
    def train_step(self, model, *args):
        """Takes a training step, and looks for values that are not finite.

        Args:
            model: `MultiTaskModel`; with a step plan, the step balances the
                tasks' gradients.
            *args: Arguments of the backend's `keras.Model.train_step`.

        Returns:
            What the backend's `train_step` returns.
        """

    @abc.abstractmethod
    def task_gradients(self, model, variables: list) -> Callable:
        """Makes a function of the tasks' losses and of their gradients.

        Layers run as in inference; nothing of the model changes.

        Args:
            model: Compiled `MultiTaskModel`.
            variables: List of the variables to differentiate by.

        Returns:
            Function of `(x, y, sample_weight, with_gradients=True)` that
            returns NumPy arrays: the losses and whether each task has labels,
            both of shape `(num_tasks,)` in the order of
            `model.balancer.tasks`, and for each variable an array of shape
            `(num_tasks, *variable.shape)`, or without gradients an empty list.
        """
