"""What a model says of a recording, and whether that can be relied on."""

from __future__ import annotations

from typing import NamedTuple

from ser_hf.audio.speech import LEAST
from ser_hf.base.errors import SerHfError

UNSURE = "unsure"
"""Said in place of a class where the model abstains."""


class Heard(NamedTuple):
    """What a model says of a clip.

    Attributes:
        classes: name -> probability, the most probable first.
        dimensions: name -> rating on the scale of the training data; empty where the model rates nothing.
        speech: seconds of speech in it; None where nobody looked.
        seconds: how long it is.
        sure_from: the probability the first class needs to be the answer.
    """

    classes: dict[str, float]
    dimensions: dict[str, float]
    speech: float | None = None
    seconds: float = 0.0
    sure_from: float = 0.0

    @property
    def confidence(self) -> float:
        """Probability of the first class."""
        return next(iter(self.classes.values()))

    @property
    def label(self) -> str:
        """The first class, or `UNSURE`: where there is too little speech, or it is less probable than ``sure_from``.

        >>> Heard({"sad": 0.6, "calm": 0.4}, {}, speech=2.0, sure_from=0.7).label
        'unsure'
        """
        if self.warning or self.confidence < self.sure_from:
            return UNSURE
        return next(iter(self.classes))

    @property
    def warning(self) -> str | None:
        """Why there is nothing to go by, or None."""
        if self.speech is None or self.speech >= LEAST:
            return None
        found = "no speech" if self.speech == 0 else f"{self.speech:.2f} s of speech"
        return f"{found} in {self.seconds:.2f} s; at least {LEAST:g} s are needed"


def check_confidence(share: float) -> float:
    """Gives a probability to abstain below, if it is one.

    Raises:
        SerHfError: it is not within 0 to 1.
    """
    if not 0 <= share <= 1:
        raise SerHfError(f"min_confidence is {share}; expected a probability, 0 to 1")
    return share
