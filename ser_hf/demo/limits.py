"""What the page takes."""

from __future__ import annotations

from dataclasses import dataclass

from ser_hf.base.errors import SerHfError


@dataclass(frozen=True)
class Limits:
    """Limits of the page.

    Attributes:
        max_seconds: longest recording.
        max_megabytes: largest file.
        max_waiting: people who wait for their turn.
        min_confidence: where the most probable class is less probable than this, the answer is `unsure`.
        vad: what finds speech, see `ser_hf.audio.speech.speech_detector`.
        decode_seconds: seconds a recording may take to decode.

    Raises:
        SerHfError: one of them cannot be.
    """

    max_seconds: float = 900.0
    max_megabytes: float = 64.0
    max_waiting: int = 16
    min_confidence: float = 0.0
    vad: str = "auto"
    decode_seconds: float = 30.0

    def __post_init__(self) -> None:
        """Checks them."""
        for name in ("max_seconds", "max_megabytes", "max_waiting", "decode_seconds"):
            if not getattr(self, name) > 0:
                raise SerHfError(f"{name} is {getattr(self, name)}; expected a positive number")
        if not 0 <= self.min_confidence <= 1:
            raise SerHfError(f"min_confidence is {self.min_confidence}; expected a probability, 0 to 1")
