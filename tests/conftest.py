"""Every test runs offline, on one thread, with caches of its own that go when the session ends."""

import contextlib
import importlib.util
import io
import os
import shutil
import tempfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
from hypothesis import settings

if TYPE_CHECKING:
    import datasets

    from ser_hf.data import Corpora

ROOT = Path(__file__).parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"
CLASSES = ["neutral", "happy", "sad"]
"""Of `make_rows`."""

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
    # Two processes that fill one cache of numba's spoil it for good: each worker has its own.
    "NUMBA_CACHE_DIR": str(ROOT / ".pytest_cache" / "numba" / os.environ.get("PYTEST_XDIST_WORKER", "alone")),
    "OMP_NUM_THREADS": "1",
}
for name in ("HF_DATASETS_CACHE", "HF_HUB_CACHE", "HF_MODULES_CACHE", "HF_METRICS_CACHE", "HF_TOKEN", "HF_ENDPOINT"):
    os.environ.pop(name, None)

settings.register_profile("untimed", deadline=None)  # a slow machine is no failure
settings.load_profile("untimed")


def pytest_unconfigure() -> None:
    shutil.rmtree(_CACHE, ignore_errors=True)


LONG = (
    "test_run_study.py",
    "test_tasks.py",
    "test_resume.py",
    "test_recipes.py",
    "test_hub.py",
    "test_processes.py",
    "test_train.py",
)
"""Files that take longest: they come first, so that no worker is left alone with one at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))
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


@pytest.fixture(scope="session")
def shared_corpora(shared_data: Path) -> Path:
    """The folder of file lists and published folds; for tests marked ``real``."""
    return shared_data.parent / "corpora"


@pytest.fixture(scope="session")
def write_clip() -> Callable[..., Path]:
    """A function that writes 0.1 s of noise, another one for every file name, in the format of the extension."""
    return _write_clip


@pytest.fixture(scope="session")
def touch() -> Callable[..., Path]:
    """A function that makes empty files of these names below a folder, and gives the folder."""

    def make(root: Path, *names: str) -> Path:
        for name in names:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).touch()
        return root

    return make


@pytest.fixture(scope="session")
def write_corpora() -> Callable[..., Path]:
    """A function that writes small corpora under true names: 8 RAVDESS clips per actor, 56 SAVEE, 28 TESS clips."""
    return _write_corpora


@pytest.fixture(scope="session")
def corpora_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with three small corpora, 132 clips; only to be read."""
    return _write_corpora(tmp_path_factory.mktemp("corpora"))


@pytest.fixture(scope="session")
def harmonised(corpora_root: Path, tmp_path_factory: pytest.TempPathFactory) -> "Corpora":
    """The three small corpora as one dataset."""
    from ser_hf.data import load_corpus

    names = ["ravdess", "savee", "tess"]
    return load_corpus(names, data_root=corpora_root, cache_dir=tmp_path_factory.mktemp("harmonised"))


@pytest.fixture(scope="session")
def make_rows() -> Callable[..., "datasets.Dataset"]:
    """A function that makes a harmonised dataset without audio, one clip for every speaker given."""
    return _make_rows


@pytest.fixture(scope="session")
def save_transformer() -> Callable[..., Path]:
    """A function that writes a tiny random checkpoint of a family into a folder; see tests/tiny_transformers.py."""
    spec = importlib.util.spec_from_file_location("tiny_transformers", Path(__file__).with_name("tiny_transformers.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.save


TINY_RECIPE = """
corpora: [ravdess, savee]
protocol: random
duration: 0.5
n_fft: 512
hop_length: 256
n_mels: 32
model: cnn_blstm_attention
model_settings:
  {conv_channels: [4, 4, 4, 4], conv_pools: [[1, 2], [1, 2], [2, 2], [2, 1]], lstm_size: 8, conv_dropout: 0, dropout: 0}
num_train_epochs: 3
per_device_train_batch_size: 8
learning_rate: 2e-2
"""


@dataclass(frozen=True)
class TinyRun:
    """A run of the tiny recipe by the command line, and what it printed."""

    folder: Path
    printed: str


@pytest.fixture(scope="session")
def tones_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with 120 clips of RAVDESS and SAVEE, and 28 of TESS, in which every emotion is a pitch of its own."""
    from ser_hf.corpora import CORPORA, scan
    from ser_hf.labels import EMOTIONS

    root = _write_corpora(tmp_path_factory.mktemp("tones"), actors=8)
    for clip in (clip for folder in root.iterdir() for clip in scan(CORPORA[folder.name], folder).clips):
        noise = np.random.default_rng(zlib.crc32(clip.clip_id.encode())).normal(0, 0.1, 6400)
        pitch = 200 * 1.4 ** EMOTIONS.index(clip.emotion)
        soundfile.write(clip.path, 0.5 * np.sin(2 * np.pi * pitch * np.arange(6400) / 16_000) + noise, 16_000)
    return root


@pytest.fixture(scope="session")
def tiny_recipe(tones_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A recipe that trains in a second: a tiny network on ``tones_root``, named in it."""
    path = tmp_path_factory.mktemp("tiny") / "tiny.yaml"
    path.write_text(f"{TINY_RECIPE}data_root: {tones_root}\n", encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def tiny_run(tiny_recipe: Path, tmp_path_factory: pytest.TempPathFactory) -> TinyRun:
    """The run folder of the tiny recipe, with everything a run leaves; only to be read."""
    from ser_hf.cli import main

    folder, printed = tmp_path_factory.mktemp("runs") / "tiny", io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert main(["train", str(tiny_recipe), "--output_dir", str(folder)]) == 0
    return TinyRun(folder, printed.getvalue())


def _write_clip(path: Path, rate: int = 16_000, seed: int = 0) -> Path:
    noise = np.random.default_rng([seed, zlib.crc32("/".join(path.parts[-2:]).encode())])
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, noise.uniform(-0.5, 0.5, rate // 10), rate)
    return path


def _write_corpora(root: Path, actors: int = 6) -> Path:
    for actor in range(1, actors + 1):
        for code in range(1, 9):
            _write_clip(root / f"ravdess/Actor_{actor:02d}/03-01-{code:02d}-01-01-01-{actor:02d}.wav")
    for speaker in ("DC", "JE", "JK", "KL"):
        for letters in ("a", "d", "f", "h", "n", "sa", "su"):
            for sentence in ("01", "02"):
                _write_clip(root / f"savee/AudioData/{speaker}/{letters}{sentence}.wav")
    for speaker in ("OAF", "YAF"):
        for emotion in ("angry", "disgust", "fear", "happy", "neutral", "ps", "sad"):
            for word in ("back", "bite"):
                _write_clip(root / f"tess/{speaker}_{emotion}/{speaker}_{word}_{emotion}.wav")
    return root


def _make_rows(
    speakers: Sequence[str | None],
    labels: Sequence[int] | None = None,
    hashes: Sequence[str] | None = None,
    clip_ids: Sequence[str] | None = None,
    corpus: str = "ravdess",
) -> "datasets.Dataset":
    """Rows whose clips and recordings all differ where nothing else is said; labels go round the classes."""
    import datasets

    count = len(speakers)
    names = clip_ids or [f"{speaker}/{i}" for i, speaker in enumerate(speakers)]
    columns = {
        "label": labels or [i % len(CLASSES) for i in range(count)],
        "corpus": [corpus] * count,
        "speaker": list(speakers),
        "clip_id": list(names),
        "audio_hash": hashes or [f"hash of {name}" for name in names],
    }
    text = datasets.Value("string")
    features = {name: text for name in columns if name != "label"} | {"label": datasets.ClassLabel(names=CLASSES)}
    return datasets.Dataset.from_dict(columns, datasets.Features(features))
