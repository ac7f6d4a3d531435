"""The benchmark's network and step in PyTorch, balanced by TorchJD.

TorchJD (Quinton and Rey, 2024, https://arxiv.org/abs/2406.16232) is the peer
that computes exact Jacobians; it is used where it is installed.
"""

import importlib.util

from mtl_keras.profiling.network import NUM_CLASSES, POOLED, WIDTHS

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


# What a trunk needs beside PyTorch and TorchJD.
_PACKAGES = {"cnn": (), "resnet50": ("torchvision",)}


def missing(network) -> list[str]:
    """Names the packages that the network needs and that are not installed.

    Args:
        network: `mtl_keras.profiling.network.Network`.

    Returns:
        List of strings.
    """
    names = ("torch", "torchjd", *_PACKAGES[network.trunk])
    return [name for name in names if importlib.util.find_spec(name) is None]


def step_functions(network, balancer: str) -> list:
    """Makes the plain step and TorchJD's, on a GPU where there is one.

    Args:
        network: `mtl_keras.profiling.network.Network`.
        balancer: String, a key of `AGGREGATORS`.

    Returns:
        List of two functions without arguments.

    Raises:
        ValueError: If TorchJD lacks a package for that method.
    """
    import torch
    from torchjd import aggregation, autojac

    device = "cuda" if torch.cuda.is_available() else "cpu"
    x, y = network.batch()
    image = torch.from_numpy(x.transpose(0, 3, 1, 2).copy()).to(device)
    labels = [torch.from_numpy(label).long().to(device) for label in y.values()]
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
        trunk, width = _TRUNKS[network.trunk](torch)
        trunk = trunk.to(device)
        heads = torch.nn.ModuleList(
            torch.nn.Linear(width, NUM_CLASSES) for _ in labels
        ).to(device)
        parameters = [*trunk.parameters(), *heads.parameters()]
        optimizer = torch.optim.SGD(parameters, lr=0.01)

        def take():
            optimizer.zero_grad()
            with torch.autocast(
                device, torch.bfloat16, enabled=network.dtype == "bfloat16"
            ):
                features = trunk(image).float()
            losses = [
                measure(head(features), label)
                for head, label in zip(heads, labels, strict=True)
            ]
            train(losses, features, trunk)
            optimizer.step()
            # Reading the loss waits for the step.
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


def _cnn(torch):
    layers, channels = [], 3
    for index, width in enumerate(WIDTHS):
        layers += [
            torch.nn.Conv2d(channels, width, 3, padding=1),
            torch.nn.ReLU(),
        ]
        if index in POOLED:
            layers.append(torch.nn.MaxPool2d(2))
        channels = width
    trunk = torch.nn.Sequential(
        *layers, torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()
    )
    return trunk, channels


def _resnet50(torch):
    import torchvision

    trunk = torchvision.models.resnet50(weights=None)
    width = trunk.fc.in_features
    trunk.fc = torch.nn.Identity()
    return trunk, width


_TRUNKS = {"cnn": _cnn, "resnet50": _resnet50}
