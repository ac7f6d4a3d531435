"""Takes a multi-task model apart into a model for each task."""

from mtl_keras.calls import CallGraph
from mtl_keras.extract import sources
from mtl_keras.extract.copying import GraphCopy
from mtl_keras.task import Task


def task_models(model, tasks=None) -> dict:
    """Makes one independent model for each task.

    ```python
    alone = mtl_keras.extract.task_models(model)
    alone["cancer"].save("cancer.keras")
    mtl_keras.export.saved_model(alone["wine"], "wine/1")
    ```

    A task's model has the layers, variables and inputs that lead to the
    task's output and no others; its outputs equal those of `model`. The
    weights are copies: training one model changes no other. Where a head
    reads the head of another task, that head is a part of the model, without
    an output of its own. A layer that is a subclassed model is copied whole.

    Args:
        model: `MultiTaskModel`, or another functional model whose outputs are
            a flat dict of task name to tensor.
        tasks: Sequence of strings, the tasks to make models of; of a group of
            tasks, the name of the group. Defaults to `None`, all.

    Returns:
        Dict, task name to `MultiTaskModel` with this one output, named
        `"<model>_<task>"` and not compiled. Its `Task` has the class names,
        label, loss and metrics of the task, those of `compile` included.

    Raises:
        ValueError: If the model is not functional, a task is unknown or named
            twice, or a layer cannot be made from its config.
    """
    sources.check_model(model, "extract.task_models")
    names = sources.check_tasks(model, tasks, "extract.task_models")
    graph = CallGraph(model)
    return {name: _alone(model, graph, name) for name in names}


def _alone(model, graph, name):
    from mtl_keras.model.compiled_tasks import task_as_compiled
    from mtl_keras.model.model import MultiTaskModel

    place = sorted(model.output).index(name)
    slot = graph.outputs[place]
    copy = GraphCopy(model, graph, [slot])
    copy.copy_weights()
    task = Task(name)
    if isinstance(model, MultiTaskModel):
        task = task_as_compiled(model, name)
    return MultiTaskModel(
        copy.inputs,
        {name: copy.values[slot]},
        tasks=[task],
        name=f"{model.name}_{name}",
    )
