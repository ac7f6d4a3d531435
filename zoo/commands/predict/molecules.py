"""Molecules as SMILES strings: given to a model, and its outputs printed."""

import numpy as np

from zoo.commands import raw_inputs
from zoo.commands.predict import rows

# The names of the preprocessors that read molecules.
PREPROCESSORS = ("SmilesPreprocessor",)


def predict(model, smiles: list[str]) -> None:
    """Prints a line for each molecule.

    Args:
        model: `MultiTaskModel` of the zoo that takes SMILES strings.
        smiles: List of strings.
    """
    inputs = raw_inputs.prepare(model.preprocessor, {"smiles": smiles})
    outputs = model.predict(inputs, verbose=0)
    for index, molecule in enumerate(smiles):
        row = {key: np.asarray(value[index]) for key, value in outputs.items()}
        print(f"{molecule}  {rows.describe(row, model.tasks)}")
