"""Rows made by hand, for what no small corpus shows."""

from collections.abc import Callable, Sequence

import datasets
import pytest

CLASSES = ["neutral", "happy", "sad"]


@pytest.fixture(scope="session")
def make_rows() -> Callable[..., datasets.Dataset]:
    """A function that makes a harmonised dataset without audio, one clip for every speaker given."""
    return _make_rows


def _make_rows(
    speakers: Sequence[str | None],
    labels: Sequence[int] | None = None,
    hashes: Sequence[str] | None = None,
    clip_ids: Sequence[str] | None = None,
    corpus: str = "ravdess",
) -> datasets.Dataset:
    """Rows whose clips and recordings all differ where nothing else is said; labels go round the classes."""
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
