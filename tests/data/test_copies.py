"""Every training clip is copied once for each chain; the copies are the same in every fold and never leave training."""

import datasets
import numpy as np
import pytest
import soxr

from ser_hf.audio import decode
from ser_hf.audit import audit
from ser_hf.augment import WaveformChain
from ser_hf.base.errors import SplitError
from ser_hf.data import add_copies, augmented_copies, balance

SPEEDS = WaveformChain.parse_copies(["{speed: 0.9}", "{speed: 1.1}"])


def split(rows: datasets.Dataset, seed: int) -> datasets.DatasetDict:
    order = np.random.default_rng(seed).permutation(len(rows))
    bounds = {"train": order[:82], "validation": order[82:107], "test": order[107:]}
    return datasets.DatasetDict({name: rows.select(np.sort(part)) for name, part in bounds.items()})


@pytest.fixture(scope="module")
def parts(harmonised) -> datasets.DatasetDict:
    """Three splits of 132 clips; 82 for training."""
    return split(harmonised.dataset, 0)


@pytest.fixture(scope="module")
def copied(parts, harmonised) -> datasets.DatasetDict:
    return add_copies(parts, SPEEDS, 42, recordings=harmonised.dataset)[0]


def copies(rows: datasets.Dataset) -> list[dict]:
    return [row for row in rows if row["source"] is not None]


def test_every_training_clip_has_one_copy_of_each_kind_and_others_none(parts, copied):
    clips = parts["train"]["clip_id"][:]
    assert copied["train"]["clip_id"][:] == [*clips, *(f"{c}#1" for c in clips), *(f"{c}#2" for c in clips)]
    assert copied["train"].features == parts["train"].features
    assert copied["validation"] is parts["validation"]
    assert copied["test"] is parts["test"]


def test_a_copy_is_its_source_at_exactly_the_other_speed(parts, copied):
    sources = {row["clip_id"]: row for row in parts["train"]}
    for copy in copies(copied["train"]):
        source, factor = sources[copy["source"]], {"1": 0.9, "2": 1.1}[copy["clip_id"][-1]]
        (heard, rate), (samples, _) = (decode(row["audio"]["bytes"]) for row in (copy, source))
        assert copy["augmentation"] == f"speed={factor}"
        assert len(heard) == round(len(samples) / factor) == round(copy["duration"] * rate)
        played = soxr.resample(samples, factor, 1.0, quality="HQ")[: len(heard)]
        played = np.pad(played, (0, len(heard) - len(played))) / max(1, np.abs(played).max())
        np.testing.assert_allclose(heard, played, atol=2**-15)
        assert (copy["label"], copy["speaker"]) == (source["label"], source["speaker"])


def test_other_folds_find_the_copies_again(harmonised, copied, monkeypatch):
    monkeypatch.setattr(augmented_copies, "decode", lambda *_: pytest.fail("a copy was made anew"))
    found, _ = add_copies(split(harmonised.dataset, 1), SPEEDS, 42, recordings=harmonised.dataset)
    hashes = dict(zip(copied["train"]["clip_id"][:], copied["train"]["audio_hash"][:], strict=True))
    again = dict(zip(found["train"]["clip_id"][:], found["train"]["audio_hash"][:], strict=True))
    shared = hashes.keys() & again.keys()
    assert any("#" in clip for clip in shared)
    assert {clip: hashes[clip] for clip in shared} == {clip: again[clip] for clip in shared}


def test_only_corpora_that_are_trained_on_are_copied(harmonised, monkeypatch):
    rows = harmonised.dataset
    by_corpus = {name: [i for i, c in enumerate(rows["corpus"][:]) if c == name] for name in ("ravdess", "savee")}
    parts = datasets.DatasetDict({"train": rows.select(by_corpus["ravdess"]), "test": rows.select(by_corpus["savee"])})
    heard = []

    def finish(made: datasets.Dataset) -> datasets.Dataset:
        heard.extend(made["corpus"][:])
        return made

    add_copies(parts, SPEEDS[:1], 42, recordings=rows, finish=finish)
    assert set(heard) == {"ravdess"}


def test_undersampled_clips_are_copied_and_their_numbers_stay_even(parts, harmonised):
    fewer, report = balance(parts, "undersample")
    found, said = add_copies(fewer, SPEEDS, 42, recordings=harmonised.dataset)
    assert len(found["train"]) == 3 * len(fewer["train"])
    count = 2 * len(fewer["train"])
    text = f"{count} copies of training clips, each clip changed in 2 ways: speed 0.9, speed 1.1"
    assert said == {"clips": count, "description": text}
    assert sum(report["after"].values()) == len(fewer["train"])


def test_copies_are_not_copied_again_and_have_numbers_of_their_own(parts, copied):
    again, said = add_copies(
        datasets.DatasetDict({"train": copied["train"]}), SPEEDS[:1], 42, recordings=copied["train"]
    )
    clips = parts["train"]["clip_id"][:]
    assert again["train"]["clip_id"][len(copied["train"]) :] == [f"{clip}#3" for clip in clips]
    assert said["clips"] == len(clips)


def test_no_chain_is_no_copy(parts, harmonised):
    assert add_copies(parts, (), 42, recordings=harmonised.dataset) == (parts, {})


def test_the_audit_passes_them(parts, copied):
    def errors(splits: datasets.DatasetDict) -> set[str]:
        return {finding.rule for finding in audit(splits, claims_speaker_independent=False).errors}

    assert errors(copied) == errors(parts)


def test_what_is_missing_is_said(parts, harmonised):
    with pytest.raises(SplitError, match=r"only training clips are copied, and there is no 'train' \(but: test\)"):
        add_copies(datasets.DatasetDict({"test": parts["test"]}), SPEEDS, 42, recordings=harmonised.dataset)
    with pytest.raises(SplitError, match="no recording of the training clip"):
        add_copies(parts, SPEEDS, 42, recordings=harmonised.dataset.select([0]))
