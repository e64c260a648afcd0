"""Baselines: functionals of a clip and a classifier of scikit-learn, whose home this is.

A baseline is trained, evaluated, asked and pushed by the commands that serve networks. It is kept by skops: nothing in
this package reads or writes a pickle.
"""

from .baseline import WEIGHTS, Baseline, BaselineConfig
from .build import BASELINES, build_baseline
from .checkpoint import EXTRACTORS, load_baseline
from .extraction import FEATURES, FunctionalsExtractor, build_functionals
from .fitting import Clips, fit

__all__ = [
    "BASELINES",
    "EXTRACTORS",
    "FEATURES",
    "WEIGHTS",
    "Baseline",
    "BaselineConfig",
    "Clips",
    "FunctionalsExtractor",
    "build_baseline",
    "build_functionals",
    "fit",
    "load_baseline",
]
