"""ESD: the whole and its two halves, the label from the number, transcripts in four encodings."""

import csv
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_hf.base.errors import CorpusError
from ser_hf.corpora import CORPORA, scan
from ser_hf.records import Clip

EMOTIONS = {"Neutral": "neutral", "Angry": "angry", "Happy": "happy", "Sad": "sad", "Surprise": "surprised"}
MALE = {"0004", "0005", "0006", "0008", "0010", "0011", "0012", "0013", "0014", "0020"}
NOWHERE = Path("no such folder")
PARSE = {name: CORPORA[name].reader(NOWHERE) for name in ("esd", "esd_en", "esd_zh")}
TABLE = [
    ("000001", "The nine, the eggs, I keep.", "Neutral"),
    ("000351", "The nine, the eggs, I keep.", "Angry"),
    ("001401", "Café, she said.", "Surprise"),
]
MANDARIN = [("000001", "打远一看", "中立"), ("000351", "打远一看", "生气"), ("001401", "打远一看", "惊喜")]


def lines(speaker: str, rows: list[tuple[str, str, str]], end: str = "\n") -> str:
    return "".join(f"{speaker}_{number}\t{text}\t{emotion}{end}" for number, text, emotion in rows)


def write_speaker(root: Path, speaker: str, data: bytes | None = None, folder: str = "") -> None:
    for number, emotion in (("000001", "Neutral"), ("000351", "Angry"), ("001401", "Surprise")):
        path = root / speaker / emotion / folder / f"{speaker}_{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    if data is not None:
        (root / speaker / f"{speaker}.txt").write_bytes(data)


@pytest.mark.parametrize(
    ("path", "native", "language", "sex", "text", "partition"),
    [
        ("Emotion Speech Dataset/0011/Angry/0011_000351.wav", "Angry", "en", "male", 1, "validation"),
        ("ESD/0011/Angry/evaluation/0011_000370.wav", "Angry", "en", "male", 20, "validation"),
        ("ESD/0019/Happy/test/0019_000721.wav", "Happy", "en", "female", 21, "test"),
        (
            "Emotional Speech Dataset (ESD)/Emotion Speech Dataset/0015/Sad/0015_001100.wav",
            "Sad",
            "en",
            "female",
            50,
            "test",
        ),
        ("0001/Sad/0001_001101.flac", "Sad", "zh", "female", 51, "train"),
        ("0010/0010_001400.WAV", "Sad", "zh", "male", 350, "train"),
        ("0010_000350.ogg", "Neutral", "zh", "male", 350, "train"),
        ("0020_000701.mp3", "Happy", "en", "male", 1, "validation"),
        ("0012_001750.wav", "Surprise", "en", "male", 350, "train"),
        ("0013/Happy/0012_001401.wav", "Surprise", "en", "male", 1, "validation"),
    ],
)
def test_every_layout(path, native, language, sex, text, partition):
    stem = Path(path).stem
    assert PARSE["esd"](Path(path)) == Clip(
        path=Path(path),
        corpus="esd",
        native_label=native,
        emotion=EMOTIONS[native],
        speaker=f"esd_{stem[:4]}",
        clip_id=f"esd/{stem}",
        sex=sex,
        language=language,
        sentence=f"{language} {text}",
        partition=partition,
    )


@pytest.mark.real
def test_every_official_name(shared_corpora):
    with (shared_corpora / "names/esd.tsv").open(encoding="utf-8") as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    paths = [Path(row["path"]) for row in rows]
    clips = {name: [parse(path) for path in paths] for name, parse in PARSE.items()}
    for row, clip in zip(rows, clips["esd"], strict=True):
        assert clip is not None, row
        assert (clip.native_label, clip.speaker, clip.sex) == (row["label"], f"esd_{row['speaker']}", row["sex"])
    whole, en, zh = ([clip for clip in clips[name] if clip] for name in ("esd", "esd_en", "esd_zh"))
    for name, part, number in (("esd", whole, 35_000), ("esd_en", en, 17_500), ("esd_zh", zh, 17_500)):
        assert len({clip.clip_id for clip in part}) == len(part) == number
        assert Counter(clip.native_label for clip in part) == CORPORA[name].expected
        assert CORPORA[name].expected == dict.fromkeys(EMOTIONS, number // 5)
    assert Counter(clip.partition for clip in whole) == {"train": 30_000, "validation": 2_000, "test": 3_000}
    assert set(Counter((c.language, c.sentence) for c in whole).values()) == {50}
    assert len({clip.clip_id for clip in (*whole, *en, *zh)}) == 70_000
    tail = [clip.clip_id.split("/")[1] for clip in (*zh, *en)]
    assert sorted(tail) == sorted(clip.clip_id.split("/")[1] for clip in whole)


def test_the_halves_divide_the_speakers_by_language():
    for speaker in range(1, 21):
        path = Path(f"{speaker:04d}_000001.wav")
        mine, other = ("esd_zh", "esd_en") if speaker <= 10 else ("esd_en", "esd_zh")
        clip = PARSE[mine](path)
        assert (clip.corpus, clip.language) == (mine, mine[-2:])
        assert clip.speaker == PARSE["esd"](path).speaker == f"esd_{speaker:04d}"
        assert clip.sex == ("male" if f"{speaker:04d}" in MALE else "female")
        assert PARSE[other](path) is None
        assert PARSE["esd"](path).language == clip.language
    assert [CORPORA[name].language for name in PARSE] == [None, "en", "zh"]


@pytest.mark.parametrize(
    ("speaker", "encoding", "rows"),
    [
        ("0001", "gb2312", MANDARIN),
        ("0003", "utf-16", MANDARIN),
        ("0007", "utf-8", MANDARIN),
        ("0011", "utf-8", TABLE),
        ("0012", "utf-16", TABLE),
        ("0015", "utf-8-sig", TABLE),
        ("0016", "latin-1", TABLE),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "dos"])
def test_transcripts_in_the_encodings_of_the_release(tmp_path, speaker, encoding, rows, end):
    write_speaker(tmp_path, speaker, lines(speaker, rows, end).encode(encoding))
    found = scan(CORPORA["esd"], tmp_path)
    assert {clip.path.stem[5:]: clip.sentence for clip in found.clips} == {number: text for number, text, _ in rows}


def test_big_endian_text(tmp_path):
    write_speaker(tmp_path, "0018", b"\xfe\xff" + lines("0018", TABLE).encode("utf-16-be"))
    assert {clip.sentence for clip in scan(CORPORA["esd_en"], tmp_path).clips} == {TABLE[0][1], TABLE[2][1]}


@pytest.mark.parametrize(
    "line",
    [
        "0015_000001 Let the glass globe be.\tNeutral",
        "0015_000001\tLet the glass globe be. Neutral",
        "0015_000001 Let the glass globe be. Neutral",
        "0015_000001\tLet the glass globe be.",
        "0015_000001\t  Let the glass\N{NO-BREAK SPACE}globe  be. \tNeutral\t\n\n",
        "0015_000001   Let the glass globe be.\t",
        "\n0015_000001\tLet the glass globe be.\tNeutral\n0015_000002\tOther.\tNeutral",
    ],
)
def test_lines_with_spaces_for_tabs_or_without_the_emotion(tmp_path, line):
    write_speaker(tmp_path, "0015", line.encode())
    sentences = {clip.path.stem[5:]: clip.sentence for clip in scan(CORPORA["esd"], tmp_path).clips}
    assert sentences == {"000001": "Let the glass globe be.", "000351": "en 1", "001401": "en 1"}


def test_a_control_character_in_latin_1_does_not_break_a_line(tmp_path):
    write_speaker(tmp_path, "0016", b"0016_000001\tWell\x85 caf\xe9.\tNeutral\n")
    clip = next(c for c in scan(CORPORA["esd"], tmp_path).clips if c.native_label == "Neutral")
    assert clip.sentence == "Well café."


def test_a_table_that_is_not_a_table_is_refused_with_its_line(tmp_path):
    write_speaker(tmp_path, "0011", b"0011_000001\tText.\tNeutral\n<!DOCTYPE html>\n")
    message = f"{tmp_path / '0011/0011.txt'}, line 2: expected NAME, text and emotion, found '<!DOCTYPE html>'"
    with pytest.raises(CorpusError, match=re.escape(message)):
        scan(CORPORA["esd"], tmp_path)
    write_speaker(tmp_path, "0001")
    assert len(scan(CORPORA["esd_zh"], tmp_path).clips) == 3  # the other half does not read it


@pytest.mark.parametrize(("speaker", "data"), [("0012", b"\xff\xfe0"), ("0001", b"0001_000001\t\xff\xff")])
def test_a_table_in_no_known_encoding_is_refused(tmp_path, speaker, data):
    write_speaker(tmp_path, speaker, data)
    with pytest.raises(CorpusError, match=rf"{speaker}\.txt: expected text in utf-"):
        scan(CORPORA["esd"], tmp_path)


def test_the_old_archive_nested_twice_with_litter(tmp_path):
    for root in (tmp_path / "ESD", tmp_path / "ESD/ESD", tmp_path / "__MACOSX/ESD"):
        write_speaker(root, "0001", lines("0001", MANDARIN).encode("gb2312"), "evaluation")
        write_speaker(root, "0011", lines("0011", TABLE).encode(), "evaluation")
    (tmp_path / "ESD/ReadMe.txt").write_text("Read me first", encoding="utf-8")
    (tmp_path / "ESD/0011/._0011.txt").write_bytes(b"\x00\x05\x16\x07")
    (tmp_path / "ESD/0011/._0011_000001.wav").touch()
    (tmp_path / "ESD/other.wav").touch()
    sizes = {}
    for name in PARSE:
        found = scan(CORPORA[name], tmp_path)
        sizes[name] = (len(found.clips), len(found.copies), len(found.foreign))
        assert not any("ESD/ESD" in clip.path.as_posix() for clip in found.clips)
    assert sizes == {"esd": (6, 6, 1), "esd_en": (3, 3, 7), "esd_zh": (3, 3, 7)}


@pytest.mark.parametrize("stem", ["0011_00351", "0011-000351", "11_000351", "0011_000351_a", "0011"])
def test_other_names_are_foreign(stem):
    assert PARSE["esd"](Path(f"0011/Angry/{stem}.wav")) is None


@pytest.mark.parametrize("name", PARSE)
@pytest.mark.parametrize("stem", ["0021_000001", "0000_000001"])
def test_an_unknown_speaker_is_refused_with_the_path(name, stem):
    with pytest.raises(CorpusError, match=re.escape(f"x/{stem}.wav: unknown ESD speaker {stem[:4]}; expected 0001")):
        PARSE[name](Path(f"x/{stem}.wav"))


@pytest.mark.parametrize("stem", ["0011_000000", "0011_001751"])
def test_an_unknown_number_is_refused_with_the_path(stem):
    with pytest.raises(CorpusError, match=re.escape(f"x/{stem}.wav: unknown ESD number {stem[5:]}; expected 000001")):
        PARSE["esd"](Path(f"x/{stem}.wav"))


def outcome(parse, path: Path) -> Clip | str | None:
    try:
        return parse(path)
    except CorpusError as error:
        return str(error)


ANY_NAME = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1)


@given(ANY_NAME | st.from_regex(r"00[0-2]\d_00[01]\d{3}", fullmatch=True), st.sampled_from(sorted(PARSE)))
def test_no_name_breaks_the_parser(stem, name):
    found = outcome(PARSE[name], Path(f"{stem}.wav"))
    if isinstance(found, Clip):
        assert found.native_label in EMOTIONS
    else:
        assert found is None or stem in found


def test_the_published_folds():
    folds = CORPORA["esd"].folds
    tested = [speaker for fold in folds["emobox"].folds.values() for speaker in fold.test]
    assert sorted(tested) == [f"{n:04d}" for n in range(1, 21)]
    assert folds["emobox"].folds[1].test == ("0005", "0011", "0016", "0018")
    assert [fold.test for fold in folds["nkululeko"].folds.values()] == [("0009", "0010", "0018", "0020")]
    assert (CORPORA["esd_en"].folds, CORPORA["esd_zh"].folds) == ({}, {})
