"""The plain model beside an architecture has the same layers and loss."""

import keras
import numpy as np
import pytest

from mtl_keras import sharing
from mtl_keras.model.model import MultiTaskModel
from mtl_keras.profiling.sharing import SharingNetwork

# The penalty is the model's, not a layer's; then what differs in its inputs.
ODD = ["soft", "adapters", "esmm"]
REST = [name for name in sharing.list_sharings() if name not in ODD]


@pytest.mark.sampled
@pytest.mark.parametrize("name", [*ODD, *REST])
def test_plain_step_has_the_same_layers_and_loss(name):
    network = SharingNetwork(num_tasks=2, batch_size=2, sharing=name)
    x, y = network.batch()
    losses, ends = [], []
    for cls in (keras.Model, MultiTaskModel):
        model = network.compiled(cls, None, jit_compile=False)
        assert isinstance(model, MultiTaskModel) == (cls is MultiTaskModel)
        losses.append(model.train_on_batch(x, y, return_dict=True)["loss"])
        ends.append(model.get_weights())
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)
    for one, other in zip(*ends, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-6)


def test_trunk_without_stages_is_refused():
    with pytest.raises(ValueError, match="Received: trunk='resnet50'"):
        SharingNetwork(trunk="resnet50")
