"""A support vector machine with a radial kernel."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from .baseline import AUTO, Baseline, BaselineConfig, Labels
from .speakers import Features


class SvmConfig(BaselineConfig):  # type: ignore[no-untyped-call]
    """Configuration of `Svm`.

    Attributes:
        gamma: width of the kernel, times the number of features.
    """

    model_type = "svm"
    grids: ClassVar[Mapping[str, tuple[float, ...]]] = {
        "C": (1.0, 3.0, 10.0, 30.0),
        "gamma": (0.125, 0.25, 0.5, 1.0, 2.0),
    }

    gamma: float | int | str = AUTO


class Svm(Baseline):
    """Support vector machine with a radial kernel on standardised functionals, by scikit-learn (Cortes & Vapnik 1995).

    Every pair of classes has a machine, and a class' decision value is its votes, then its margins (scikit-learn's
    ``decision_function_shape="ovr"``). Cortes and Vapnik, Machine Learning 1995, doi 10.1007/BF00994018.
    """

    title = "a support vector machine"

    @staticmethod
    def estimator() -> Any:
        """The class of scikit-learn."""
        from sklearn.svm import SVC

        return SVC

    @staticmethod
    def arguments(settings: Mapping[str, float], size: int) -> dict[str, Any]:
        """Its arguments; ties of votes go by the margins."""
        return {"C": settings["C"], "gamma": settings["gamma"] / size, "break_ties": True, "cache_size": 500}

    @classmethod
    def predictions(
        cls,
        tried: Sequence[Mapping[str, float]],
        features: Features,
        labels: Labels,
        held: Features,
        class_weight: Mapping[int, float] | None,
    ) -> Iterator[Labels]:
        """The same as of any baseline, with distances that are computed once."""
        from sklearn.metrics.pairwise import euclidean_distances

        size = features.shape[1]
        distances = [euclidean_distances(rows, features, squared=True) / size for rows in (features, held)]
        for settings in tried:
            known, asked = (np.exp(-settings["gamma"] * distance) for distance in distances)
            given = cls.arguments(settings, size) | {"kernel": "precomputed"}
            yield cls.estimator()(**given, class_weight=class_weight).fit(known, labels).predict(asked)

    def arrays(self) -> list[Any]:
        """Support vectors, their weights, and offsets: those that libsvm reads."""
        svc = self.pipeline[-1]
        return [svc.support_vectors_, svc._dual_coef_, svc._intercept_]

    def fits(self) -> dict[str, bool]:
        """Whether kernel and shapes are right; libsvm reads its arrays without a look at their sizes."""
        svc = self.pipeline[-1]
        size, classes, vectors = svc.n_features_in_, len(svc.classes_), len(svc.support_vectors_)
        pairs = (classes * (classes - 1) // 2,)
        return {
            "gamma": svc._gamma == svc.gamma and 0 < svc._gamma < np.inf,
            "kernel": svc.kernel == "rbf" and svc.break_ties is True and svc.decision_function_shape == "ovr",
            "support vectors": svc.support_vectors_.shape == (vectors, size) == (len(svc.support_), svc.shape_fit_[1]),
            "weights": svc.dual_coef_.shape == svc._dual_coef_.shape == (classes - 1, vectors),
            "offsets": svc.intercept_.shape == svc._intercept_.shape == pairs,
            "counts": svc._n_support.shape == (classes,) and svc._n_support.sum() == vectors,
        }
