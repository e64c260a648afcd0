"""Multinomial logistic regression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from .baseline import Baseline, BaselineConfig


class LogisticConfig(BaselineConfig):  # type: ignore[no-untyped-call]
    """Configuration of `Logistic`; ``C`` is what the sum of the losses is multiplied by, beside half the squared L2."""

    model_type = "logistic"
    grids: ClassVar[Mapping[str, tuple[float, ...]]] = {"C": (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)}


class Logistic(Baseline):
    """Multinomial logistic regression with an L2 penalty on standardised functionals, by scikit-learn (Cox 1958).

    Its shares are fitted to training clips, and so too sure of unseen speakers: it has a temperature as well. Cox,
    Journal of the Royal Statistical Society B 1958, doi 10.1111/j.2517-6161.1958.tb00292.x.
    """

    title = "a logistic regression"

    @staticmethod
    def estimator() -> Any:
        """The class of scikit-learn."""
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression

    @staticmethod
    def arguments(settings: Mapping[str, float], size: int) -> dict[str, Any]:
        """Its arguments, whatever the number of features; it has converged long before."""
        return {"C": settings["C"], "max_iter": 2000}

    def arrays(self) -> list[Any]:
        """Weights and offsets."""
        return [self.pipeline[-1].coef_, self.pipeline[-1].intercept_]

    def fits(self) -> dict[str, bool]:
        """Whether the shapes are right: one row for each class, and one alone for two."""
        machine = self.pipeline[-1]
        rows = len(machine.classes_) if len(machine.classes_) > 2 else 1
        return {
            "weights": machine.coef_.shape == (rows, machine.n_features_in_),
            "offsets": machine.intercept_.shape == (rows,),
        }
