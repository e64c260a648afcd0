"""The audit hears: copies of a recording across splits are found whatever was done to them, takes are left in peace."""

import io
from pathlib import Path

import datasets
import numpy as np
import pytest
import soundfile
import soxr

from ser_hf.audio import audio_hash, decode
from ser_hf.audio.voice import SAMPLING_RATE, Voice, synthesise
from ser_hf.audit import FINGERPRINT, Audit, add_fingerprints, audit, group_copies, near_duplicates, same_recordings
from ser_hf.base.errors import AudioError, SerHfError

CLASSES = ["neutral", "happy"]
TEXT = datasets.Value("string")
FEATURES = datasets.Features(
    {
        "audio": {"bytes": datasets.Value("binary"), "path": TEXT},
        "label": datasets.ClassLabel(names=CLASSES),
        "clip_id": TEXT,
        "speaker": TEXT,
        "source": TEXT,
        "audio_hash": TEXT,
    }
)


def encoded(samples: np.ndarray, rate: int, kind: str = "FLAC", subtype: str = "PCM_16") -> bytes:
    """The bytes of a file; 16 bits are rounded here, because libsndfile does it in its own way for every format."""
    whole = np.rint(np.clip(samples, -1, 1) * 32_767).astype(np.int16)
    file = io.BytesIO()
    soundfile.write(file, whole if subtype == "PCM_16" else samples, rate, format=kind, subtype=subtype)
    return file.getvalue()


def rows(clips: dict[str, bytes], speaker: str, sources: dict[str, str] | None = None) -> datasets.Dataset:
    """Rows of one speaker; the label is read from the name."""
    made = [
        {
            "audio": {"bytes": data, "path": f"{name}.flac"},
            "label": int("happy" in name),
            "clip_id": name,
            "speaker": speaker,
            "source": (sources or {}).get(name),
            "audio_hash": audio_hash(*decode(data)),
        }
        for name, data in clips.items()
    ]
    return datasets.Dataset.from_list(made, features=FEATURES)


def spoken(speaker: str, seed: int, emotion: str = "neutral") -> np.ndarray:
    return synthesise(emotion, Voice.invent(speaker, "male"), "Dogs are sitting by the door", seed=seed)


@pytest.fixture(scope="module")
def clips() -> dict[str, dict[str, np.ndarray]]:
    """Speaker -> clip -> samples: two takes of a sentence in two emotions."""
    return {
        speaker: {
            f"{speaker}/{emotion}{seed}": spoken(speaker, seed, emotion) for emotion in CLASSES for seed in (0, 1)
        }
        for speaker in ("anna", "bert", "carl")
    }


@pytest.fixture
def parts(clips):
    """A clean split of spoken clips."""
    names = ("train", "validation", "test")
    return datasets.DatasetDict(
        {
            name: rows({clip: encoded(samples, SAMPLING_RATE) for clip, samples in own.items()}, speaker)
            for name, (speaker, own) in zip(names, clips.items(), strict=True)
        }
    )


def check(parts: datasets.DatasetDict) -> Audit:
    return audit(parts, claims_speaker_independent=True)


def with_clip(part: datasets.Dataset, name: str, data: bytes, source: str | None = None) -> datasets.Dataset:
    more = rows({name: data}, part["speaker"][0], {name: source} if source else None)
    return datasets.concatenate_datasets([part, more])


def test_takes_are_left_in_peace(parts):
    assert check(parts).findings == ()


CHANGES = {
    "8 kHz": lambda x: encoded(soxr.resample(x, SAMPLING_RATE, 8_000), 8_000),
    "48 kHz": lambda x: encoded(soxr.resample(x, SAMPLING_RATE, 48_000), 48_000, "WAV"),
    "quieter": lambda x: encoded(0.2 * x, SAMPLING_RATE),
    "OGG": lambda x: encoded(x, SAMPLING_RATE, "OGG", "VORBIS"),
    "MP3": lambda x: encoded(x, SAMPLING_RATE, "MP3", "MPEG_LAYER_III"),
    "cut and padded": lambda x: encoded(np.pad(x[500:-900], (3_000, 9_000)), SAMPLING_RATE),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_on_the_other_side(parts, clips, change):
    copy = CHANGES[change](clips["carl"]["carl/neutral0"])
    parts["train"] = with_clip(parts["train"], "anna/neutral9", copy)
    (finding,) = check(parts).findings
    assert (finding.level, finding.rule) == ("error", "near-duplicate")
    assert finding.message == (
        "1 near-identical recording appears more than once in different splits: "
        "anna/neutral9 (train) ~ carl/neutral0 (test)"
    )


def test_identical_audio_in_another_container_is_identical(parts, clips):
    parts["train"] = with_clip(
        parts["train"], "neutral", encoded(clips["carl"]["carl/neutral0"], 16_000, "WAV", "PCM_16")
    )
    assert [(f.level, f.rule) for f in check(parts).findings] == [("error", "identical-audio")]


def test_near_duplicates_within_a_split_are_told_and_conflicts_are_warned_of(parts, clips):
    parts["train"] = with_clip(
        parts["train"], "anna/happy9", encoded(0.5 * clips["anna"]["anna/neutral0"], SAMPLING_RATE)
    )
    assert [(f.level, f.rule, f.items[0].text) for f in check(parts).findings] == [
        ("info", "near-duplicate", "anna/neutral0 (train) ~ anna/happy9 (train)"),
        ("warning", "label-conflict", "anna/neutral0 (train, neutral) ~ anna/happy9 (train, happy)"),
    ]


def test_identical_and_near_identical_copies_are_one_recording(parts, clips):
    samples = clips["anna"]["anna/neutral0"]
    parts["validation"] = with_clip(parts["validation"], "bert/neutral8", encoded(samples, SAMPLING_RATE))
    parts["test"] = with_clip(parts["test"], "carl/neutral9", encoded(0.1 * samples, SAMPLING_RATE))
    texts = {f.rule: f.items[0].text for f in check(parts).errors}
    same = "anna/neutral0 (train) = bert/neutral8 (validation)"
    assert texts == {"identical-audio": same, "near-duplicate": f"{same} ~ carl/neutral9 (test)"}


def test_an_augmented_copy_is_told_once_by_its_lineage(parts, clips):
    copy = encoded(0.5 * clips["carl"]["carl/happy1"], SAMPLING_RATE)
    parts["train"] = with_clip(parts["train"], "carl/happy1#1", copy, source="carl/happy1")
    (finding,) = check(parts).findings
    assert (finding.level, finding.rule) == ("error", "augmented-copy")
    assert finding.items[0].text == "carl/happy1 (test) -> carl/happy1#1 (train)"


def test_a_copy_beside_its_source_is_no_near_duplicate(parts, clips):
    copy = encoded(0.5 * clips["anna"]["anna/happy1"], SAMPLING_RATE)
    parts["train"] = with_clip(parts["train"], "anna/happy1#1", copy, source="anna/happy1")
    assert check(parts).findings == ()


def test_validation_that_is_the_test_at_another_level(parts, clips):
    quieter = {name.replace("carl", "bert"): encoded(0.5 * x, SAMPLING_RATE) for name, x in clips["carl"].items()}
    parts["validation"] = rows(quieter, "bert")
    assert [(f.level, f.rule) for f in check(parts).findings] == [("error", "same-split")]


def test_short_and_silent_clips_are_compared_by_hash_alone(parts, clips):
    parts["train"] = with_clip(parts["train"], "anna/neutral9", encoded(np.zeros(9_000), SAMPLING_RATE))
    parts["test"] = with_clip(parts["test"], "carl/neutral9", encoded(np.zeros(9_999), SAMPLING_RATE))
    (finding,) = check(parts).findings
    assert (finding.level, finding.rule) == ("info", "near-duplicate")
    assert finding.summary == "2 clips too short or too quiet for a fingerprint, compared by hash alone"
    parts["test"] = with_clip(parts["test"], "carl/neutral8", encoded(np.zeros(9_000), SAMPLING_RATE))
    assert [f.rule for f in check(parts).errors] == ["identical-audio"]


def test_rows_that_cannot_be_heard_are_told(parts):
    parts["test"] = parts["test"].remove_columns("audio")
    (finding,) = check(parts).findings
    assert (finding.level, finding.rule) == ("info", "near-duplicate")
    assert finding.message == ("near-duplicates were not looked for in test; `ser-hf audit` and training runs do")


def test_the_hash_is_computed_where_it_is_missing(parts, clips):
    copy = encoded(clips["carl"]["carl/neutral0"], SAMPLING_RATE, "WAV", "PCM_16")
    parts["train"] = with_clip(parts["train"], "anna/neutral9", copy)
    found = check(parts).to_list()
    assert check(parts.remove_columns("audio_hash")).to_list() == found
    assert [f["rule"] for f in found] == ["identical-audio"]


def test_fingerprints_stand_in_for_the_audio(parts, clips):
    parts["train"] = with_clip(parts["train"], "anna/neutral9", CHANGES["MP3"](clips["carl"]["carl/neutral0"]))
    found = check(parts).to_list()
    dry = add_fingerprints(parts).remove_columns("audio")
    assert check(dry).to_list() == found
    assert [f["rule"] for f in found] == ["near-duplicate"]


def test_what_add_fingerprints_adds(parts):
    part = parts["train"]
    made = add_fingerprints(part)
    assert made.column_names == [*part.column_names, FINGERPRINT]
    assert made.remove_columns(FINGERPRINT)[:] == part[:]
    assert made.features == {**part.features, FINGERPRINT: datasets.Value("binary")}
    sizes = [len(content) / duration for content, duration in zip(made[FINGERPRINT], durations(part), strict=True)]
    assert 50 < min(sizes) < max(sizes) < 260, "bytes per second"
    assert add_fingerprints(made) is made
    assert add_fingerprints(part.select([2, 0]))[FINGERPRINT] == [made[FINGERPRINT][2], made[FINGERPRINT][0]]


def durations(part: datasets.Dataset) -> list[float]:
    return [len(decode(row["audio"]["bytes"])[0]) / SAMPLING_RATE for row in part]


def test_two_processes_make_what_one_makes(parts, tmp_path):
    parts["train"].to_parquet(tmp_path / "rows.parquet")
    part = datasets.Dataset.from_parquet(str(tmp_path / "rows.parquet"), cache_dir=tmp_path)
    assert add_fingerprints(part, num_proc=2)[FINGERPRINT][:] == add_fingerprints(parts["train"])[FINGERPRINT][:]


def stored(part: datasets.Dataset, file: Path) -> datasets.Dataset:
    """The rows from a file, beside which their cache will be; `datasets` takes all such files for one and the same."""
    part.save_to_disk(file.with_suffix(""))
    (written,) = file.with_suffix("").glob("*.arrow")
    rows = datasets.Dataset.from_file(str(written.rename(file)))
    rows._fingerprint = "0123456789abcdef"
    return rows


@pytest.mark.parametrize("hashed", [True, False])
def test_the_cache_does_not_outlive_the_recordings(parts, tmp_path, hashed):
    """Where `datasets` takes one file for another, the hashes tell otherwise; without them nothing is cached."""
    if not hashed:
        parts = parts.remove_columns("audio_hash")
    for name, part in parts.items():
        rows = stored(part, tmp_path / f"{name}.arrow")
        assert add_fingerprints(rows)[FINGERPRINT][:] == add_fingerprints(part)[FINGERPRINT][:]


def test_the_second_time_they_are_read_from_a_cache_that_holds_no_recordings(parts, tmp_path, caplog):
    rows = stored(parts["train"], tmp_path / "rows.arrow")
    with caplog.at_level("INFO", "ser_hf.steps"):
        first = add_fingerprints(rows)[FINGERPRINT][:]
        assert caplog.messages == ["listening for near-duplicates among 4 clips"]
        (cache,) = tmp_path.glob("cache-*.arrow")
        assert datasets.Dataset.from_file(str(cache)).column_names == ["audio_hash", FINGERPRINT]
        caplog.clear()
        assert add_fingerprints(rows)[FINGERPRINT][:] == first
    assert caplog.messages == []


def test_what_is_known_of_the_audio_is_not_computed_again(parts, clips):
    parts["train"] = with_clip(parts["train"], "anna/neutral9", CHANGES["quieter"](clips["carl"]["carl/neutral0"]))
    found = check(parts).to_list()
    deaf = add_fingerprints(parts).map(lambda _: {"audio": {"bytes": b"no sound", "path": "x.flac"}})
    assert check(deaf).to_list() == found
    assert [f["rule"] for f in found] == ["near-duplicate"]


def test_an_audio_column_of_the_hub_is_read_without_its_decoder(parts):
    published = parts["train"].cast_column("audio", datasets.Audio(decode=False))
    assert add_fingerprints(published)[FINGERPRINT][:] == add_fingerprints(parts["train"])[FINGERPRINT][:]


def test_rows_without_audio_are_refused(parts):
    with pytest.raises(SerHfError, match=r"the dataset has no 'audio' column \(it has: label, "):
        add_fingerprints(parts["train"].remove_columns("audio"))


def test_no_rows_have_no_fingerprints(parts):
    none = parts["train"].select([])
    made = add_fingerprints(none)
    assert (len(made), made.features) == (0, {**none.features, FINGERPRINT: datasets.Value("binary")})
    for bare in (none, made, none.remove_columns("audio_hash")):
        assert {f.rule for f in check(datasets.DatasetDict({**parts, "validation": bare})).findings} == {"absent-class"}


def test_what_is_made_has_its_type_also_where_nothing_was_heard(parts):
    silent = rows({"anna/neutral9": encoded(np.zeros(9_000), SAMPLING_RATE)}, "anna")
    assert add_fingerprints(silent)[FINGERPRINT][:] == [b""]
    assert add_fingerprints(silent).features[FINGERPRINT] == datasets.Value("binary")


def test_a_recording_that_cannot_be_decoded_is_named(parts):
    broken = parts["train"].to_list()
    broken[1]["audio"] = {"bytes": b"<html>not found</html>", "path": "gone.wav"}
    parts["train"] = datasets.Dataset.from_list(broken, features=parts["train"].features)
    with pytest.raises(AudioError, match=r"gone\.wav is a web page"):
        check(parts)


def words(seed: int, count: int = 99) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 1 << 32, count).astype("<u4")


def test_groups_are_named_after_their_first_member():
    fingerprints = [words(0), words(1), words(0), words(2), words(1), words(0)]
    assert group_copies([one.tobytes() for one in fingerprints]).tolist() == [0, 1, 0, 3, 1, 0]


def test_copies_of_copies_are_one_group():
    """Every link changes some bits; the ends have more between them than copies may have."""
    rng, chain = np.random.default_rng(0), [words(0)]
    for _ in range(4):
        flips = (rng.random((99, 32)) < 0.08) @ (1 << np.arange(32, dtype=np.int64))
        chain.append(np.maximum(chain[-1] ^ flips.astype("<u4"), 1))
    ends = [chain[0], chain[-1]]
    assert group_copies([one.tobytes() for one in ends]).tolist() == [0, 1]
    assert group_copies([one.tobytes() for one in chain]).tolist() == [0] * 5


def test_one_recording_by_hash_or_by_fingerprint():
    one, two = words(0).tobytes(), words(1).tobytes()
    rows = [("a", one), ("b", two), ("a", None), ("c", one), ("d", None), ("e", b""), ("d", two)]
    assert same_recordings(*zip(*rows, strict=True)) == [0, 1, 0, 0, 1, 4, 1]


def test_nothing_is_a_copy_of_nothing():
    assert group_copies([]).tolist() == []
    assert group_copies([b"", None, b"", words(0).tobytes(), None]).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("all_pairs", [0, 9])
def test_copies_are_found_behind_what_has_no_fingerprint(all_pairs):
    one, two = words(0).tobytes(), words(1).tobytes()
    assert group_copies([None, one, b"", two, one, None, two], all_pairs).tolist() == [0, 1, 2, 3, 1, 5, 3]


def test_the_size_of_the_blocks_changes_nothing(monkeypatch):
    rng = np.random.default_rng(0)
    many = [words(int(seed), 40).tobytes() for seed in rng.integers(0, 40, 90)]
    expected = [many.index(one) for one in many]
    for height, width in [(1_024, 8_192), (7, 16), (16, 7), (1, 1)]:
        monkeypatch.setattr(near_duplicates, "_ROWS", height)
        monkeypatch.setattr(near_duplicates, "_COLUMNS", width)
        assert group_copies(many).tolist() == expected


REAL = {
    "train": ["Actor_01/03-01-01-01-01-01-01", "Actor_01/03-01-05-02-01-01-01", "Actor_01/03-01-05-02-01-02-01"],
    "validation": ["Actor_02/03-01-05-01-01-01-02", "Actor_02/03-01-05-01-01-02-02"],
    "test": ["Actor_07/03-01-03-01-02-01-07", "Actor_07/03-01-04-01-02-01-07", "Actor_07/03-01-04-01-02-02-07"],
}


@pytest.fixture
def real(shared_data):
    """Eight clips of RAVDESS, three of which are repetitions of others."""
    return datasets.DatasetDict(
        {
            name: rows({f: (shared_data / "ravdess" / f"{f}.flac").read_bytes() for f in files}, files[0][:8])
            for name, files in REAL.items()
        }
    )


def rules(parts: datasets.DatasetDict) -> list[tuple[str, str]]:
    return [(f.level, f.rule) for f in check(parts).findings if f.rule != "absent-class"]


@pytest.mark.real
def test_real_repetitions_are_left_in_peace(real):
    assert rules(real) == []


@pytest.mark.real
@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_real_clip_on_the_other_side(real, change):
    samples, rate = decode(real["test"][1]["audio"]["bytes"])
    assert rate == SAMPLING_RATE
    real["train"] = with_clip(real["train"], "copy", CHANGES[change](samples))
    assert rules(real) == [("error", "near-duplicate")]


@pytest.mark.real
def test_the_real_identical_pair_on_two_sides(real, shared_data):
    pair = (shared_data / "ravdess" / "Actor_07/03-01-03-01-02-02-07.flac").read_bytes()
    real["train"] = with_clip(real["train"], "pair", pair)
    assert rules(real) == [("error", "identical-audio")]


@pytest.mark.real
def test_a_real_original_at_48_khz_on_the_other_side(real, shared_data):
    original = (shared_data / "originals/ravdess/Actor_07/03-01-03-01-02-01-07.wav").read_bytes()
    real["validation"] = with_clip(real["validation"], "original", original)
    assert rules(real) == [("error", "near-duplicate")]


@pytest.mark.real
def test_an_augmented_real_clip_on_the_other_side(real):
    """Faster and higher: past any fingerprint, and known by its lineage."""
    samples, _ = decode(real["test"][0]["audio"]["bytes"])
    copy = encoded(soxr.resample(samples, 16_000, 13_000), 16_000)
    anonymous = datasets.DatasetDict({**real, "train": with_clip(real["train"], "copy", copy)})
    assert rules(anonymous) == []
    real["train"] = with_clip(real["train"], "copy", copy, source=REAL["test"][0])
    assert rules(real) == [("error", "augmented-copy")]
