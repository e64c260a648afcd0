"""The folds that others published, and the corpora's own splits: the test is theirs, whatever the rest."""

import csv
import json
import re
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from ser_hf.base.errors import CorpusError, SplitError
from ser_hf.corpora import CORPORA, Fold, FoldSet
from ser_hf.protocols import PROTOCOLS, Columns, Indices, SplitOptions, folds_of, make_split

EMOBOX = {1: "01 11 20 21", 2: "04 10 12 14", 3: "08 09 19 23", 4: "03 05 07 24", 5: "02 15 16 18", 6: "06 13 17 22"}
EMOBOX_SAVEE = {1: "JE", 2: "KL", 3: "DC", 4: "JK"}
LUNA_JIMENEZ = ["02 05 14 15 16", "03 06 07 13 18", "10 11 12 19 20", "08 17 21 23 24", "01 04 09 22"]
RAVDESS = [f"ravdess_{actor:02d}" for actor in range(1, 25)]
SAVEE = [f"savee_{name}" for name in ("DC", "JE", "JK", "KL")]
PUBLISHED = [(name, protocol) for name in CORPORA for protocol in CORPORA[name].folds]


def columns(rows: list[dict], **same) -> Columns:
    """Columns from rows; what is not said is made up, so that no two recordings are alike."""
    filled = [{"label": i % 4, "clip_id": f"{i}", **same, **row} for i, row in enumerate(rows)]
    return Columns.from_table({key: [row.get(key) for row in filled] for key in {k: 0 for row in filled for k in row}})


def spoken(speakers: list[str], each: int = 14) -> Columns:
    return columns(
        [{"corpus": s.split("_")[0], "speaker": s, "clip_id": f"{s}/{i}"} for s in speakers for i in range(each)]
    )


def assign(name: str, rows: Columns, **given) -> Indices:
    rule = PROTOCOLS[name]
    indices = rule.assign(rows, rule.resolve(rows, SplitOptions(**given)))
    together = np.concatenate(list(indices.values()))
    assert len(together) == len(set(together)) <= len(rows)
    return indices


def parts(values: np.ndarray, indices: Indices) -> tuple[set, set, set]:
    return tuple(set(values[indices[name]]) for name in ("train", "validation", "test"))


def members_of(corpus: str, unit: str, members: tuple[str, ...]) -> set[str]:
    named = {"session": str, "clip": f"{corpus}/{{}}".format, "speaker": CORPORA[corpus].speaker}[unit]
    return {named(member) for member in members}


def made_up(corpus: str, found: FoldSet) -> Columns:
    """Four clips of every member of any fold, or the clip, and as many of six members that no fold names."""
    members = [m for fold in found.folds.values() for m in (*fold.test, *fold.validation)]
    rows = []
    for number, member in enumerate(dict.fromkeys([*members, *(f"nobody {i}" for i in range(6))])):
        if found.unit == "clip":
            rows.append({"clip_id": f"{corpus}/{member}", "speaker": f"{corpus}_{number % 3}"})
        else:
            speaker = CORPORA[corpus].speaker(member)
            session = member if found.unit == "session" else None
            rows += [{"clip_id": f"{corpus}/{member} {i}", "speaker": speaker, "session": session} for i in range(4)]
    return columns(rows, corpus=corpus)


@pytest.mark.parametrize(("corpus", "protocol"), PUBLISHED)
def test_every_published_fold_tests_its_members_and_nobody_else(corpus, protocol):
    found = CORPORA[corpus].folds[protocol]
    rows = made_up(corpus, found)
    values = {"speaker": rows.speakers, "session": rows.sessions, "clip": rows.clip_ids}[found.unit]
    assert set(folds_of(rows, protocol)) == set(found.folds)
    for number, fold in found.folds.items():
        indices = assign(protocol, rows, fold=number)
        assert sum(map(len, indices.values())) == len(rows)
        train, validation, test = parts(values, indices)
        assert test == members_of(corpus, found.unit, fold.test)
        assert not test & (train | validation)
        if fold.validation:
            assert validation == members_of(corpus, found.unit, fold.validation)
        assert train
        assert validation
    assert PROTOCOLS[protocol].claims(rows, SplitOptions(fold=1)) == (found.unit != "clip")


@pytest.mark.real
@pytest.mark.parametrize(("corpus", "protocol"), PUBLISHED)
def test_every_member_of_a_published_fold_is_in_the_official_list(shared_corpora, corpus, protocol):
    rows, found = official_list(shared_corpora, corpus), CORPORA[corpus].folds[protocol]
    values = {"speaker": rows.speakers, "session": rows.sessions, "clip": rows.clip_ids}[found.unit]
    for fold in found.folds.values():
        assert members_of(corpus, found.unit, (*fold.test, *fold.validation)) <= set(values)


@cache
def official_list(shared_corpora: Path, corpus: str) -> Columns:
    """The official file list of a corpus as columns; no audio."""
    lists = [shared_corpora / f"names/{name}.tsv" for name in (corpus, f"{corpus}_speech", corpus.rpartition("_")[0])]
    path = next((path for path in lists if path.is_file()), lists[0])
    record = CORPORA[corpus]
    try:
        parse = record.reader(path.parent) if record.reader else record.parse
    except CorpusError:
        parse = None
    if not path.is_file() or parse is None:
        pytest.skip("no list of names that can be read without the corpus' own tables")
    with path.open(encoding="utf-8") as lines:
        clips = []
        for row in csv.DictReader(lines, delimiter="\t"):
            try:
                clips.append(parse(Path(row["path"])))
            except CorpusError:
                continue
    keys = ("corpus", "speaker", "clip_id", "session", "partition", "sex")
    return columns([{key: getattr(c, key) for key in keys} | {"label": c.emotion} for c in clips if c is not None])


@pytest.mark.parametrize("seed", [0, 1, 42])
@pytest.mark.parametrize("fold", EMOBOX)
def test_emobox_tests_the_published_speakers(fold, seed):
    rows = spoken(RAVDESS)
    train, validation, test = parts(rows.speakers, assign("emobox", rows, fold=fold, seed=seed))
    assert test == {f"ravdess_{actor}" for actor in EMOBOX[fold].split()}
    assert (len(train), len(validation)) == (17, 3)
    assert train | validation | test == set(RAVDESS)


@pytest.mark.parametrize("fold", EMOBOX_SAVEE)
def test_emobox_joins_the_folds_of_two_corpora(fold):
    rows = spoken(RAVDESS + SAVEE)
    assert folds_of(rows, "emobox") == (1, 2, 3, 4)
    test = parts(rows.speakers, assign("emobox", rows, fold=fold))[2]
    assert test == {f"ravdess_{a}" for a in EMOBOX[fold].split()} | {f"savee_{EMOBOX_SAVEE[fold]}"}


@pytest.mark.real
@pytest.mark.parametrize(
    ("corpus", "speakers"), [("ravdess_speech", RAVDESS), ("savee", SAVEE)], ids=["ravdess", "savee"]
)
def test_emobox_folds_are_the_published_ones(shared_corpora, corpus, speakers):
    published = json.loads((shared_corpora / "folds.json").read_text("utf-8"))[corpus]["emobox"]["folds"]
    rows = spoken(speakers)
    for fold, names in published.items():
        test = parts(rows.speakers, assign("emobox", rows, fold=int(fold)))[2]
        assert {s.split("_")[1] for s in test} == set(names)


def test_luna_jimenez_has_five_folds_of_actors():
    rows = spoken(RAVDESS)
    tests = [parts(rows.speakers, assign("luna-jimenez", rows, fold=f))[2] for f in folds_of(rows, "luna-jimenez")]
    assert tests == [{f"ravdess_{actor}" for actor in actors.split()} for actors in LUNA_JIMENEZ]


def test_the_only_fold_need_not_be_named():
    rows = spoken(RAVDESS)
    train, validation, test = parts(rows.speakers, assign("habla", rows))
    assert (validation, test) == ({"ravdess_21", "ravdess_22"}, {"ravdess_23", "ravdess_24"})
    assert train == set(RAVDESS) - validation - test


@pytest.mark.real
def test_emobox_on_tess_is_speaker_mixed(shared_corpora):
    rows = official_list(shared_corpora, "tess")
    indices = assign("emobox", rows)
    assert [len(found) for found in indices.values()] == [1890, 210, 700]
    assert parts(rows.speakers, indices) == ({"tess_OAF", "tess_YAF"},) * 3
    assert not PROTOCOLS["emobox"].claims(rows, SplitOptions(fold=1))
    drawn = rows.labels[indices["validation"]]
    assert {sum(drawn == label) for label in set(rows.labels)} <= {28, 29, 30, 31, 32}


@pytest.mark.real
@pytest.mark.parametrize("corpus", ["crema_d", "emodb", "tess", "urdu", "shemo", "asvp_esd"])
def test_emobox_lists_of_clips_put_speakers_on_both_sides(shared_corpora, corpus):
    rows = official_list(shared_corpora, corpus)
    train, validation, test = parts(rows.speakers, assign("emobox", rows, fold=1))
    assert test & train
    assert validation & train
    assert not PROTOCOLS["emobox"].claims(rows, SplitOptions(fold=1))


@pytest.mark.real
@pytest.mark.parametrize(("corpus", "torn"), [("crema_d", 1), ("emodb", 0), ("tess", 0)])
def test_a_speaker_mixed_list_is_a_warning_and_its_torn_recording_is_left_out(shared_corpora, make_rows, corpus, torn):
    rows = official_list(shared_corpora, corpus)
    copy = {"crema_d/1006_TIE_NEU_XX": "crema_d/1006_TIE_HAP_XX"}  # identical, and on two sides of EmoBox's list
    hashes = [copy.get(clip, clip) for clip in rows.clip_ids]
    dataset = make_rows(list(rows.speakers), hashes=hashes, clip_ids=list(rows.clip_ids), corpus=corpus)
    split = make_split(dataset, "emobox", SplitOptions(fold=1))
    assert len(split.datasets["test"]) == len(CORPORA[corpus].folds["emobox"].folds[1].test)
    assert (split.info.speaker_independent, split.info.left_out) == (False, torn)
    assert {f.level for f in split.audit.findings if f.rule == "speaker-overlap"} == {"warning"}


@pytest.mark.real
def test_lists_of_clips_beside_lists_of_speakers(shared_corpora):
    tess, both = official_list(shared_corpora, "tess"), spoken(RAVDESS)
    names = ("label", "corpus", "speaker", "clip_id")
    joined = [
        np.concatenate([getattr(c, k) for c in (tess, both)]) for k in ("labels", "corpora", "speakers", "clip_ids")
    ]
    rows = Columns.from_table(dict(zip(names, joined, strict=True)))
    train, validation, test = parts(rows.speakers, assign("emobox", rows, fold=1))
    assert {s for s in test if s.startswith("ravdess")} == {"ravdess_01", "ravdess_11", "ravdess_20", "ravdess_21"}
    assert not {s for s in test & (train | validation) if s.startswith("ravdess")}
    assert len({s for s in validation if s.startswith("ravdess")}) == 3
    assert {s for s in validation if s.startswith("tess")} == {"tess_OAF", "tess_YAF"}


def test_a_training_copy_of_a_tested_recording_is_left_out_of_a_list_of_clips(monkeypatch):
    monkeypatch.setattr(
        type(CORPORA["tess"]), "folds", {"emobox": FoldSet("clip", "here", {1: Fold(test=("t0", "t1", "t2"))})}
    )
    rows = columns(
        [{"clip_id": f"tess/t{i}", "audio_hash": f"{i}"} for i in range(3)]
        + [{"clip_id": "tess/copy", "audio_hash": "1"}]
        + [{"clip_id": f"tess/{i}", "audio_hash": f"h{i}"} for i in range(20)],
        corpus="tess",
        speaker="tess_OAF",
    )
    indices = assign("emobox", rows)
    assert list(rows.clip_ids[indices["test"]]) == ["tess/t0", "tess/t1", "tess/t2"]
    assert set(range(len(rows))) - set(np.concatenate(list(indices.values()))) == {3}


def test_members_that_are_not_in_the_data_are_told(caplog):
    assign("emobox", spoken(RAVDESS[:12]), fold=1)
    assert (
        "'emobox' fold 1, test: 2 of 4 speakers of ravdess are not in the data: ravdess_20, ravdess_21" in caplog.text
    )


@pytest.mark.parametrize(
    ("speakers", "fold", "message"),
    [
        (RAVDESS, None, "protocol 'emobox' needs a fold: pass --fold N, N from 1 to 6"),
        (RAVDESS, 0, "corpus 'ravdess' has no 'emobox' fold 0; it has 1 to 6"),
        (RAVDESS, 7, "corpus 'ravdess' has no 'emobox' fold 7; it has 1 to 6"),
        (RAVDESS + SAVEE, 5, "corpus 'savee' has no 'emobox' fold 5; it has 1 to 4"),
        (
            ["synthetic_1"],
            1,
            "protocol 'emobox': no folds are published for synthetic (of these data none has them; in",
        ),
        (
            ["unheard_1", *RAVDESS],
            1,
            "no folds are published for unheard (of these data ravdess has them; in all aesdd",
        ),
        (["unheard_1", *RAVDESS, *SAVEE], 1, "(of these data ravdess, savee have them;"),
    ],
)
def test_a_fold_that_is_not_there_is_refused(speakers, fold, message):
    with pytest.raises(SplitError, match=re.escape(message)):
        assign("emobox", spoken(speakers), fold=fold)


PARTITIONS = {"train": 40, "validation": 10, "test": 12, "test2": 8, "test3": 5, None: 3}


def partitioned(corpus: str = "msp_podcast", **sizes: int) -> Columns:
    counts = sizes or PARTITIONS
    rows = [{"partition": name, "speaker": f"{corpus}_{i % 6}"} for name, n in counts.items() for i in range(n)]
    return columns([row | {"clip_id": f"{corpus}/{i}"} for i, row in enumerate(rows)], corpus=corpus)


@pytest.mark.parametrize("wanted", ["test", "test2", "test3"])
def test_official_follows_the_partitions_and_leaves_out_the_other_test_sets(wanted):
    rows = partitioned()
    assert folds_of(rows, "official") == ()
    indices = assign("official", rows, test_partition=wanted)
    assert parts(rows.partitions, indices) == ({"train"}, {"validation"}, {wanted})
    assert [len(found) for found in indices.values()] == [40, 10, PARTITIONS[wanted]]


def test_official_carves_a_validation_where_the_corpus_has_none():
    indices = assign("official", partitioned(train=40, test=10), validation_size=0.25)
    assert [len(found) for found in indices.values()] == [30, 10, 10]


def interviews(sessions: int = 5) -> Columns:
    pairs = [(f"Session{n}", f"iemocap_Ses0{n}{sex}") for n in range(1, sessions + 1) for sex in "FM"]
    rows = [{"session": s, "speaker": who, "clip_id": f"iemocap/{who}{i}"} for s, who in pairs for i in range(8)]
    return columns(rows, corpus="iemocap")


def test_official_leaves_one_session_of_iemocap_out():
    rows = interviews()
    assert folds_of(rows, "official") == (1, 2, 3, 4, 5)
    for fold in range(1, 6):
        indices = assign("official", rows, fold=fold)
        assert sum(map(len, indices.values())) == len(rows)
        assert parts(rows.sessions, indices)[2] == {f"Session{fold}"}
        train, validation, test = parts(rows.speakers, indices)
        assert not test & (train | validation)
        assert not train & validation


def test_official_joins_partitions_and_sessions():
    both = [partitioned(), interviews()]
    names = {"corpus": "corpora", "speaker": "speakers", "clip_id": "clip_ids", "label": "labels"}
    names |= {"session": "sessions", "partition": "partitions"}
    rows = Columns.from_table({key: np.concatenate([getattr(c, k) for c in both]) for key, k in names.items()})
    indices = assign("official", rows, fold=2)
    tested = {(rows.corpora[i], rows.partitions[i], rows.sessions[i]) for i in indices["test"]}
    assert tested == {("msp_podcast", "test", None), ("iemocap", None, "Session2")}


def test_official_says_what_every_corpus_has():
    both = [partitioned(), spoken(RAVDESS)]
    names = {"corpus": "corpora", "speaker": "speakers", "clip_id": "clip_ids", "label": "labels"}
    names |= {"partition": "partitions"}
    rows = Columns.from_table({key: np.concatenate([getattr(c, k) for c in both]) for key, k in names.items()})
    with pytest.raises(SplitError, match=r"authors: msp_podcast has partitions; ravdess has neither$"):
        assign("official", rows)


def test_official_takes_shared_takes_for_no_session():
    rows = columns([{"session": f"day{i % 2}", "speaker": f"jl_{i % 4 // 2}"} for i in range(40)], corpus="jl")
    with pytest.raises(SplitError, match="partitions or sessions made by the corpus' authors: jl has neither"):
        assign("official", rows, fold=1)


@pytest.mark.parametrize(
    ("rows", "given", "message"),
    [
        (
            spoken(RAVDESS),
            {},
            "protocol 'official' needs partitions or sessions made by the corpus' authors: ravdess has",
        ),
        (partitioned(), {"test_partition": "test4"}, "has no test partition 'test4'; it has: test, test2, test3"),
        (partitioned(), {"test_partition": "train"}, "has no test partition 'train'"),
        (partitioned(), {"fold": 1}, "protocol 'official' has no folds here; leave out the fold 1"),
        (interviews(), {}, "protocol 'official' needs a fold: pass --fold N, N from 1 to 5"),
        (interviews(), {"fold": 6}, "protocol 'official' has no fold 6 here; it has 1 to 5"),
    ],
)
def test_an_official_split_that_is_not_there_is_refused(rows, given, message):
    with pytest.raises(SplitError, match=re.escape(message)):
        assign("official", rows, **given)
