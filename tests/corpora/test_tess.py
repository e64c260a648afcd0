"""TESS names: the emotion and the speaker come from the file name, whose spelling slips at times."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest

from ser_hf.base.errors import CorpusError
from ser_hf.corpora import CORPORA, scan
from ser_hf.corpora.tess import parse
from ser_hf.records import Clip

NATIVE = ["angry", "disgust", "fear", "happy", "neutral", "pleasant surprise", "sad"]


@pytest.mark.parametrize(
    ("path", "speaker", "word", "native", "emotion"),
    [
        ("OAF_angry/OAF_back_angry.wav", "OAF", "back", "angry", "angry"),
        ("YAF_disgust/YAF_bite_disgust.wav", "YAF", "bite", "disgust", "disgust"),
        ("OAF_Fear/OAF_food_fear.wav", "OAF", "food", "fear", "fearful"),
        ("YAF_happy/YAF_germ_happy.wav", "YAF", "germ", "happy", "happy"),
        ("OAF_neutral/OA_bite_neutral.wav", "OAF", "bite", "neutral", "neutral"),
        ("OAF_Pleasant_surprise/OAF_back_ps.wav", "OAF", "back", "pleasant surprise", "surprised"),
        ("YAF_pleasant_surprised/YAF_neat_ps.wav", "YAF", "neat", "pleasant surprise", "surprised"),
        ("YAF_neat_pleasant_surprised.wav", "YAF", "neat", "pleasant surprise", "surprised"),
        ("YAF_neat_pleasant_surprise.wav", "YAF", "neat", "pleasant surprise", "surprised"),
        ("OAF_Sad/OAF_back_sad.wav", "OAF", "back", "sad", "sad"),
        ("tess toronto/YAF_SAD/yaf_Back_SAD.WAV", "YAF", "back", "sad", "sad"),
        ("OAF_angry/YAF_back_sad.aiff", "YAF", "back", "sad", "sad"),
    ],
)
def test_every_spelling(path, speaker, word, native, emotion):
    assert parse(Path(path)) == Clip(
        path=Path(path),
        corpus="tess",
        native_label=native,
        emotion=emotion,
        speaker=f"tess_{speaker}",
        clip_id=f"tess/{speaker}_{word}_{native.replace(' ', '_')}",
        sex="female",
        language="en",
        sentence=f"Say the word {word}",
        age={"OAF": 64, "YAF": 26}[speaker],
    )


@pytest.mark.real
def test_every_official_name(names_list):
    rows = names_list("tess")
    ids = set()
    for row in rows:
        clip = parse(Path(row["path"]))
        assert clip is not None, row
        label = row["label"].replace("_", " ")
        assert (clip.native_label, clip.speaker, clip.sex) == (label, f"tess_{row['speaker']}", row["sex"])
        ids.add(clip.clip_id)
    assert len(ids) == len(rows) == 2800
    assert Counter(parse(Path(row["path"])).native_label for row in rows) == CORPORA["tess"].expected


def test_the_official_counts():
    assert CORPORA["tess"].expected == dict.fromkeys(NATIVE, 400)


@pytest.mark.real
def test_the_half_of_the_corpus_is_reported_as_a_half(shared_data):
    found = scan(CORPORA["tess"], shared_data / "tess")
    assert Counter(clip.native_label for clip in found.clips) == dict.fromkeys(NATIVE, 200)
    assert Counter(clip.speaker for clip in found.clips) == {"tess_OAF": 700, "tess_YAF": 700}
    assert (found.foreign, found.copies) == ((), ())
    (remark,) = found.remarks()
    assert remark.startswith("tess: 1400 clips found, 2800 in the official release (angry 200 of 400, ")


@pytest.mark.real
def test_the_untouched_originals(shared_data):
    found = scan(CORPORA["tess"], shared_data / "originals/tess")
    assert (len(found.clips), found.foreign) == (10, ())
    assert "tess/OAF_bite_neutral" in {clip.clip_id for clip in found.clips}


@pytest.mark.parametrize(
    "name", ["testnew/0testYAF_gaze_ps39", "XAF_back_sad", "OAF_back", "OAFback_sad", "OAF_b4ck_sad"]
)
def test_other_names_are_foreign(name):
    assert parse(Path(f"{name}.wav")) is None


def test_an_unknown_emotion_is_refused_with_the_path():
    message = "OAF_sad/OAF_back_bored.wav: unknown TESS emotion 'bored'; expected one of angry, disgust"
    with pytest.raises(CorpusError, match=re.escape(message)):
        parse(Path("OAF_sad/OAF_back_bored.wav"))


def test_the_emobox_fold_is_a_list_of_clips_of_both_speakers():
    folds = CORPORA["tess"].folds["emobox"]
    assert (folds.unit, list(folds.folds)) == ("clip", [1])
    assert len(folds.folds[1].test) == 700
    assert {clip.split("_")[0] for clip in folds.folds[1].test} == {"OAF", "YAF"}


@pytest.mark.real
def test_every_clip_of_the_folds_is_one_of_the_corpus(shared_corpora):
    with (shared_corpora / "names/tess.tsv").open(encoding="utf-8") as lines:
        ids = {parse(Path(row["path"])).clip_id for row in csv.DictReader(lines, delimiter="\t")}
    for folds in CORPORA["tess"].folds.values():
        assert {f"tess/{clip}" for fold in folds.folds.values() for clip in fold.test} <= ids


def test_the_mirror_is_named_with_its_checksum():
    (download,) = CORPORA["tess"].downloads
    assert (download.url.rsplit("/", 1)[1], download.md5) == (download.filename, "1465311b24d1de704c4c63e4ccc470c7")
