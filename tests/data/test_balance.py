"""Balancing touches the training split alone; a copy is a recording of its own and says where it comes from."""

import re
from collections import Counter

import datasets
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight, compute_sample_weight

from ser_hf.audio import audio_hash, decode
from ser_hf.audit import add_fingerprints, audit
from ser_hf.base.errors import AudioError, SerHfError, SplitError
from ser_hf.data import BALANCE_METHODS, Perturbation, balance, class_weights, oversample, sample_weights, undersample

OF_A_COPY = {"audio", "clip_id", "source", "augmentation", "duration", "audio_hash"}
DONE = re.compile(r"time_stretch=([\d.]+) pitch_shift=(-?[\d.]+) noise=([\d.]+)")


@pytest.fixture(scope="module")
def parts(harmonised) -> datasets.DatasetDict:
    """Three splits of 132 clips; 82 for training, of 8 unequal classes."""
    order = np.random.default_rng(0).permutation(len(harmonised.dataset))
    bounds = {"train": order[:82], "validation": order[82:107], "test": order[107:]}
    return datasets.DatasetDict({name: harmonised.dataset.select(np.sort(rows)) for name, rows in bounds.items()})


@pytest.fixture(scope="module")
def balanced(parts) -> datasets.DatasetDict:
    return oversample(parts)


def counts(rows: datasets.Dataset) -> Counter:
    return Counter(rows["label"][:])


def copies(rows: datasets.Dataset) -> list[dict]:
    return [row for row in rows if row["source"] is not None]


def test_undersampling_leaves_every_class_as_many_clips_as_the_rarest(parts):
    train = parts["train"]
    found = undersample(train)
    assert set(counts(found).values()) == {min(counts(train).values())}
    assert set(counts(found)) == set(counts(train))
    there = train["clip_id"][:]
    places = [there.index(clip) for clip in found["clip_id"][:]]
    assert places == sorted(set(places)), "the order changed, or a clip came twice"
    assert found[0] == train[places[0]]


def test_undersampling_repeats_and_other_seeds_keep_other_clips(parts):
    one, same, other = (undersample(parts["train"], seed=seed)["clip_id"][:] for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_undersampling_to_a_number_keeps_all_of_smaller_classes(parts):
    before = counts(parts["train"])
    number = sorted(before.values())[3]
    after = counts(undersample(parts["train"], number))
    assert after == {label: min(number, clips) for label, clips in before.items()}
    assert undersample(parts["train"], 1000)["clip_id"][:] == parts["train"]["clip_id"][:]


@given(
    sizes=st.tuples(st.integers(1, 40), st.integers(0, 40), st.integers(0, 40)),
    n=st.integers(1, 50),
    seed=st.integers(0, 9),
)
def test_what_stays_keeps_the_proportions_of_the_corpora(sizes, n, seed):
    corpora = [name for name, size in zip("abc", sizes, strict=True) for _ in range(size)]
    columns = {"label": [0] * len(corpora), "corpus": corpora}
    features = datasets.Features({"label": datasets.ClassLabel(names=["x"]), "corpus": datasets.Value("string")})
    kept = Counter(undersample(datasets.Dataset.from_dict(columns, features), n, seed)["corpus"][:])
    assert sum(kept.values()) == min(n, len(corpora))
    for name, size in zip("abc", sizes, strict=True):
        assert abs(kept[name] - min(n, len(corpora)) * size / len(corpora)) <= 1


def test_rows_without_a_corpus_are_undersampled_too(make_rows):
    rows = make_rows(["s"] * 9, labels=[0] * 6 + [1] * 3).remove_columns("corpus")
    assert counts(undersample(rows)) == {0: 3, 1: 3}


def test_oversampling_gives_every_class_as_many_clips_as_the_largest(parts, balanced):
    assert set(counts(balanced["train"]).values()) == {max(counts(parts["train"]).values())}
    ids = balanced["train"]["clip_id"][:]
    assert len(ids) == len(set(ids))
    assert ids[: len(parts["train"])] == parts["train"]["clip_id"][:]
    assert balanced["train"].features == parts["train"].features


@pytest.mark.parametrize("change", [undersample, oversample])
def test_validation_and_test_pass_through_untouched(parts, change):
    changed = change(parts)
    assert list(changed) == list(parts)
    for name in ("validation", "test"):
        assert changed[name] is parts[name]
    assert len(changed["train"]) != len(parts["train"])


def test_a_copy_is_its_source_but_for_what_was_done(parts, balanced):
    sources = {row["clip_id"]: row for row in parts["train"]}
    assert copies(balanced["train"])
    for copy in copies(balanced["train"]):
        source = sources[copy["source"]]
        assert {k: v for k, v in copy.items() if k not in OF_A_COPY} == {
            k: v for k, v in source.items() if k not in OF_A_COPY
        }
        assert re.fullmatch(re.escape(source["clip_id"]) + r"#[1-9]\d*", copy["clip_id"])
        assert copy["audio_hash"] != source["audio_hash"]


def test_the_recording_of_a_copy_is_what_its_row_says(parts, balanced):
    lengths = dict(zip(parts["train"]["clip_id"][:], parts["train"]["duration"][:], strict=True))
    drawn = []
    for copy in copies(balanced["train"]):
        assert copy["audio"]["bytes"][:4] == b"fLaC"
        samples, rate = decode(copy["audio"]["bytes"])
        assert (rate, audio_hash(samples, rate)) == (copy["sampling_rate"], copy["audio_hash"])
        assert len(samples) / rate == pytest.approx(copy["duration"])
        tempo, semitones, noise = map(float, DONE.fullmatch(copy["augmentation"]).groups())
        assert copy["duration"] == pytest.approx(lengths[copy["source"]] / tempo, abs=1 / rate)
        assert 0.8 <= tempo <= 1.2
        assert -2 <= semitones <= 2
        assert noise == 0.005
        drawn.append((tempo, semitones))
    assert len(set(drawn)) == len(drawn)
    assert np.ptp([tempo for tempo, _ in drawn]) > 0.3
    assert np.ptp([semitones for _, semitones in drawn]) > 3


def test_clips_take_turns(parts):
    most = 2 * max(counts(parts["train"]).values())
    train = oversample(parts, most, augment=lambda samples, rate, rng: (samples, "nothing"))["train"]
    for label in counts(train):
        made = Counter(clip for clip, of in zip(train["source"][:], train["label"][:], strict=True) if of == label)
        originals = made.pop(None)
        turns = [made[clip] for clip in made] + [0] * (originals - len(made))
        assert max(turns) - min(turns) <= 1
        assert sum(turns) + originals == most


@pytest.fixture
def uncached():
    """Every ``map`` is computed, whatever an earlier one left."""
    datasets.disable_caching()
    yield
    datasets.enable_caching()


def test_copies_do_not_depend_on_workers_or_on_other_copies(parts, balanced, uncached):
    def by_id(train: datasets.Dataset) -> dict[str, dict]:
        return {row["clip_id"]: row for row in copies(train)}

    once = by_id(balanced["train"])
    in_two = oversample(parts, num_proc=2)["train"]
    assert in_two.to_dict() == balanced["train"].to_dict()
    more = by_id(oversample(parts, max(counts(parts["train"]).values()) + 5)["train"])
    assert {k: more[k] for k in once} == once
    other = by_id(oversample(parts, seed=7)["train"])
    shared = set(other) & set(once)
    assert shared
    assert all(other[k]["audio_hash"] != once[k]["audio_hash"] for k in shared)


def test_copies_are_not_copied_again(parts, balanced):
    more = oversample(balanced, max(counts(parts["train"]).values()) + 4)["train"]
    assert set(counts(more).values()) == {max(counts(parts["train"]).values()) + 4}
    ids = more["clip_id"][:]
    assert len(ids) == len(set(ids))
    assert not any("#" in source for source in more["source"][:] if source)
    assert oversample(balanced) is balanced, "there was nothing to add"


def test_a_class_with_more_than_the_number_keeps_all(parts):
    before = counts(parts["train"])
    number = sorted(before.values())[4]
    assert counts(oversample(parts, number)["train"]) == {c: max(number, clips) for c, clips in before.items()}


def test_recordings_may_lie_elsewhere_and_copies_are_finished_before_they_join(parts, harmonised, balanced):
    bare = datasets.DatasetDict({name: rows.remove_columns("audio") for name, rows in parts.items()})
    seen = []

    def finish(rows: datasets.Dataset) -> datasets.Dataset:
        seen.extend(rows["audio"])
        return rows

    found = oversample(bare, recordings=harmonised.dataset, finish=finish)["train"]
    assert found.to_dict() == balanced["train"].remove_columns("audio").to_dict()
    assert [audio["bytes"] for audio in seen] == [row["audio"]["bytes"] for row in copies(balanced["train"])]


def test_copies_take_nothing_from_their_sources_that_was_computed_from_the_audio(parts, harmonised):
    printed = datasets.DatasetDict({"train": add_fingerprints(parts["train"])})
    found = oversample(printed)
    again = add_fingerprints(datasets.DatasetDict({"train": found["train"].remove_columns("fingerprint")}))
    assert found["train"]["fingerprint"][:] == again["train"]["fingerprint"][:]
    numbers = [[float(i)] for i in range(len(parts["train"]))]
    featured = datasets.DatasetDict({"train": parts["train"].add_column("input_features", numbers)})
    with pytest.raises(SplitError, match="needs the column input_features"):
        oversample(featured)
    found = oversample(featured, finish=lambda rows: rows.map(lambda _: {"input_features": [-1.0]}))["train"]
    assert found["input_features"][:] == numbers + [[-1.0]] * (len(found) - len(numbers))


def test_the_audit_passes_copies_made_after_the_split_and_not_those_made_before(parts, balanced):
    def errors(splits: datasets.DatasetDict) -> set[str]:
        return {finding.rule for finding in audit(splits, claims_speaker_independent=False).errors}

    assert errors(balanced) == errors(parts)
    made = balanced["train"].filter(lambda row: row["source"] is not None)
    before = datasets.DatasetDict({"train": made, "test": parts["train"]})
    assert "augmented-copy" in errors(before)


def test_another_augmentation_may_be_given_and_loud_samples_are_not_clipped(parts):
    def louder(samples, rate, rng):
        return 4 * samples, "gain=4"

    for copy in copies(oversample(parts, augment=louder)["train"])[:5]:
        source = next(row for row in parts["train"] if row["clip_id"] == copy["source"])
        before, after = decode(source["audio"]["bytes"])[0], decode(copy["audio"]["bytes"])[0]
        assert copy["augmentation"] == "gain=4"
        np.testing.assert_allclose(after, before / np.abs(before).max(), atol=1e-4)


def test_a_perturbation_keeps_silence_and_scales_its_noise_with_the_clip():
    rng = np.random.default_rng
    assert not Perturbation()(np.zeros(4000, np.float32), 16_000, rng(0))[0].any()
    clip = rng(1).uniform(-0.5, 0.5, 4000).astype(np.float32)
    loud, words = Perturbation()(clip, 16_000, rng(0))
    faint, same = Perturbation()(clip / 100, 16_000, rng(0))
    np.testing.assert_allclose(100 * faint, loud, atol=1e-4)
    assert words == same


def test_what_would_reach_another_split_is_refused(parts):
    with pytest.raises(
        SplitError, match=r"needs the splits: .*; split first \(make_split\), then pass the DatasetDict"
    ):
        oversample(parts["train"])
    without = datasets.DatasetDict({"validation": parts["validation"], "test": parts["test"]})
    for change in (oversample, undersample):
        with pytest.raises(SplitError, match=r"there is no 'train' \(but: validation, test\)"):
            change(without)


def test_what_is_missing_is_said(parts, make_rows, harmonised):
    def only(train: datasets.Dataset) -> datasets.DatasetDict:
        return datasets.DatasetDict({"train": train})

    with pytest.raises(SplitError, match="needs the column source"):
        oversample(only(make_rows(["s"] * 4, labels=[0, 0, 0, 1])))
    with pytest.raises(SplitError, match="needs the column audio "):
        oversample(only(parts["train"].remove_columns("audio")))
    with pytest.raises(SplitError, match="no recording of the training clip"):
        oversample(parts, recordings=harmonised.dataset.select([0]))
    with pytest.raises(SplitError, match="there is no clip to balance"):
        undersample(parts["train"].select([]))
    for change in (oversample, undersample):
        with pytest.raises(SerHfError, match="0 clips per class; expected 1 or more"):
            change(parts, 0)


def test_a_recording_that_cannot_be_decoded_is_named(parts):
    train = parts["train"].select(range(8))
    labels = [0] * 7 + [1]
    broken = train.remove_columns("label").add_column("label", labels).cast_column("label", train.features["label"])
    broken = broken.map(lambda row: {"audio": {"bytes": b"RIFF, or not", "path": "x.wav"}})
    with pytest.raises(AudioError, match=re.escape(train[7]["clip_id"])):
        oversample(datasets.DatasetDict({"train": broken}))


@given(labels=st.lists(st.integers(0, 4), min_size=1, max_size=60), seed=st.integers(0, 9))
def test_balanced_class_weights_are_those_of_sklearn(labels, seed):
    there = sorted(set(labels))
    expected = np.zeros(7)
    expected[there] = compute_class_weight("balanced", classes=np.array(there), y=labels)
    np.testing.assert_allclose(class_weights(labels, 7), expected)
    np.testing.assert_allclose(sample_weights(labels, 7), compute_sample_weight("balanced", labels))


@pytest.mark.parametrize("kind", ["balanced", "sqrt"])
def test_class_weights_weigh_a_clip_1_on_average(kind):
    labels = [0] * 90 + [1] * 9 + [3]
    weights = class_weights(labels, 4, kind)
    assert weights[labels].mean() == pytest.approx(1)
    assert weights[2] == 0
    ratio = {"balanced": 10, "sqrt": np.sqrt(10)}[kind]
    assert weights[1] / weights[0] == pytest.approx(ratio)
    with pytest.raises(SerHfError, match="unknown kind of class weights 'balance'; did you mean 'balanced'"):
        class_weights(labels, 4, "balance")


@pytest.mark.parametrize("method", BALANCE_METHODS)
def test_the_report_counts_what_became_of_the_training_split(parts, method):
    found, report = balance(parts, method)
    names = parts["train"].features["label"].names
    before = {name: counts(parts["train"])[i] for i, name in enumerate(names)}
    assert (report["method"], report["before"]) == (method, before)
    assert set(report) == {"method", "before", "after", "description"}
    assert list(report["after"]) == names
    most, least, total = max(before.values()), min(before.values()), sum(before.values())
    less, more = total - 8 * least, 8 * most - total
    if method in ("undersample", "oversample"):
        assert report["after"] == {name: counts(found["train"])[i] for i, name in enumerate(names)}
    else:
        assert found is parts
    assert (
        report["description"]
        == {
            "none": "",
            "undersample": f"undersampled to {least} clips per class: {less} of {total} training clips left out",
            "oversample": f"oversampled to {most} clips per class with {more} augmented copies of training clips",
            "class_weights": "loss weighted by the inverse frequency of the class in training",
            "weighted_sampler": "training clips drawn with replacement, every class equally often",
        }[method]
    )
    if method.endswith(("weights", "sampler")):
        assert set(report["after"].values()) == {round(total / 8)}


def test_the_report_names_classes_that_miss_the_number(parts):
    before = parts["train"].features["label"].names, counts(parts["train"])
    rarest = min(before[1], key=before[1].get)
    number = before[1][rarest] + 1
    _, report = balance(parts, "undersample", number)
    assert f"{before[0][rarest]} ({number - 1})" in report["description"]
    with pytest.raises(SerHfError, match="unknown way of balancing 'oversampling'; did you mean 'oversample'"):
        balance(parts, "oversampling")
