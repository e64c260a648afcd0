"""What a server is allowed to do."""

from __future__ import annotations

import dataclasses
import ipaddress
from dataclasses import dataclass

from ser_hf.base.errors import SerHfError


@dataclass(frozen=True)
class Settings:
    """Limits of a server. Whatever is beyond them is refused with a line that says the limit.

    Attributes:
        max_seconds: longest clip of ``/v1/classify``.
        max_megabytes: largest body of ``/v1/classify``.
        max_long_seconds: longest recording of ``/v1/segments``.
        max_long_megabytes: largest body of ``/v1/segments``.
        max_long: recordings of ``/v1/segments`` at a time.
        max_files: clips of a request.
        max_batch: clips scored together.
        max_delay_ms: milliseconds for which a clip waits for others.
        max_waiting: requests at a time.
        max_streams: ``/v1/stream`` connections at a time.
        min_confidence: a clip whose first class is less probable than this is `unsure`.
        vad: what finds speech, see `ser_hf.audio.speech.speech_detector`.
        workers: processes that decode.
        decode_seconds: seconds one clip may take to decode.
        body_seconds: seconds a body may take to arrive; a tenth of it may pass without a byte.
        api_key: what every request but ``/health`` must bear; None asks for nothing.
    """

    max_seconds: float = 120.0
    max_megabytes: float = 32.0
    max_long_seconds: float = 3600.0
    max_long_megabytes: float = 256.0
    max_long: int = 2
    max_files: int = 32
    max_batch: int = 32
    max_delay_ms: float = 5.0
    max_waiting: int = 128
    max_streams: int = 32
    min_confidence: float = 0.0
    vad: str = "auto"
    workers: int = 2
    decode_seconds: float = 20.0
    body_seconds: float = 60.0
    api_key: str | None = None

    def __post_init__(self) -> None:
        """Raises SerHfError where a limit cannot be."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            least = 0 if field.name in ("max_delay_ms", "min_confidence") else None
            if isinstance(value, str) or value is None:
                continue
            if not (value > 0 or value == least):
                raise SerHfError(f"{field.name} is {value}; expected a positive number")
        if not self.min_confidence <= 1:
            raise SerHfError(f"min_confidence is {self.min_confidence}; expected a probability, 0 to 1")
        if self.api_key is not None and not self.api_key.strip():
            raise SerHfError("the API key is empty; give one of 16 characters or more, or none at all")

    @property
    def max_bytes(self) -> int:
        """Largest body of ``/v1/classify``."""
        return int(self.max_megabytes * 1e6)

    @property
    def max_long_bytes(self) -> int:
        """Largest body of ``/v1/segments``."""
        return int(self.max_long_megabytes * 1e6)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches what listens at ``host``.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
