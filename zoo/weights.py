"""Trained weights: where they are, whether they are whole, whether they fit."""

import re
from pathlib import Path

from mtl_keras import artefacts, files
from mtl_keras.messages import did_you_mean, listed
from zoo import weights_file
from zoo.card import Card

CHECKPOINTS = Path(__file__).parent / "checkpoints"
_ENDINGS = (".weights.h5", ".keras")


class Weights:
    """A file of weights, and what is known about how they were trained.

    Attributes:
        path: `pathlib.Path` of the file.
        name: String, the name on the card, `None` for a file of the user's.
        data: String, the data they were trained on, `None` if unknown.
        overrides: Dict, the overrides they were trained with.
        sha256: String, what the file's must be, `None` if unknown.
        model: String, the name of the entry, `None` if unknown.
        spec: `zoo.Spec` of the model, `None` where data and overrides say it.
        base: String, the pretrained trunk that light weights are over, `None`
            for whole ones.
        base_sha256: String, the sum of that trunk; see `zoo.light_weights`.
        decisions: Dict, temperatures and thresholds of the tasks; see
            `mtl_keras.calibration`.
    """

    def __init__(
        self,
        path,
        name=None,
        data=None,
        overrides=(),
        sha256=None,
        *,
        model=None,
        spec=None,
        base=None,
        base_sha256=None,
        decisions=None,
    ):
        self.path = Path(path)
        self.name = name
        self.data = data
        self.overrides = dict(overrides)
        self.sha256 = sha256
        self.model = model
        self.spec = spec
        self.base = base
        self.base_sha256 = base_sha256
        self.decisions = dict(decisions or {})

    @property
    def title(self) -> str:
        """The name on the card, else the file."""
        return repr(self.name or str(self.path))

    def load_into(self, model) -> None:
        """Loads the weights into a model.

        The file is checked first: its sum where it is known, its size, its
        structure, and that all its numbers are finite.

        Args:
            model: `keras.Model`, built.

        Raises:
            ValueError: If the file is damaged, holds NaN or infinity, or is
                of another model.
        """
        self._check_bytes()
        if self.base is not None:
            from zoo import light_weights

            light_weights.load(
                model, self.path, self.base, self.base_sha256, self.described
            )
            return
        stored = self._stored_variables(model)
        expected = _variables(model)
        if stored is not None and stored != expected:
            raise ValueError(
                f"{self.described} do not fit this model: they hold "
                f"{stored} variables for its layers, which have {expected}. "
                f"{self._repair()}"
            )
        try:
            model.load_weights(self.path)
        # Keras and h5py raise many classes for what they do not expect.
        except Exception as error:
            raise ValueError(
                f"{self.described} do not fit this model: "
                f"{_misfit(str(error).strip() or repr(error))} {self._repair()}"
            ) from error

    @property
    def described(self) -> str:
        """How errors name the weights."""
        if self.name is None:
            return f"The weights in {str(self.path)!r}"
        return f"The weights {self.name!r}"

    def _repair(self) -> str:
        if self.name is None:
            return (
                "Give the same model, data and overrides as in training "
                "(a workdir's config.json tells them)."
            )
        overrides = ", ".join(f"{k}={v!r}" for k, v in self.overrides.items())
        return (
            f"They were trained on data={self.data!r} with "
            f"{overrides or 'no overrides'}. Load them with the same, or leave "
            "`weights` out and train."
        )

    def _check_bytes(self) -> None:
        if self.sha256 is not None:
            received = files.sha256(self.path)
            if received != self.sha256:
                repair = "Install the package again."
                if self.name is None:
                    repair = "Restore the file, or train again."
                raise ValueError(
                    f"{self.described} are damaged. Expected a file with "
                    f"sha256 {self.sha256}. Received: {str(self.path)!r} with "
                    f"sha256 {received}, {self.path.stat().st_size} bytes. "
                    f"{repair}"
                )

    def _stored_variables(self, model) -> int | None:
        """Counts the variables in the file that belong to layers.

        Keras loads what it finds names for and passes over the rest, so that
        the weights of a deeper model would load into a shallower one unseen.
        """
        try:
            return weights_file.num_variables(
                self.path, weights_file.size_limit(model)
            )
        except weights_file.RefusedError as error:
            raise ValueError(f"{self.described} {error}") from error
        # h5py and zipfile raise many classes for damaged files.
        except Exception as error:
            raise ValueError(
                f"{self.described} are damaged, or the file is not a "
                f"weights file. Received: {str(self.path)!r}, "
                f"{self.path.stat().st_size} bytes ({error})"
            ) from error


def _misfit(message: str) -> str:
    """Shortens Keras's message, which prints every value of a variable."""
    shapes = re.search(
        r"object <\w+ name=(\S+?),.*?variable\.shape=(\(.*?\)), "
        r"Received: value\.shape=(\(.*?\))",
        message,
        re.DOTALL,
    )
    if shapes is None:
        return message.strip().splitlines()[0]
    layer, expected, stored = shapes.groups()
    return (
        f"layer {layer!r} has a variable of shape {expected}, and the file "
        f"one of shape {stored}."
    )


def _variables(model) -> int:
    """Counts the variables that a file of this model holds for its layers.

    `weights` are those; `variables` has the states of dropout's seeds too,
    which Keras does not store.
    """
    return len({id(v) for layer in model.layers for v in layer.weights})


def find(card: Card, weights: str | Path) -> Weights:
    """Finds weights by a name on the card or by a path.

    Args:
        card: `Card` of the model.
        weights: String, a name on the card, or a path that ends in
            `.weights.h5` or `.keras`.

    Returns:
        `Weights`.

    Raises:
        ValueError: If there are no weights of this name, or no such file, or
            the report beside the file is damaged.
    """
    known = card.get("weights", {})
    if weights in known:
        facts = known[weights]
        path = CHECKPOINTS / facts["file"]
        if not path.exists():
            raise ValueError(
                f"The weights {weights!r} of {card['name']!r} are missing. "
                f"Expected a file {str(path)!r}. Install the package again."
            )
        return Weights(
            path,
            weights,
            facts["data"],
            facts["overrides"],
            facts["sha256"],
            base=facts.get("base"),
            base_sha256=facts.get("base_sha256"),
            decisions=facts.get("decisions"),
        )
    path = Path(weights)
    if not str(weights).endswith(_ENDINGS):
        raise ValueError(
            f"Unknown weights of {card['name']!r}. Expected one of "
            f"{listed(sorted(known))}, or the path of a file that ends in "
            f"{' or '.join(_ENDINGS)}.{did_you_mean(weights, known)} "
            f"Received: weights={str(weights)!r}"
        )
    if not path.is_file():
        raise ValueError(
            f"There is no weights file {str(path)!r}. Expected a name on "
            f"the card of {card['name']!r} ({listed(sorted(known))}) or the "
            f"path of a file. Received: weights={str(weights)!r}"
        )
    return Weights(path, sha256=_known_sum(path, known))


def _known_sum(path, known) -> str | None:
    """Looks up a file's sum on the card, or in the report of its run."""
    for facts in known.values():
        if path.resolve() == (CHECKPOINTS / facts["file"]).resolve():
            return facts["sha256"]
    return artefacts.known_sum(path)
