"""The drawn protocols as rules on columns: whatever the data, parts are disjoint and complete, and keep their word."""

import re
import zlib
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedKFold

from ser_hf.base.errors import SplitError
from ser_hf.protocols import PROTOCOLS, Columns, Indices, SplitOptions, folds_of

RAVDESS = [f"ravdess_{actor:02d}" for actor in range(1, 25)]
SAVEE = [f"savee_{name}" for name in ("DC", "JE", "JK", "KL")]
JL = [f"jl_{name}" for name in ("female1", "female2", "male1", "male2")]
SHARES = st.sampled_from([0.05, 0.1, 0.2, 0.25, 0.3])


def table(rows: list[tuple[str, str | None, int, str]], **more: list) -> Columns:
    """Columns from rows of corpus, speaker, label and recording."""
    names = ("corpus", "speaker", "label", "audio_hash")
    columns = {name: list(values) for name, values in zip(names, zip(*rows, strict=True), strict=True)}
    return Columns.from_table({"clip_id": [f"{c}/{i}" for i, (c, *_) in enumerate(rows)], **columns, **more})


def balanced(speakers: list[str], each: int = 2, classes: int = 7) -> Columns:
    """``each`` clips of every class by every speaker; no two recordings alike; names begin with f where sex matters."""
    takes = [(s, c, i) for s in speakers for c in range(classes) for i in range(each)]
    sexes = [{"f": "female", "m": "male"}.get(s.split("_")[1][0]) for s, _, _ in takes]
    return table([(s.split("_")[0], s, c, f"{s}/{c}/{i}") for s, c, i in takes], sex=sexes)


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
    rule = PROTOCOLS[name]
    return rule.assign(rows, rule.resolve(rows, chosen or SplitOptions()))


def parts(values: np.ndarray, indices: Indices) -> tuple[set, set, set]:
    return tuple(set(values[indices[name]]) for name in ("train", "validation", "test"))


def assert_parts(indices: Indices, count: int) -> None:
    """Every row is in exactly one part, in its old order."""
    assert list(indices) == ["train", "validation", "test"]
    assert sorted(np.concatenate(list(indices.values()))) == list(range(count))
    assert all((np.diff(rows) > 0).all() for rows in indices.values())


def sizes(indices: Indices) -> tuple[int, ...]:
    return tuple(len(rows) for rows in indices.values())


def test_these_protocols_are_known():
    mixed = {"random", "random-90-5-5", "random-65-17.5-17.5", "kfold", "official", "file"}
    apart = {"speaker-independent", "speaker-kfold", "loso", "leave-one-corpus-out", "cross-corpus"}
    published = {"emobox", "luna-jimenez", "habla", "audeering", "nkululeko", "serab", "tfds", "s3prl"}
    assert mixed | apart | published <= set(PROTOCOLS)
    assert {p.name for p in PROTOCOLS.values() if not p.claims_speaker_independent} == mixed
    assert all(p.description and p.name == name for name, p in zip(PROTOCOLS, PROTOCOLS.values(), strict=True))


def test_every_option_a_protocol_takes_is_one():
    known = set(SplitOptions.__dataclass_fields__)
    assert all(rule.takes <= known for rule in PROTOCOLS.values())
    assert known - {"seed"} == set().union(*(rule.takes for rule in PROTOCOLS.values()))
    assert all((rule.folds is not None) == ("fold" in rule.takes) for rule in PROTOCOLS.values())


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


@pytest.mark.parametrize("protocol", ["random", "kfold", "speaker-kfold"])
def test_the_same_clips_are_drawn_whatever_the_order_of_the_rows(protocol):
    rows = balanced(RAVDESS[:6], each=3)
    order = np.random.default_rng(0).permutation(len(rows.labels))
    shuffled, chosen = rows.where(order), SplitOptions(fold=None if protocol == "random" else 2)
    one, other = assign(protocol, rows, chosen), assign(protocol, shuffled, chosen)
    assert parts(rows.recordings, one) == parts(shuffled.recordings, other)


DRAWN = [
    ("random", {}),
    ("random-90-5-5", {}),
    ("speaker-independent", {}),
    ("kfold", {"fold": 2}),
    ("speaker-kfold", {"fold": 2}),
]


@pytest.mark.parametrize(("protocol", "given"), DRAWN)
def test_a_seed_decides_what_is_drawn(protocol, given):
    rows = balanced(RAVDESS)
    found = [assign(protocol, rows, SplitOptions(seed=seed, **given)) for seed in (7, 7, 8, 9)]
    assert all(np.array_equal(found[0][name], found[1][name]) for name in found[0])
    for name in ("validation", "test"):
        assert len({tuple(indices[name]) for indices in found}) == 3


@pytest.mark.parametrize(
    ("protocol", "given", "digest"),
    [("random", {}, 2152189662), ("speaker-independent", {}, 1674778643), ("loso", {"fold": 3}, 329773389)],
)
def test_a_seed_draws_what_it_drew_when_scores_were_first_recorded(protocol, given, digest):
    indices = assign(protocol, balanced(RAVDESS + SAVEE), SplitOptions(**given))
    assert zlib.crc32(repr({name: rows.tolist() for name, rows in indices.items()}).encode()) == digest


@pytest.mark.parametrize(
    ("protocol", "expected"),
    [("random", (1536, 192, 192)), ("random-90-5-5", (1728, 96, 96)), ("random-65-17.5-17.5", (1248, 336, 336))],
)
def test_random_gives_ravdess_and_savee_their_exact_sizes(protocol, expected):
    clips = [("ravdess", f"ravdess_{i % 24:02d}", 0 if i < 96 else 1 + (i - 96) // 192, f"r{i}") for i in range(1440)]
    clips += [("savee", f"savee_{i % 4}", i // 60, f"s{i}") for i in range(480)]
    assert sizes(assign(protocol, table(clips))) == expected


def test_strata_of_one_clip_still_give_a_validation():
    rows = table([("ravdess", "ravdess_01", label, f"{label}") for label in range(10)])
    assert sizes(assign("random", rows)) == (8, 1, 1)


def test_random_needs_no_speaker():
    rows = table([("folder", None, i % 2, f"{i}") for i in range(40)])
    assert len(assign("random", rows)["test"]) == 4


@pytest.mark.parametrize("protocol", ["random", "kfold"])
def test_augmented_copies_stay_with_their_source(protocol):
    clips = [("ravdess", "ravdess_01", i % 2, f"{i}") for i in range(60)]
    copies = [("ravdess", "ravdess_01", i % 2, f"other audio {i}") for i in range(0, 60, 3)]
    source = [None] * 60 + [f"ravdess/{i}" for i in range(0, 60, 3)]
    rows = table(clips + copies, source=source)
    for fold in folds_of(rows, protocol) or (None,):
        side = np.full(len(rows), "", dtype=object)
        for name, found in assign(protocol, rows, SplitOptions(fold=fold)).items():
            side[found] = name
        assert all(side[60 + n] == side[3 * n] for n in range(20))


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


def test_of_two_speakers_one_is_tested_and_one_alone_is_trained_on():
    rows = balanced(["tess_OAF", "tess_YAF", "savee_DC", *JL])
    _, _, test = parts(rows.speakers, assign("speaker-independent", rows))
    assert Counter(speaker.split("_")[0] for speaker in test) == {"tess": 1, "jl": 1}


def test_options_are_taken_from_among_other_values():
    values = {"seed": 3, "test_corpora": ["jl", "savee"], "test_partition": "test2", "learning_rate": 0.1}
    assert SplitOptions.of(values) == SplitOptions(seed=3, test_corpora=("jl", "savee"), test_partition="test2")


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


@pytest.mark.parametrize(
    ("protocol", "given"),
    [("speaker-independent", {}), ("loso", {"fold": 1}), ("speaker-kfold", {"fold": 1}), ("emobox", {"fold": 1})],
)
def test_clips_without_a_speaker_are_refused_by_name_of_the_way_out(protocol, given):
    rows = table([("ravdess", "ravdess_01", 0, "a"), ("ravdess", None, 0, "b"), ("ravdess", None, 1, "c")])
    with pytest.raises(SplitError, match=r"2 of 3 clips have no speaker, .* or use the protocol 'random'"):
        assign(protocol, rows, SplitOptions(**given))


@settings(max_examples=30)
@given(rows=columns(), folds=st.integers(2, 7), seed=st.integers(0, 9))
def test_kfold_tests_every_recording_once_and_deals_every_class_evenly(rows, folds, seed):
    assume(len(set(rows.recordings)) >= folds)
    first = {recording: i for i, recording in reversed(list(enumerate(rows.recordings)))}
    strata = Counter((rows.corpora[i], rows.labels[i]) for i in first.values())
    chosen, tested = SplitOptions(folds=folds, seed=seed), Counter()
    for fold in folds_of(rows, "kfold", chosen):
        indices = assign("kfold", rows, replace(chosen, fold=fold))
        assert_parts(indices, len(rows))
        sets = parts(rows.recordings, indices)
        assert sum(map(len, sets)) == len(first)
        tested.update(sets[2])
        assert len(sets[2]) in (len(first) // folds, -(-len(first) // folds))
        drawn = Counter((rows.corpora[first[u]], rows.labels[first[u]]) for u in sets[2])
        assert all(size // folds <= drawn[stratum] <= -(-size // folds) for stratum, size in strata.items())
    assert set(tested.values()) == {1}
    assert len(tested) == len(first)


def test_kfold_has_the_class_counts_of_scikit_learn():
    rows = balanced(RAVDESS[:7], each=3)
    theirs = [
        np.bincount(rows.labels[test].astype(int))
        for _, test in StratifiedKFold(5, shuffle=True, random_state=0).split(rows.labels, rows.labels.astype(int))
    ]
    ours = [
        np.bincount(rows.labels[assign("kfold", rows, SplitOptions(fold=fold))["test"]].astype(int))
        for fold in folds_of(rows, "kfold")
    ]
    assert np.sort(ours, axis=0).tolist() == np.sort(theirs, axis=0).tolist()


def test_the_validation_of_kfold_is_a_stratified_share_of_the_training_side():
    rows = balanced(RAVDESS[:10], each=10)
    indices = assign("kfold", rows, SplitOptions(fold=1, validation_size=0.25))
    assert sizes(indices) == (420, 140, 140)
    assert set(np.bincount(rows.labels[indices["validation"]].astype(int))) == {20}


@pytest.mark.parametrize("folds", [2, 3, 5, 24])
def test_speaker_kfold_tests_every_speaker_once(folds):
    rows, tested = balanced(RAVDESS + SAVEE, each=1), []
    for fold in range(1, folds + 1):
        indices = assign("speaker-kfold", rows, SplitOptions(fold=fold, folds=folds))
        assert_parts(indices, len(rows))
        train, validation, test = parts(rows.speakers, indices)
        assert not test & (train | validation)
        assert not train & validation
        assert len(test) in (28 // folds, -(-28 // folds))
        tested += sorted(test)
    assert sorted(tested) == sorted(RAVDESS + SAVEE)


def test_speaker_kfold_makes_folds_alike_in_corpora_and_sexes():
    speakers = [f"{corpus}_{sex}{i}" for corpus in ("jl", "cafe") for sex in "fm" for i in range(6)]
    rows = balanced(speakers, each=1)
    for fold in (1, 2, 3):
        test = parts(rows.speakers, assign("speaker-kfold", rows, SplitOptions(fold=fold, folds=3)))[2]
        assert Counter(s[:-1] for s in test) == {"jl_f": 2, "jl_m": 2, "cafe_f": 2, "cafe_m": 2}


@pytest.mark.parametrize(
    ("protocol", "what"),
    [
        ("kfold", "9 folds need as many recordings, and there are 8"),
        ("speaker-kfold", "9 folds need as many speakers, and there are 8"),
    ],
)
def test_more_folds_than_members_are_refused(protocol, what):
    rows = table([("ravdess", f"ravdess_{i}", i % 2, f"{i}") for i in range(8)])
    with pytest.raises(SplitError, match=what):
        assign(protocol, rows, SplitOptions(fold=1, folds=9))


def test_loso_tests_one_speaker_after_the_other_over_all_corpora():
    rows = balanced(SAVEE + RAVDESS, each=1)
    folds = folds_of(rows, "loso")
    assert folds == tuple(range(1, 29))
    splits = [parts(rows.speakers, assign("loso", rows, SplitOptions(fold=fold))) for fold in folds]
    assert [test for _, _, test in splits] == [{speaker} for speaker in sorted(RAVDESS + SAVEE)]
    assert all(not train & validation and not test & (train | validation) for train, validation, test in splits)


@pytest.mark.parametrize(
    ("protocol", "given"),
    [("speaker-independent", {}), ("loso", {"fold": 7}), ("speaker-kfold", {"fold": 1, "folds": 8})],
)
def test_one_who_is_heard_in_two_corpora_is_one_speaker(protocol, given):
    takes = [
        (corpus, actor, label) for corpus in ("ravdess", "ravdess_song") for actor in RAVDESS for label in range(6)
    ]
    rows = table([(corpus, actor, label, f"{corpus}/{actor}/{label}") for corpus, actor, label in takes])
    train, validation, test = parts(rows.speakers, assign(protocol, rows, SplitOptions(**given)))
    assert len(train | validation | test) == len(train) + len(validation) + len(test) == 24
    assert len(test) == {"speaker-independent": 2, "loso": 1, "speaker-kfold": 3}[protocol]
    assert len(validation) == 3


def test_loso_with_two_speakers_takes_the_validation_from_the_other():
    rows = balanced(["tess_OAF", "tess_YAF"], each=20)
    indices = assign("loso", rows, SplitOptions(fold=2))
    assert parts(rows.speakers, indices) == ({"tess_OAF"}, {"tess_OAF"}, {"tess_YAF"})
    assert sizes(indices) == (126, 14, 140)


def test_leave_one_corpus_out_tests_every_corpus_once():
    rows = balanced(SAVEE + RAVDESS + JL)
    for fold, corpus in zip(folds_of(rows, "leave-one-corpus-out"), ("jl", "ravdess", "savee"), strict=True):
        by_number = assign("leave-one-corpus-out", rows, SplitOptions(fold=fold))
        by_name = assign("leave-one-corpus-out", rows, SplitOptions(test_corpora=(corpus,)))
        assert_parts(by_number, len(rows))
        assert all(np.array_equal(by_number[side], by_name[side]) for side in by_number)
        assert parts(rows.corpora, by_number)[2] == {corpus}
        train, validation, _ = parts(rows.speakers, by_number)
        assert not train & validation
        assert {speaker.split("_")[0] for speaker in validation} == {"jl", "ravdess", "savee"} - {corpus}


@pytest.mark.parametrize(
    ("given", "train", "test"),
    [
        ({"train_corpora": ("ravdess", "jl"), "test_corpora": ("savee",)}, {"ravdess", "jl"}, {"savee"}),
        ({"train_corpora": ("ravdess",)}, {"ravdess"}, {"savee", "jl"}),
        ({"test_corpora": ("ravdess", "jl")}, {"savee"}, {"ravdess", "jl"}),
    ],
)
def test_cross_corpus_trains_on_some_and_tests_on_others(given, train, test):
    rows = balanced(SAVEE + RAVDESS + JL)
    indices = assign("cross-corpus", rows, SplitOptions(**given))
    assert_parts(indices, len(rows))
    assert parts(rows.corpora, indices) == (train, train, test)


@pytest.mark.parametrize(
    ("protocol", "given", "message"),
    [
        ("cross-corpus", {}, "needs --train_corpora or --test_corpora, of: jl, ravdess, savee"),
        (
            "cross-corpus",
            {"test_corpora": ("saveee",)},
            "--test_corpora: unknown corpus 'saveee'; did you mean 'savee'",
        ),
        ("cross-corpus", {"train_corpora": ("tess",)}, "--train_corpora: unknown corpus 'tess'"),
        ("cross-corpus", {"train_corpora": ("jl", "savee"), "test_corpora": ("jl",)}, "in both --train_corpora and"),
        ("cross-corpus", {"train_corpora": ("jl",), "test_corpora": ("savee",)}, "nor in --test_corpora: ravdess; add"),
        ("cross-corpus", {"test_corpora": ("jl", "ravdess", "savee")}, "none is left to train on"),
        ("leave-one-corpus-out", {"test_corpora": ("jl", "savee")}, "tests one corpus, found: jl, savee"),
        ("leave-one-corpus-out", {"test_corpora": ("jk",)}, "--test_corpora: unknown corpus 'jk'"),
        ("leave-one-corpus-out", {"test_corpora": ("jl",), "fold": 1}, "has no folds here; leave out the fold 1"),
        ("leave-one-corpus-out", {}, "needs a fold: pass --fold N, N from 1 to 3"),
        ("leave-one-corpus-out", {"fold": 4}, "has no fold 4 here; it has 1 to 3"),
    ],
)
def test_corpora_that_make_no_split_are_refused(protocol, given, message):
    with pytest.raises(SplitError, match=re.escape(message)):
        assign(protocol, balanced(SAVEE + RAVDESS + JL), SplitOptions(**given))


@pytest.mark.parametrize("protocol", ["cross-corpus", "leave-one-corpus-out"])
def test_one_corpus_alone_is_refused(protocol):
    with pytest.raises(SplitError, match="a split between corpora needs two or more, found: savee"):
        assign(protocol, balanced(SAVEE), SplitOptions(test_corpora=("savee",)))


def test_a_corpus_without_speakers_may_be_tested_on_and_nothing_is_claimed():
    rows = table(
        [("folder", None, i % 2, f"{i}") for i in range(9)] + [("jl", f"jl_{i}", 0, f"j{i}") for i in range(9)]
    )
    rule, chosen = PROTOCOLS["cross-corpus"], SplitOptions(test_corpora=("folder",))
    assert sizes(assign("cross-corpus", rows, chosen)) == (8, 1, 9)
    assert not rule.claims(rows, chosen)
    assert rule.claims(balanced(SAVEE + JL), chosen)


def test_old_datasets_without_the_newer_columns_are_split_as_well():
    rows = balanced(RAVDESS)
    old = Columns.from_table(
        {"label": rows.labels, "corpus": rows.corpora, "speaker": rows.speakers, "clip_id": rows.clip_ids}
    )
    for protocol, fold in (("random", None), ("kfold", 1), ("speaker-kfold", 1), ("loso", 1), ("emobox", 1)):
        assert_parts(assign(protocol, old, SplitOptions(fold=fold)), len(rows))
