"""The benchmark's network and step in PyTorch, balanced by TorchJD.

TorchJD (Quinton and Rey, 2024, https://arxiv.org/abs/2406.16232) is the peer
that computes exact Jacobians; it is used where it is installed.
"""

import importlib.util

from mtl_keras.benchmarking import WIDTHS

# Our name: the peer's class.
AGGREGATORS = {
    "aligned_mtl": "AlignedMTL",
    "cagrad": "CAGrad",
    "config": "ConFIG",
    "dualproj": "DualProj",
    "fairgrad": "FairGrad",
    "imtl_g": "IMTLG",
    "mgda": "MGDA",
    "nash_mtl": "NashMTL",
    "pcgrad": "PCGrad",
    "upgrad": "UPGrad",
}


def is_installed() -> bool:
    """Tells whether PyTorch and TorchJD can be imported."""
    return all(importlib.util.find_spec(n) for n in ("torch", "torchjd"))


def step_functions(x, y, balancer: str) -> list:
    """Makes the plain step and TorchJD's on the benchmark's network.

    Args:
        x: NumPy array of shape `(batch, 32, 32, 3)`.
        y: Dict, task name to integer labels of shape `(batch,)`.
        balancer: String, a key of `AGGREGATORS`.

    Returns:
        List of two functions without arguments.

    Raises:
        ValueError: If TorchJD lacks a package for that method.
    """
    import torch
    from torchjd import aggregation, autojac

    image = torch.from_numpy(x.transpose(0, 3, 1, 2).copy())
    labels = [torch.from_numpy(label).long() for label in y.values()]
    measure = torch.nn.CrossEntropyLoss()
    make = getattr(aggregation, AGGREGATORS[balancer])
    try:
        # The paper's c; TorchJD has no default.
        aggregator = make(c=0.5) if balancer == "cagrad" else make()
    except ImportError as error:
        raise ValueError(
            f"TorchJD's {AGGREGATORS[balancer]} needs further packages: {error}"
        ) from error

    def step(train):
        trunk = _trunk(torch)
        heads = torch.nn.ModuleList(
            torch.nn.Linear(WIDTHS[-1], 10) for _ in labels
        )
        parameters = [*trunk.parameters(), *heads.parameters()]
        optimizer = torch.optim.SGD(parameters, lr=0.01)

        def take():
            optimizer.zero_grad()
            features = trunk(image)
            losses = [
                measure(head(features), label)
                for head, label in zip(heads, labels, strict=True)
            ]
            train(losses, features, trunk)
            optimizer.step()
            return float(losses[0].detach())

        return take

    def plain(losses, features, trunk):
        del features, trunk
        sum(losses).backward()

    def balanced(losses, features, trunk):
        # One task at a time: vmap, its default, takes longer on a CPU.
        autojac.mtl_backward(losses, features, parallel_chunk_size=1)
        autojac.jac_to_grad(trunk.parameters(), aggregator)

    return [step(plain), step(balanced)]


def _trunk(torch):
    layers, channels = [], 3
    for index, width in enumerate(WIDTHS):
        layers += [
            torch.nn.Conv2d(channels, width, 3, padding=1),
            torch.nn.ReLU(),
        ]
        if index in (0, 2, 4):
            layers.append(torch.nn.MaxPool2d(2))
        channels = width
    return torch.nn.Sequential(
        *layers, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()
    )
