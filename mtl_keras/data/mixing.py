"""Several data sets, each labelled for some of the tasks, in one `fit`."""

import numpy as np
import tensorflow as tf

from mtl_keras import checks
from mtl_keras.data import targets
from mtl_keras.data.alignment import Alignment
from mtl_keras.data.member import Member
from mtl_keras.data.proportions import Proportions
from mtl_keras.data.shares import Shares
from mtl_keras.messages import listed, unknown

__all__ = ["Mixture", "Shares", "mix"]

_HOWS = ("batch", "alternate")
_PREFETCH = 2
_DRAWS_AT_ONCE = 1 << 20


def mix(datasets: dict, tasks, *, epoch=None, **options) -> tf.data.Dataset:
    """Mixes several data sets for one epoch; see `Mixture`.

    ```python
    train = data.mix({"scenes": scenes, "faces": faces}, tasks,
                     proportions="uniform", batch_size=64)
    model.fit(train, epochs=10)
    ```

    Args:
        datasets: As for `Mixture`.
        tasks: As for `Mixture`.
        epoch: As for `Mixture.__call__`.
        **options: As for `Mixture`.

    Returns:
        `tf.data.Dataset` of one epoch's batches, `(inputs, {task: label},
        {task: weight})`.
    """
    return Mixture(datasets, tasks, **options)(epoch)


class Mixture:
    """Several data sets, each labelled for some of the tasks.

    A function from an epoch to that epoch's batches, for `data.epochs` and
    `training.train_and_evaluate`. An epoch depends only on `seed` and its
    number. All batches are full; a data set that ends starts again in another
    order.

    ```python
    train = data.Mixture({"scenes": scenes, "faces": faces}, tasks,
                         proportions={"annealed": (1.0, 5.0, 20)})
    model.fit(data.epochs(train, 0, 30), epochs=30,
              steps_per_epoch=train.steps_per_epoch,
              callbacks=[data.Shares(train)])
    ```

    Args:
        datasets: Dict of name to data set: a `tf.data.Dataset` of examples,
            `(inputs, {task: label})` or a dict whose task names hold the
            labels; or of batches with weights, as from `pipeline`; or a
            function from an epoch to such a dataset, which then orders its
            examples itself. Pass augmented data as a function.
        tasks: Sequence of `Task`, or a dict of name to `Task`: the
            tasks that are trained.
        how: `"batch"`: each batch has examples of all data sets, which must
            have the same inputs. `"alternate"`: each batch is from one data
            set; inputs that it lacks are zeros (which enter the statistics of
            layers such as BatchNormalization). Defaults to `"batch"`.
        proportions: As for `Proportions`: `"size"`, `"uniform"`,
            `{"temperature": T}`, `{"annealed": (first, last, epochs)}` or a
            dict of data set name to fraction. Defaults to `"size"`.
        batch_size: Integer, examples per batch.
        seed: Integer, not negative, the seed of order and mixing.
        inputs: With `"alternate"`: a model, or a dict of input name to
            `tf.TensorSpec` of one example. Only needed for an input that
            some data set lacks and whose size the others leave unknown.
        steps_per_epoch: Integer, batches per epoch. Defaults to the total
            number of examples in the drawn data sets over `batch_size`.
        sizes: Dict of data set name to number of examples, if
            their length is unknown; otherwise these are read once to count.
        shuffle: Boolean. Whether a dataset of examples is shuffled.
        cache: Boolean. Whether a dataset of examples is cached in memory.

    Attributes:
        names: Tuple of strings, the data sets.
        sizes: Dict of data set name to its number of examples.
        steps_per_epoch: Integer.
        proportions: `Proportions`.
        restarts: Boolean. Whether the latest dataset repeats the first epoch's
            sequence of data sets at each iteration.

    Raises:
        ValueError: If an argument is out of range, a data set is empty or
            endless, a task is in no data set that is drawn, or data sets
            disagree about a label or an input.
    """

    def __init__(
        self,
        datasets: dict,
        tasks,
        *,
        how: str = "batch",
        proportions="size",
        batch_size: int = 64,
        seed: int = 0,
        inputs=None,
        steps_per_epoch: int | None = None,
        sizes: dict | None = None,
        shuffle: bool = True,
        cache: bool = True,
    ):
        if how not in _HOWS:
            raise ValueError(unknown("value of `how`", how, _HOWS))
        if not isinstance(datasets, dict) or not datasets:
            raise ValueError(
                "`datasets` must be a dict of name to data set, with at least "
                f"one. Received: {datasets!r}"
            )
        self.names = tuple(datasets)
        self._is_alternating = how == "alternate"
        self._batch_size = checks.integer("batch_size", batch_size, low=1)
        self._seed = checks.integer("seed", seed, low=0)
        self._tasks = _by_name(tasks)
        for name in sizes or {}:
            if name not in datasets:
                what = "data set in `sizes`"
                raise ValueError(unknown(what, name, datasets, sizes))
        # Outside of what `epochs` traces: a cache created inside would be
        # empty in every epoch.
        with tf.init_scope():
            self._members = [
                Member(name, dataset, self._tasks)
                for name, dataset in datasets.items()
            ]
            self._alignment = Alignment(
                {member.name: member.spec for member in self._members},
                self._tasks,
                _declared(inputs) if self._is_alternating else None,
            )
            for member in self._members:
                member.open(
                    self._alignment,
                    size=(sizes or {}).get(member.name),
                    shuffle=shuffle,
                    cache=cache,
                )
        self.sizes = {m.name: m.size for m in self._members}
        self.proportions = Proportions(proportions, self.sizes, self._seed)
        self._check_drawn()
        if steps_per_epoch is None:
            total = sum(self.sizes[name] for name in self._drawn())
            steps_per_epoch = max(1, total // self._batch_size)
        self.steps_per_epoch = checks.integer(
            "steps_per_epoch", steps_per_epoch, low=1
        )
        self.restarts = False

    def __call__(self, epoch=None) -> tf.data.Dataset:
        """Makes the batches of an epoch.

        Args:
            epoch: Integer or scalar int64 tensor. `None` draws new examples
                at each iteration, by the first epoch's sequence of data sets.

        Returns:
            `tf.data.Dataset` of `steps_per_epoch` batches.

        Raises:
            ValueError: If `epoch` is `None` and proportions are annealed, or an
                epoch is too short to draw each data set.
        """
        self.restarts = epoch is None
        if epoch is None:
            self._check_restarts()
            numbers = tf.data.Dataset.random(
                seed=self._seed, rerandomize_each_iteration=True
            ).take(1)
        else:
            number = tf.cast(epoch, tf.int64)
            numbers = tf.data.Dataset.from_tensors(number)

        @tf.autograph.experimental.do_not_convert
        def one_epoch(number):
            position = tf.zeros_like(number) if epoch is None else number
            return self._batches(number, position)

        return numbers.flat_map(one_epoch).apply(
            tf.data.experimental.assert_cardinality(self.steps_per_epoch)
        )

    def counts(self, first: int, last: int) -> dict:
        """Counts each data set's examples in a part of the run.

        Args:
            first: Integer, the first batch, from the start of epoch 0.
            last: Integer, the batch after the last one.

        Returns:
            Dict of data set name to number of examples, of the latest
            dataset.
        """
        total = np.zeros(len(self.names), np.int64)
        at_once = max(1, _DRAWS_AT_ONCE // self._batch_size)
        while first < last:
            epoch, step = divmod(first, self.steps_per_epoch)
            until = min(last, first - step + self.steps_per_epoch)
            until = min(until, first + at_once)
            steps = np.arange(step, step + until - first)
            with tf.device("CPU"):
                drawn = self._draws(0 if self.restarts else epoch, steps)
            total += np.bincount(np.ravel(drawn), minlength=len(total))
            first = until
        if self._is_alternating:
            total *= self._batch_size
        return dict(zip(self.names, total.tolist(), strict=True))

    def _draws(self, epoch, steps):
        """Returns the data sets that fill batches.

        Args:
            epoch: int64 scalar.
            steps: int64 tensor of shape `(n,)`, the batches in the epoch.

        Returns:
            int64 tensor of shape `(n, draws a batch)`.
        """
        width = 1 if self._is_alternating else self._batch_size
        epoch, steps = tf.cast(epoch, tf.int64), tf.cast(steps, tf.int64)
        first = (epoch * self.steps_per_epoch + steps) * width
        numbers = first[:, None] + tf.range(width, dtype=tf.int64)
        time = tf.cast(epoch, tf.float64)
        time += tf.cast(steps, tf.float64) / self.steps_per_epoch
        times = tf.repeat(time, width)
        drawn = self.proportions.draw(tf.reshape(numbers, [-1]), times)
        return tf.reshape(drawn, [-1, width])

    def _batches(self, number, position):
        key = tf.stack([tf.constant(self._seed, tf.int64), number])
        streams = []
        for index, member in enumerate(self._members):
            stream = member.endless(tf.random.fold_in(key, index), number)
            streams.append(
                self._batched(stream) if self._is_alternating else stream
            )
        draws = tf.data.Dataset.range(self.steps_per_epoch).map(
            lambda step: self._draws(position, step[None])[0]
        )
        mixed = tf.data.Dataset.choose_from_datasets(
            streams, draws.unbatch(), stop_on_empty_dataset=True
        )
        if not self._is_alternating:
            mixed = self._batched(mixed)
        return mixed.map(self._weigh).prefetch(_PREFETCH)

    def _batched(self, examples):
        if self._alignment.is_ragged:
            return examples.padded_batch(
                self._batch_size,
                padding_values=self._alignment.padding(),
                drop_remainder=True,
            )
        return examples.batch(self._batch_size, drop_remainder=True)

    def _weigh(self, inputs, labels, weights):
        present = targets.weights(labels, self._tasks)
        return (
            inputs,
            labels,
            {name: weights[name] * present[name] for name in weights},
        )

    def _drawn(self) -> list:
        """Returns the names of the data sets that are drawn."""
        fractions = self.proportions.shares(np.zeros(1)).numpy()[0]
        return [
            name
            for name, fraction in zip(self.names, fractions, strict=True)
            if fraction > 0
        ]

    def _check_drawn(self):
        drawn = self._drawn()
        labelled = {
            task
            for member in self._members
            if member.name in drawn
            for task in member.spec[1]
        }
        for task in self._tasks:
            if task not in labelled:
                raise ValueError(
                    f"The task {task!r} has labels only in data sets with "
                    "proportion 0. Expected labels in one that is drawn: "
                    f"{listed(drawn)}."
                )

    def _check_restarts(self):
        if self.proportions.is_annealed:
            raise ValueError(
                "Annealed proportions depend on the epoch. Received: "
                "epoch=None. Train on the epochs of a `Mixture`: "
                "model.fit(data.epochs(mixture, 0, 10), epochs=10, "
                "steps_per_epoch=mixture.steps_per_epoch)."
            )
        counts = self.counts(0, self.steps_per_epoch)
        never = [name for name in self._drawn() if not counts[name]]
        if never:
            raise ValueError(
                f"An epoch of {self.steps_per_epoch} steps is too short to "
                f"draw {listed(never)}. Pass a larger `steps_per_epoch` or "
                "proportion, or train on `data.epochs` of a `Mixture`, which "
                "draws it in later epochs."
            )


def _by_name(tasks) -> dict:
    tasks = list(tasks.values() if isinstance(tasks, dict) else tasks)
    if not tasks:
        raise ValueError("`tasks` must hold at least one Task. Received: none")
    return {task.name: task for task in sorted(tasks, key=lambda t: t.name)}


def _declared(inputs) -> dict:
    """Reads the specs of single examples from a model or a dict."""
    if inputs is None:
        return {}
    if not isinstance(inputs, dict):
        tensors = getattr(inputs, "input", None)
        if tensors is None:
            raise ValueError(
                "`inputs` must be a functional model, or a dict of input name "
                f"to tf.TensorSpec of one example. Received: {inputs!r}"
            )
        if not isinstance(tensors, dict):
            tensors = {tensor.name: tensor for tensor in inputs.inputs}
        return {
            name: tf.TensorSpec(tensor.shape[1:], tensor.dtype)
            for name, tensor in tensors.items()
        }
    for name, spec in inputs.items():
        if not isinstance(spec, tf.TensorSpec):
            raise ValueError(
                f"`inputs[{name!r}]` must be a tf.TensorSpec of one example. "
                f"Received: {spec!r}"
            )
    return inputs
