"""Averages and votes of several models, for each task."""

from mtl_keras import checks
from mtl_keras.ensemble import forms, layers, members, nesting
from mtl_keras.messages import unknown


def average(models, *, weights=None, tasks=None, name: str = "ensemble"):
    """Averages the outputs of several models, for each task.

    ```python
    model = ensemble.average([first, second, third])
    model.compile()
    model.evaluate(test)
    model.save("ensemble.keras")
    ```

    What is averaged depends on the task. Of classes, presence, masks and tags
    it is the probability; where the members give logits, their probabilities
    are averaged and returned as logits. Of numbers and boxes it is the value.
    Of a log-risk it is the log-risk, which is the geometric mean of the
    hazard ratios; of hazards of intervals it is the survival curve, returned
    as hazards. An output that is neither declared by a `Task` nor compiled is
    averaged as it is.

    The members are copied, and are not trainable in the ensemble; they are
    trained further where `model.trainable = True`. It carries the members'
    `preprocessor`, and their `postprocessor` where it is the same.

    Args:
        models: Sequence of at least two `MultiTaskModel` with the same inputs
            and the tasks in common.
        weights: Sequence of one non-negative number a model, or a dict of
            task name to such a sequence; tasks that the dict leaves out count
            all members alike. Divided by their sum. Defaults to `None`, equal
            weights.
        tasks: Sequence of strings, the tasks of the ensemble. Defaults to all,
            which every member must have.
        name: String, the name of the ensemble.

    Returns:
        `MultiTaskModel`, not compiled.

    Raises:
        ValueError: If there are fewer than two models, inputs, tasks, classes
            or preprocessors differ, a member lacks a task, the weights do not
            fit, or a member has weights that are not finite.
    """
    return _combine(
        models,
        weights,
        tasks,
        name,
        "An average",
        lambda column: layers.MemberAverage,
    )


def vote(models, *, weights=None, tasks=None, name: str = "ensemble"):
    """Lets several models vote, for each task.

    Each member votes for its most probable class, as in scikit-learn's
    `VotingClassifier(voting="hard")`. The output is the fraction of the votes
    for each class. A tie goes to the lowest class: its value is equal, and
    `argmax` takes the first. Of a presence the output is the fraction of
    votes for it, and 0.5 is a tie, read as absent. In masks and tags each
    pixel and each token is voted on. Tasks without classes are averaged, as in
    `VotingRegressor`.

    Args:
        models: As for `average`.
        weights: As for `average`.
        tasks: As for `average`.
        name: As for `average`.

    Returns:
        `MultiTaskModel`, not compiled.

    Raises:
        ValueError: As for `average`, and if an output is neither declared by
            a `Task` nor compiled with a loss.
    """
    return _combine(models, weights, tasks, name, "A vote", _voting_layer)


def _combine(models, weights, tasks, name, what, layer_of):
    models = members.check(models, what)
    names = members.task_names(models, tasks)
    weights = _weights(weights, names, len(models))
    members.check_same_inputs(models)
    for task in names:
        members.check_same_task(task, models)
    inputs, outputs = nesting.nested(models)
    columns = members.columns(models, outputs, names)
    combined = {
        column.task.name: layer_of(column)(
            column.kind,
            weights[column.task.name],
            column.from_logits,
            to_logits=column.from_logits[0],
            name=nesting.layer_name(column.task.name, inputs),
        )(list(column.tensors))
        for column in columns
    }
    tasks = [column.task for column in columns]
    return nesting.joined(inputs, combined, tasks, models, name)


def _voting_layer(column):
    if not column.forms[0].is_known:
        raise ValueError(
            f"A vote needs to know whether {column.task.name!r} has classes. "
            "Received: an output without a Task or a loss. Declare it: "
            "MultiTaskModel(..., tasks=[Task(...)]), or compile the members."
        )
    if column.kind in (forms.CLASSES, forms.BINARY):
        return layers.MemberVote
    return layers.MemberAverage


def _weights(weights, names, num_members) -> dict:
    if weights is None:
        return dict.fromkeys(names, [1.0] * num_members)
    if not isinstance(weights, dict):
        weights = dict.fromkeys(names, weights)
    for task in weights:
        if task not in names:
            raise ValueError(unknown("task in `weights`", task, names, weights))
    read = {
        task: _one_weight_each(task, values, num_members)
        for task, values in weights.items()
    }
    return {name: read.get(name, [1.0] * num_members) for name in names}


def _one_weight_each(task, values, num_members) -> list[float]:
    if not hasattr(values, "__len__") or len(values) != num_members:
        raise ValueError(
            f"`weights` must have a number for each of the {num_members} "
            f"members. Received: {values!r} for the task {task!r}"
        )
    read = [checks.number("weights", value, low=0) for value in values]
    if not sum(read):
        raise ValueError(
            "`weights` must have a number above 0. Received: "
            f"{values!r} for the task {task!r}"
        )
    return read
