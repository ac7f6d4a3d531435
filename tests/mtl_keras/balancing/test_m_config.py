"""M-ConFIG: against the authors' algorithm in NumPy, and the cost of a step."""

import numpy as np
import pytest

from mtl_keras import balancing
from tests.mtl_keras.engine.backends import LOSS, network
from tests.test_case import to_numpy


def config(rows):
    """ConFIG's direction, by a pseudo-inverse in float64."""
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    direction = np.linalg.pinv(unit) @ np.ones(len(rows))
    direction /= np.linalg.norm(direction)
    return (rows @ direction).sum() * direction


def by_algorithm(jacobians, beta_1, beta_2):
    """The directions of these steps, the tasks in turn, in float64."""
    num_tasks, size = jacobians[0].shape
    momentum, counts = np.zeros((num_tasks, size)), np.zeros(num_tasks)
    last, square = np.zeros(size), np.zeros(size)
    for t, jacobian in enumerate(jacobians, start=1):
        k = (t - 1) % num_tasks
        momentum[k] = beta_1 * momentum[k] + (1 - beta_1) * jacobian[k]
        counts[k] += 1
        had = counts > 0
        d = config(momentum[had] / (1 - beta_1 ** counts[had])[:, None])
        fake = d * (1 - beta_1**t)
        gradient = (fake - beta_1 * last) / (1 - beta_1)
        last = fake
        if beta_2 is None:
            yield d
            continue
        square = beta_2 * square + (1 - beta_2) * gradient**2
        yield d / np.sqrt(square / (1 - beta_2**t))


def batches(num_steps=7, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.normal(size=(3, 12)) for _ in range(num_steps)]


@pytest.mark.parametrize(
    ("beta_1", "beta_2"), [(0.9, 0.999), (0.5, 0.9), (0.9, None), (0.0, 0.99)]
)
def test_directions_are_those_of_the_algorithm(beta_1, beta_2):
    balancer = balancing.MConFIG(beta_1=beta_1, beta_2=beta_2)
    expected = by_algorithm(batches(), beta_1, beta_2)
    for jacobian, direction in zip(batches(), expected, strict=True):
        received = to_numpy(balancer.combine(jacobian))
        error = np.linalg.norm(received - direction)
        assert error <= 2e-3 * np.linalg.norm(direction)
        balancer.update(jacobian=jacobian)


def test_only_the_row_whose_turn_it_is_is_read():
    one, other = balancing.MConFIG(), balancing.MConFIG()
    for t, jacobian in enumerate(batches(5)):
        turn = to_numpy(one.turn(np.ones(3, "float32")))
        np.testing.assert_array_equal(turn, np.eye(3)[t % 3])
        spoilt = np.where(turn[:, None] > 0, jacobian, 1e3)
        np.testing.assert_array_equal(
            to_numpy(one.combine(jacobian)), to_numpy(other.combine(spoilt))
        )
        one.update(jacobian=jacobian)
        other.update(jacobian=spoilt)


def test_absent_task_gives_its_turn_to_the_next():
    balancer = balancing.MConFIG()
    turns = []
    for present in ([1, 1, 1], [1, 0, 1], [1, 1, 1], [1, 1, 1], [0, 0, 0]):
        present = np.array(present, "float32")
        turns.append(to_numpy(balancer.turn(present)).tolist())
        balancer.update(jacobian=batches(1)[0], present=present)
    first, second, third = np.eye(3).tolist()
    assert turns == [first, third, second, first, [0.0, 0.0, 0.0]]
    state = balancer.state(3, 12)
    np.testing.assert_array_equal(to_numpy(state["counts"]), [2, 1, 1])
    assert int(state["steps"]) == 4


@pytest.mark.slow
def test_step_pulls_one_gradient_through_the_trunk(monkeypatch):
    from mtl_keras.engine import combine

    pulled = []
    pull = combine._jacobian

    def counting(rows, *args):
        pulled.append(len(rows))
        return pull(rows, *args)

    monkeypatch.setattr(combine, "_jacobian", counting)
    model, x, labels = network("plain")
    model.compile("sgd", loss=LOSS, loss_weights="m_config", jit_compile=True)
    for _ in range(4):
        logs = model.train_on_batch(
            x[:16], {name: label[:16] for name, label in labels.items()}
        )
    assert set(pulled) == {1} and np.isfinite(float(np.ravel(logs)[0]))
    counts = next(v for v in model.balancer.variables if "counts" in v.name)
    np.testing.assert_array_equal(to_numpy(counts.value), [2, 1, 1])


@pytest.mark.slow
def test_trunk_gets_that_tasks_own_gradient():
    """The momentum of a first step is 0.1 of the gradient of one task."""
    momenta = []
    for name in ("m_config", "moco"):
        model, x, labels = network("plain")
        options = {"beta": 0.1, "normalization": None}
        model.compile(
            "sgd",
            loss=LOSS,
            loss_weights=balancing.get(
                name, **(options if name == "moco" else {})
            ),
        )
        model.train_on_batch(
            x[:16], {key: label[:16] for key, label in labels.items()}
        )
        wanted = "momentum" if name == "m_config" else "tracked"
        momenta.append(
            next(
                to_numpy(v.value)
                for v in model.balancer.variables
                if wanted in v.name
            )
        )
    np.testing.assert_allclose(momenta[0][0], momenta[1][0], atol=1e-7)
    assert not momenta[0][1:].any()


@pytest.mark.parametrize("wrong", [{"beta_1": 1.0}, {"beta_2": -0.1}])
def test_hyperparameters_out_of_range(wrong):
    with pytest.raises(ValueError, match=f"`{next(iter(wrong))}`.*Received"):
        balancing.MConFIG(**wrong)
