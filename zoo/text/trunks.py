"""Trunks from the features of tokens to features that know their neighbours."""

from collections.abc import Callable

from keras import layers

from zoo.text.layers import HidePadding

_DILATIONS = (1, 2, 4)
_HEADS = 4


def build(features, present, trunk: str, units: int, dropout: float, **sizes):
    """Builds a trunk.

    Args:
        features: Keras tensor of shape `(batch, tokens, channels)`.
        present: Boolean Keras tensor of shape `(batch, tokens)`, false at the
            padding.
        trunk: String, one of `list_trunks()`.
        units: Integer, channels of the trunk.
        dropout: Float in [0, 1), fraction of a block's output dropped.
        **sizes: `depth`, an integer: the number of blocks, `None` for the
            trunk's own; `unroll`, whether a recurrent trunk has no loop.

    Returns:
        Keras tensor of shape `(batch, tokens, units)`, 0 at the padding.
    """
    make, depth = _TRUNKS[trunk]
    depth = sizes.get("depth") or depth
    x = layers.Dense(units, name="trunk_input")(features)
    x = HidePadding(name="trunk_padding")([x, present])
    x = make(x, present, units, depth, dropout, sizes.get("unroll", False))
    x = layers.LayerNormalization(name="trunk_norm")(x)
    return HidePadding(name="trunk")([x, present])


def list_trunks() -> list[str]:
    """Lists the trunks by name."""
    return sorted(_TRUNKS)


def own_depth(trunk: str) -> int:
    """Returns the number of a trunk's blocks where none is asked for."""
    return _TRUNKS[trunk][1]


def _conv(x, present, units, depth, dropout, unroll):
    """Gated, dilated convolutions (Dauphin et al., ICML 2017)."""
    del unroll
    for number in range(depth):
        x = _gated_block(
            x,
            present,
            units,
            _DILATIONS[number % len(_DILATIONS)],
            dropout,
            f"block{number}",
        )
    return x


def _bilstm(x, present, units, depth, dropout, unroll):
    for number in range(depth):
        name = f"lstm{number}"
        lstm = layers.LSTM(units // 2, return_sequences=True, unroll=unroll)
        h = layers.Bidirectional(lstm, name=name)(x, mask=present)
        x = layers.Dropout(dropout, name=f"{name}_dropout")(h)
    return x


def _transformer(x, present, units, depth, dropout, unroll):
    """Blocks of attention (Vaswani et al., 2017), normalised before.

    The order of tokens is seen by a convolution, not by position embeddings: a
    sentence may be of any length.
    """
    x = _conv(x, present, units, 1, dropout, unroll)
    for number in range(depth):
        name = f"attention{number}"
        h = layers.LayerNormalization(name=f"{name}_norm")(x)
        # The bias of keys has no effect and no gradient.
        h = layers.MultiHeadAttention(
            _HEADS,
            units // _HEADS,
            dropout=dropout / 2,
            name=name,
            use_bias=False,
        )(h, h, key_mask=present)
        h = layers.Dropout(dropout, name=f"{name}_dropout")(h)
        x = layers.Add(name=f"{name}_sum")([x, h])
        name = f"feedforward{number}"
        h = layers.LayerNormalization(name=f"{name}_norm")(x)
        h = layers.Dense(2 * units, "gelu", name=f"{name}_hidden")(h)
        h = layers.Dense(units, name=name)(h)
        h = layers.Dropout(dropout, name=f"{name}_dropout")(h)
        x = layers.Add(name=f"{name}_sum")([x, h])
    return x


def _gated_block(x, present, units, dilation, dropout, name):
    h = layers.LayerNormalization(name=f"{name}_norm")(x)
    # After the norm, which moves zeros: the convolution must not see padding.
    h = HidePadding(name=f"{name}_padding")([h, present])
    value, gate = (
        layers.Conv1D(
            units,
            3,
            padding="same",
            dilation_rate=dilation,
            activation=activation,
            name=f"{name}_{part}",
        )(h)
        for part, activation in (("value", None), ("gate", "sigmoid"))
    )
    h = layers.Multiply(name=f"{name}_gated")([value, gate])
    h = layers.Dropout(dropout, name=f"{name}_dropout")(h)
    return layers.Add(name=f"{name}_sum")([x, h])


_Trunk = Callable
# Each with its own depth.
_TRUNKS: dict[str, tuple[_Trunk, int]] = {
    "bilstm": (_bilstm, 1),
    "conv": (_conv, 5),
    "transformer": (_transformer, 2),
}
