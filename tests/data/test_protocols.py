"""The protocols as rules on columns: whatever the data, parts are disjoint and complete, and keep their word."""

import dataclasses
import json
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ser_hf.data import PROTOCOLS, SplitOptions
from ser_hf.data.protocols import Columns, Indices
from ser_hf.errors import SplitError

RAVDESS = [f"ravdess_{actor:02d}" for actor in range(1, 25)]
SAVEE = [f"savee_{name}" for name in ("DC", "JE", "JK", "KL")]
EMOBOX = {1: "01 11 20 21", 2: "04 10 12 14", 3: "08 09 19 23", 4: "03 05 07 24", 5: "02 15 16 18", 6: "06 13 17 22"}
EMOBOX_SAVEE = {1: "JE", 2: "KL", 3: "DC", 4: "JK"}
SHARES = st.sampled_from([0.05, 0.1, 0.2, 0.25, 0.3])


def table(rows: list[tuple[str, str | None, int, str]]) -> Columns:
    """Columns from rows of corpus, speaker, label and recording."""
    corpora, speakers, labels, recordings = (np.asarray(column, dtype=object) for column in zip(*rows, strict=True))
    return Columns(labels, corpora, speakers, recordings)


def balanced(speakers: list[str], each: int = 2, classes: int = 7) -> Columns:
    """``each`` clips of every class by every speaker; no two recordings alike."""
    takes = [(s, c, i) for s in speakers for c in range(classes) for i in range(each)]
    return table([(s.split("_")[0], s, c, f"{s}/{c}/{i}") for s, c, i in takes])


@st.composite
def columns(draw) -> Columns:
    """One or two corpora of 1 to 8 speakers, some recordings there twice."""
    sizes = draw(st.dictionaries(st.sampled_from(["ravdess", "savee"]), st.integers(1, 8), min_size=1))
    speakers = [f"{corpus}_{i}" for corpus, size in sizes.items() for i in range(size)]
    count = draw(st.integers(20, 80))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    spoken = [*speakers, *rng.choice(speakers, count)]
    recordings = rng.integers(0, draw(st.sampled_from([30, 100, 10**9])), len(spoken))
    labels = rng.integers(0, draw(st.integers(1, 8)), len(spoken))
    rows = zip(spoken, labels.tolist(), recordings, strict=True)
    return table([(str(s).split("_")[0], str(s), label, f"{recording}") for s, label, recording in rows])


def options() -> st.SearchStrategy[SplitOptions]:
    return st.builds(SplitOptions, seed=st.integers(0, 2**32), test_size=SHARES, validation_size=SHARES)


def assign(name: str, rows: Columns, chosen: SplitOptions | None = None) -> Indices:
    return PROTOCOLS[name].assign(rows, chosen or SplitOptions())


def parts(values: np.ndarray, indices: Indices) -> tuple[set, set, set]:
    return tuple(set(values[indices[name]]) for name in ("train", "validation", "test"))


def assert_parts(indices: Indices, count: int) -> None:
    """Every row is in exactly one part, in its old order."""
    assert list(indices) == ["train", "validation", "test"]
    assert sorted(np.concatenate(list(indices.values()))) == list(range(count))
    assert all((np.diff(rows) > 0).all() for rows in indices.values())


def test_these_protocols_are_known():
    assert {"random", "speaker-independent", "emobox"} <= set(PROTOCOLS)
    assert [name for name in PROTOCOLS if not PROTOCOLS[name].claims_speaker_independent] == ["random"]


@settings(max_examples=50)
@given(rows=columns(), chosen=options())
def test_random_is_a_stratified_partition_of_exact_size_that_tears_no_recording(rows, chosen):
    indices = assign("random", rows, chosen)
    assert_parts(indices, len(rows.labels))
    first = {recording: i for i, recording in reversed(list(enumerate(rows.recordings)))}
    assert sum(len(side) for side in parts(rows.recordings, indices)) == len(first)
    strata = Counter((rows.corpora[i], rows.labels[i]) for i in first.values())
    for name, share in (("test", chosen.test_size), ("validation", chosen.validation_size)):
        units = {rows.recordings[i] for i in indices[name]}
        assert abs(len(units) - share * len(first)) <= 0.5 + 1e-9
        drawn = Counter((rows.corpora[first[u]], rows.labels[first[u]]) for u in units)
        assert all(abs(drawn[stratum] - share * size) < 1 for stratum, size in strata.items())


def test_random_draws_the_same_clips_whatever_the_order_of_the_rows():
    rows = balanced(RAVDESS[:4], each=3)
    order = np.random.default_rng(0).permutation(len(rows.labels))
    shuffled = Columns(*(getattr(rows, f.name)[order] for f in dataclasses.fields(rows)))
    one, other = assign("random", rows), assign("random", shuffled)
    assert parts(rows.recordings, one) == parts(shuffled.recordings, other)


@pytest.mark.parametrize("protocol", ["random", "speaker-independent"])
def test_the_same_seed_draws_the_same_clips(protocol):
    rows = balanced(RAVDESS + SAVEE)
    one, other = (assign(protocol, rows, SplitOptions(seed=7)) for _ in range(2))
    assert all(np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("protocol", ["random", "speaker-independent"])
def test_other_seeds_draw_other_clips(protocol):
    rows = balanced(RAVDESS)
    found = [assign(protocol, rows, SplitOptions(seed=seed)) for seed in range(4)]
    assert len({tuple(indices["test"]) for indices in found}) == 4
    assert len({tuple(indices["validation"]) for indices in found}) == 4


def test_random_gives_ravdess_and_savee_their_exact_sizes():
    clips = [("ravdess", f"ravdess_{i % 24:02d}", 0 if i < 96 else 1 + (i - 96) // 192, f"r{i}") for i in range(1440)]
    clips += [("savee", f"savee_{i % 4}", i // 60, f"s{i}") for i in range(480)]
    assert {name: len(rows) for name, rows in assign("random", table(clips)).items()} == {
        "train": 1536,
        "validation": 192,
        "test": 192,
    }


def test_strata_of_one_clip_still_give_a_validation():
    rows = table([("ravdess", "ravdess_01", label, f"{label}") for label in range(10)])
    assert {name: len(found) for name, found in assign("random", rows).items()} == {
        "train": 8,
        "validation": 1,
        "test": 1,
    }


@settings(max_examples=50)
@given(rows=columns(), chosen=options())
def test_speaker_independent_shares_no_speaker_with_the_test(rows, chosen):
    counts = {c: {s for s in set(rows.speakers) if s.startswith(c)} for c in set(rows.corpora)}
    assume(max(map(len, counts.values())) > 1)
    indices = assign("speaker-independent", rows, chosen)
    assert_parts(indices, len(rows.labels))
    train, validation, test = parts(rows.speakers, indices)
    assert not test & (train | validation)
    for speakers in counts.values():
        wanted = max(1, round(chosen.test_size * len(speakers))) if len(speakers) > 1 else 0
        assert len(test & speakers) == wanted
    large = [speakers - test for speakers in counts.values() if len(speakers - test) >= 4]
    if large:
        assert not validation & train
        assert all(validation & rest for rest in large)
        assert validation <= set.union(*large)
    else:
        recordings = parts(rows.recordings, {**indices, "test": indices["test"][:0]})
        assert not recordings[0] & recordings[1], "identical recordings stay together"


def test_named_test_speakers_are_the_test():
    rows = balanced(RAVDESS + SAVEE)
    indices = assign("speaker-independent", rows, SplitOptions(test_speakers=("ravdess_03", "savee_JE")))
    train, validation, test = parts(rows.speakers, indices)
    assert test == {"ravdess_03", "savee_JE"}
    assert len(validation) == 3, "a tenth of 24, rounded up"
    assert {s for s in SAVEE if s != "savee_JE"} <= train, "three speakers are too few to hold one out"


@pytest.mark.parametrize("speakers", [SAVEE, RAVDESS[:3]], ids=["savee", "three speakers"])
def test_few_training_speakers_give_a_stratified_share_for_validation(speakers):
    rows = balanced(speakers, each=10)
    indices = assign("speaker-independent", rows, SplitOptions(test_speakers=(speakers[0],)))
    train, validation, test = parts(rows.speakers, indices)
    assert validation == train == set(speakers[1:])
    assert test == {speakers[0]}
    shares = Counter(zip(rows.speakers[indices["validation"]], rows.labels[indices["validation"]], strict=True))
    assert set(shares.values()) == {1}
    assert len(shares) == 7 * (len(speakers) - 1)


def test_an_unknown_test_speaker_is_refused_with_the_nearest():
    with pytest.raises(SplitError, match="unknown test speaker 'savee_je'; did you mean 'savee_JE'"):
        assign("speaker-independent", balanced(SAVEE), SplitOptions(test_speakers=("savee_je",)))


@pytest.mark.parametrize(
    ("speakers", "test", "what"),
    [(["savee_DC"], (), "no test clip"), (["savee_DC", "savee_JE"], ("savee_DC", "savee_JE"), "no training clip")],
)
def test_a_split_without_a_side_is_refused(speakers, test, what):
    with pytest.raises(SplitError, match=f"leave {what}"):
        assign("speaker-independent", balanced(speakers), SplitOptions(test_speakers=test))


@pytest.mark.parametrize("chosen", [("speaker-independent", SplitOptions()), ("emobox", SplitOptions(fold=1))], ids=str)
def test_clips_without_a_speaker_are_refused_by_name_of_the_way_out(chosen):
    rows = table([("ravdess", "ravdess_01", 0, "a"), ("ravdess", None, 0, "b"), ("ravdess", None, 1, "c")])
    with pytest.raises(SplitError, match=r"2 of 3 clips have no speaker, .* or use the protocol 'random'"):
        assign(*chosen[:1], rows, chosen[1])


def test_random_needs_no_speaker():
    rows = table([("folder", None, i % 2, f"{i}") for i in range(40)])
    assert len(assign("random", rows)["test"]) == 4


@pytest.mark.parametrize("seed", [0, 1, 42])
@pytest.mark.parametrize("fold", EMOBOX)
def test_emobox_tests_the_published_speakers(fold, seed):
    rows = balanced(RAVDESS, each=1)
    indices = assign("emobox", rows, SplitOptions(fold=fold, seed=seed))
    assert_parts(indices, len(rows.labels))
    train, validation, test = parts(rows.speakers, indices)
    assert test == {f"ravdess_{actor}" for actor in EMOBOX[fold].split()}
    assert (len(train), len(validation)) == (17, 3)
    assert train | validation | test == set(RAVDESS)


@pytest.mark.parametrize("fold", EMOBOX_SAVEE)
def test_emobox_joins_the_folds_of_two_corpora(fold):
    rows = balanced(RAVDESS + SAVEE)
    test = parts(rows.speakers, assign("emobox", rows, SplitOptions(fold=fold)))[2]
    assert test == {f"ravdess_{a}" for a in EMOBOX[fold].split()} | {f"savee_{EMOBOX_SAVEE[fold]}"}


def test_emobox_folds_of_ravdess_test_everybody_once():
    rows = balanced(RAVDESS)
    tested = [s for fold in EMOBOX for s in parts(rows.speakers, assign("emobox", rows, SplitOptions(fold=fold)))[2]]
    assert sorted(tested) == RAVDESS


@pytest.mark.real
@pytest.mark.parametrize(
    ("corpus", "speakers"), [("ravdess_speech", RAVDESS), ("savee", SAVEE)], ids=["ravdess", "savee"]
)
def test_emobox_folds_are_the_published_ones(shared_corpora, corpus, speakers):
    published = json.loads((shared_corpora / "folds.json").read_text("utf-8"))[corpus]["emobox"]["folds"]
    rows = balanced(speakers)
    for fold, names in published.items():
        test = parts(rows.speakers, assign("emobox", rows, SplitOptions(fold=int(fold))))[2]
        assert {s.split("_")[1] for s in test} == set(names)


@pytest.mark.parametrize(
    ("speakers", "fold", "message"),
    [
        (RAVDESS, None, "protocol 'emobox' needs a fold: pass --fold N (RAVDESS has 1 to 6, SAVEE 1 to 4)"),
        (RAVDESS, 0, "corpus 'ravdess' has no 'emobox' fold 0; it has folds 1, 2, 3, 4, 5, 6"),
        (RAVDESS, 7, "corpus 'ravdess' has no 'emobox' fold 7; it has folds 1, 2, 3, 4, 5, 6"),
        (RAVDESS + SAVEE, 5, "corpus 'savee' has no 'emobox' fold 5; it has folds 1, 2, 3, 4"),
        (["tess_OAF", "tess_YAF"], 1, "corpus 'tess' has no 'emobox' folds; it has: none"),
        (["ravdess_02", "ravdess_03"], 1, "leave no test clip"),
    ],
)
def test_a_fold_that_is_not_there_is_refused(speakers, fold, message):
    with pytest.raises(SplitError, match=re.escape(message)):
        assign("emobox", balanced(speakers), SplitOptions(fold=fold))
