"""What the layers that hold a KerasHub backbone have in common."""

import keras

from zoo.pretrained.adaptation import adapt


class BackboneLayer(keras.layers.Layer):
    """Holds a KerasHub backbone and what of it is trained.

    Taken apart into its layers, some backbones (ViT, MiT) cannot be reloaded,
    and a backbone saves neither which of its layers are trained nor whether
    they have adapters; this layer does.

    Args:
        backbone: `keras_hub.models.Backbone`.
        adaptation: `"all"`, `"lora"` or `"none"`, what is trained; see
            `zoo.pretrained.adaptation.adapt`. With `"none"` the backbone also
            has no dropout in training.
        lora_rank: Integer of at least 1.
        has_adapters: Boolean, whether the backbone has LoRA's adapters
            although another part of it is trained now.
        **kwargs: As for `keras.layers.Layer`.

    Raises:
        ValueError: If an argument is out of range.
    """

    def __init__(
        self,
        backbone,
        adaptation="all",
        lora_rank=8,
        has_adapters=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.backbone = backbone
        self.lora_rank = lora_rank
        self.has_adapters = False
        if has_adapters:
            self.adapt("lora", lora_rank)
        self.adapt(adaptation, lora_rank)

    def adapt(self, adaptation: str, lora_rank: int = 8) -> None:
        """Changes what is trained; compile the model afterwards.

        Args:
            adaptation: `"all"`, `"lora"` or `"none"`.
            lora_rank: Integer of at least 1; existing adapters keep their
                rank.
        """
        adapt(self.backbone, adaptation, lora_rank, self.unused_layers())
        self.adaptation = adaptation
        if not self.has_adapters:
            self.lora_rank = lora_rank
        self.has_adapters = self.has_adapters or adaptation == "lora"

    def unused_layers(self) -> set[str]:
        """Names the backbone's layers that the output does not need."""
        return set()

    def build(self, input_shape):
        """The backbone is built already."""
        del input_shape
        self.built = True

    def backbone_training(self, training):
        """Returns `training` for the backbone's call: false if frozen."""
        return False if self.adaptation == "none" else training

    def get_config(self) -> dict:
        """Returns the arguments of the constructor."""
        return {
            **super().get_config(),
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            "adaptation": self.adaptation,
            "lora_rank": self.lora_rank,
            "has_adapters": self.has_adapters,
        }

    @classmethod
    def from_config(cls, config):
        """Makes the layer that `get_config` described."""
        backbone = keras.saving.deserialize_keras_object(config["backbone"])
        return cls(**{**config, "backbone": backbone})
