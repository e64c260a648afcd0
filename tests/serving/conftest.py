"""A server for tests: in this process by the test client, or as a process of its own."""

import contextlib
import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

pytest.importorskip("fastapi")
pytest.importorskip("httpx")
pytest.importorskip("multipart")
pytest.importorskip("prometheus_client")

from ser_hf.inference import Listener, ModelFacts, Scores
from ser_hf.serving import Service, Settings, make_app

LABELS = ("low", "middle", "high")


class Pitch(Listener):
    """Tells low, middle and high tones apart, by the share of the energy below 400 and above 1000 Hz."""

    labels = LABELS
    sampling_rate = 16_000
    window = 2.0

    def score(self, waveforms):
        rows = []
        for samples in waveforms:
            power = np.abs(np.fft.rfft(samples)) ** 2
            hertz = np.fft.rfftfreq(len(samples), 1 / self.sampling_rate)
            parts = np.array([power[hertz < 400].sum(), 0, power[hertz > 1000].sum()])
            parts[1] = power.sum() - parts.sum()
            rows.append((parts + 1e-6) / (parts + 1e-6).sum())
        return Scores(np.array(rows, np.float32))


def facts(model: Listener) -> ModelFacts:
    return ModelFacts(
        "pitch", model.labels, (), model.sampling_rate, model.window, "0", "CC0-1.0", "made by hand", None
    )


def wav(hertz: float = 200.0, seconds: float = 1.0, rate: int = 16_000, form: str = "WAV") -> bytes:
    """A tone as a file."""
    tone = 0.5 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)
    file = io.BytesIO()
    soundfile.write(file, tone, rate, format=form)
    return file.getvalue()


@pytest.fixture(scope="module")
def client_of() -> Iterator[Callable]:
    """A function that gives a client of a server with these settings, and perhaps another model."""
    from starlette.testclient import TestClient

    with contextlib.ExitStack() as stack:

        def make(model: Listener | None = None, **settings):
            model = model or Pitch()
            service = Service(model, facts(model), Settings(**{"workers": 1, "vad": "rule", **settings}))
            return stack.enter_context(TestClient(make_app(service), raise_server_exceptions=False))

        yield make


@pytest.fixture(scope="module")
def client(client_of):
    return client_of()


class Process:
    """``ser-hf serve`` at a free port."""

    def __init__(self, *words: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ser_hf.cli", "serve", "--port", "0", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        self.url = self.process.stdout.readline().split()[0]

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Exit code, and what was written to standard error."""
        self.process.send_signal(number)
        _, complaints = self.process.communicate(timeout=60)
        return self.process.returncode, complaints


@pytest.fixture
def process() -> Iterator[Callable[..., Process]]:
    """A function that starts a server as a process."""
    started = []

    def start(*words: str) -> Process:
        started.append(Process(*words))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
        one.process.communicate()
