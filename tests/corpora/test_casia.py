"""CASIA names: 50 base names for 1,200 files, so speaker, emotion and number make a clip, wherever they stand."""

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_hf.base.errors import CorpusError
from ser_hf.base.plain import one_line
from ser_hf.corpora import CORPORA, scan
from ser_hf.corpora.casia import parse
from ser_hf.records import Clip

CASIA = CORPORA["casia"]
NATIVE = ["angry", "fear", "happy", "neutral", "sad", "surprise"]
SPEAKERS = ["liuchanhg", "wangzhe", "zhaoquanyin", "zhaozuoxiang"]
MOJIBAKE = "相同文本300".encode("gbk").decode("latin-1")


@pytest.mark.parametrize(
    ("path", "speaker", "native", "emotion", "number"),
    [
        ("liuchanhg/angry/201.wav", "liuchanhg", "angry", "angry", "201"),
        ("casia1/wangzhe/fear/202.wav", "wangzhe", "fear", "fearful", "202"),
        ("CASIA/ZhaoZuoxiang/Surprise/250.WAV", "zhaozuoxiang", "surprise", "surprised", "250"),
        ("zhaozuoxiang/sad/250.flac", "zhaozuoxiang", "sad", "sad", "250"),
        ("相同文本300/zhaoquanyin/happy/203.wav", "zhaoquanyin", "happy", "happy", "203"),
        (f"{MOJIBAKE}/zhaoquanyin/neutral/203.wav", "zhaoquanyin", "neutral", "neutral", "203"),
        ("angry/201-angry-liuchanhg.wav", "liuchanhg", "angry", "angry", "201"),
        ("201-surprise-ZhaoZuoxiang.wav", "zhaozuoxiang", "surprise", "surprised", "201"),
        ("liuchanhg_201_fear_0.wav", "liuchanhg", "fear", "fearful", "201"),
        ("相同文本300_liuchanhg_happy_201.wav", "liuchanhg", "happy", "happy", "201"),
        (f"{MOJIBAKE}_liuchanhg_happy_201.wav", "liuchanhg", "happy", "happy", "201"),
        ("angry/liuchanhg_201.wav", "liuchanhg", "angry", "angry", "201"),
        ("sad/wangzhe_fear_207.wav", "wangzhe", "fear", "fearful", "207"),
    ],
)
def test_every_layout(path, speaker, native, emotion, number):
    assert parse(Path(path)) == Clip(
        path=Path(path),
        corpus="casia",
        native_label=native,
        emotion=emotion,
        speaker=f"casia_{speaker}",
        clip_id=f"casia/{speaker}/{native}/{number}",
        language="zh",
        sentence=number,
    )


@pytest.mark.parametrize(
    ("spelling", "speaker"),
    [
        ("Chang.Liu", "liuchanhg"),
        ("Zhe.Wang", "wangzhe"),
        ("Quanyin.Zhao", "zhaoquanyin"),
        ("Zuoxiang.Zhao", "zhaozuoxiang"),
    ],
)
@pytest.mark.parametrize("form", ["不同文本100/{}/normal/001.wav", "neutral_{}_001.wav", "{}/neutral/001.wav"])
def test_the_part_with_different_texts_is_of_the_same_speakers_but_never_the_same_clip(spelling, speaker, form):
    clip = parse(Path(form.format(spelling)))
    assert (clip.speaker, clip.native_label) == (f"casia_{speaker}", "neutral")
    assert clip.clip_id == f"casia/{speaker}/neutral/different_001"
    assert clip.sentence is None
    assert clip.clip_id != parse(Path(f"{speaker}/neutral/001.wav")).clip_id


@pytest.mark.real
def test_every_official_name(names_list):
    rows = names_list("casia")
    clips = [parse(Path(row["path"])) for row in rows]
    for clip, row in zip(clips, rows, strict=True):
        sex = None if row["sex"] == "unknown" else row["sex"]
        assert (clip.native_label, clip.speaker, clip.sex) == (row["label"], f"casia_{row['speaker']}", sex)
    assert len({clip.clip_id for clip in clips}) == len(rows) == 1200
    assert Counter(clip.native_label for clip in clips) == CASIA.expected == dict.fromkeys(NATIVE, 200)
    assert set(Counter(clip.sentence for clip in clips).values()) == {24}


def test_copies_in_other_layouts_and_litter_are_told_from_clips(tmp_path):
    official = [f"{s}/{e}/{n}.wav" for s in ("liuchanhg", "wangzhe") for e in NATIVE for n in (201, 202)]
    copies = [f"casia/{name}" for name in official[:3]] + ["angry/201-angry-liuchanhg.wav", "fear/wangzhe_202.wav"]
    litter = ["liuchanhg/angry/._201.wav", "__MACOSX/liuchanhg/angry/201.wav"]
    for name in (*official, *copies, *litter, "liuchanhg/angry/notes.wav", "201.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = scan(CASIA, tmp_path)
    assert len(found.clips) == len(official) == 24
    assert len(found.copies) == len(copies)
    assert sorted(path.name for path in found.foreign) == ["201.wav", "notes.wav"]
    assert "casia: 24 clips found, 1200 in the official release (angry 4 of 200," in found.remarks()[0]


@pytest.mark.parametrize(
    "name", ["201", "liuchanhg/201", "nobody/angry/201", "liuchanhg/angry/test", "liuchanhg/angry/20100", "angry/201"]
)
def test_other_names_are_foreign(name):
    assert parse(Path(f"{name}.wav")) is None


@pytest.mark.parametrize(
    ("name", "folder"),
    [("liuchanhg/bored/201", "bored"), ("201-bored-liuchanhg", ""), ("x/liuchanhg_201_calm_0", "x")],
)
def test_an_unknown_emotion_is_refused_with_the_path(name, folder):
    message = f"{name}.wav: no CASIA emotion in the name or the folder {folder!r}; expected one of angry, fear,"
    with pytest.raises(CorpusError, match=re.escape(message)):
        parse(Path(f"{name}.wav"))


PART = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1)


@given(st.lists(PART | st.sampled_from(["liuchanhg", "Zhe.Wang", "angry", "201"]), min_size=1, max_size=4))
def test_no_name_breaks_the_parser(outcome, parts):
    path = Path(*parts[:-1], f"{parts[-1]}.wav")
    found = outcome(parse, path)
    if isinstance(found, Clip):
        assert found.native_label in NATIVE
        assert found.speaker in {f"casia_{speaker}" for speaker in SPEAKERS}
    else:
        assert found is None or one_line(str(path)) in found


def test_the_folds_leave_each_speaker_out_once():
    folds = CASIA.folds["emobox"]
    assert folds.unit == "speaker"
    assert sorted(fold.test for fold in folds.folds.values()) == [(speaker,) for speaker in SPEAKERS]
