"""The classical methods: shared features, and linear models of many tasks.

`PCA`, `LDA` and `RandomFourierFeatures` are Keras layers fitted by `adapt`;
they are saved and exported with a model. `hog` and `SIFTWords` compute fixed
descriptors of images with scikit-image. The models at the end are estimators
on NumPy arrays with `fit` and `predict`.
"""

from mtl_keras.classical.descriptors import SIFTWords, hog
from mtl_keras.classical.lda import LDA
from mtl_keras.classical.pca import PCA
from mtl_keras.classical.random_fourier import RandomFourierFeatures
from mtl_keras.classical.ridge import MultiTaskRidge
from mtl_keras.classical.shared_support import MultiTaskLasso
from mtl_keras.classical.trace_norm import TraceNorm
from mtl_keras.classical.trees import MultiTaskForest

__all__ = [
    "LDA",
    "MultiTaskForest",
    "MultiTaskLasso",
    "MultiTaskRidge",
    "PCA",
    "RandomFourierFeatures",
    "SIFTWords",
    "TraceNorm",
    "hog",
]
