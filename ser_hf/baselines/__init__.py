"""Baselines: functionals of a clip and a support vector machine, the home of scikit-learn.

A baseline is trained, evaluated, asked and pushed by the commands that serve networks. It is kept by skops: nothing in
this package reads or writes a pickle.
"""

from .checkpoint import BASELINES, load_baseline
from .extraction import FEATURES, FunctionalsExtractor, build_functionals
from .fitting import Clips, fit
from .svm import WEIGHTS, Svm, SvmConfig, build_baseline

__all__ = [
    "BASELINES",
    "FEATURES",
    "WEIGHTS",
    "Clips",
    "FunctionalsExtractor",
    "Svm",
    "SvmConfig",
    "build_baseline",
    "build_functionals",
    "fit",
    "load_baseline",
]
