"""Counts for Prometheus, of one server."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """Requests by route and status, how long they took, sizes of batches, what waits, seconds of audio.

    Args:
        waiting: how many requests wait to be scored, asked when the counts are read.
    """

    def __init__(self, waiting: Callable[[], float]) -> None:
        self._registry = own = CollectorRegistry()
        labels = ("route", "status")
        self._requests = Counter("ser_hf_requests", "Requests answered or refused.", labels, registry=own)
        self._seconds = Histogram(
            "ser_hf_request_seconds", "Seconds from request to answer.", ("route",), buckets=_SECONDS, registry=own
        )
        self._batches = Histogram("ser_hf_batch_clips", "Clips scored together.", buckets=_SIZES, registry=own)
        self.audio = Counter("ser_hf_audio_seconds", "Seconds of audio heard.", registry=own)
        self.in_flight = Gauge("ser_hf_requests_in_flight", "Requests being received or answered.", registry=own)
        self.streams = Gauge("ser_hf_streams", "Open streams.", registry=own)
        Gauge("ser_hf_queue_requests", "Requests that wait to be scored.", registry=own).set_function(waiting)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Counts a request."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def batch(self, clips: int) -> None:
        """Counts a batch."""
        self._batches.observe(clips)

    def text(self) -> bytes:
        """All of them, as Prometheus reads it."""
        return generate_latest(self._registry)
