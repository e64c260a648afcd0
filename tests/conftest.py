"""Every test runs offline, on one thread, with caches of its own that go when the session ends."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"

# The libraries read these when they are imported, so they are set before any test module is.
_CACHE = Path(tempfile.mkdtemp(prefix="ser_hf_tests_"))
os.environ |= {
    "HF_HUB_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
    "HF_HOME": str(_CACHE / "huggingface"),
    "SER_HF_CACHE": str(_CACHE / "ser_hf"),
    "MPLBACKEND": "Agg",
    "OMP_NUM_THREADS": "1",
}
for name in ("HF_DATASETS_CACHE", "HF_HUB_CACHE", "HF_MODULES_CACHE", "HF_METRICS_CACHE", "HF_TOKEN", "HF_ENDPOINT"):
    os.environ.pop(name, None)


def pytest_unconfigure() -> None:
    shutil.rmtree(_CACHE, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if SHARED_DATA.is_dir():
        return
    for item in items:
        if item.get_closest_marker("real"):
            item.add_marker(pytest.mark.skip(reason="the recordings in ../shared/data are not on this machine"))


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real recordings, one folder per corpus; for tests marked ``real``."""
    if not SHARED_DATA.is_dir():
        pytest.skip("the recordings in ../shared/data are not on this machine")
    return SHARED_DATA
