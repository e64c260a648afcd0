"""IEMOCAP: speaker and sex from the last letter of a name, everything else from the tables of the dialogs."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_hf.base.errors import CorpusError
from ser_hf.corpora import CORPORA, scan
from ser_hf.corpora.iemocap import read, read_name
from ser_hf.records import Clip

IEMOCAP = CORPORA["iemocap"]
WORDS = {
    "ang": ("anger", "angry"),
    "hap": ("happiness", "happy"),
    "exc": ("excitement", "excited"),
    "sad": ("sadness", "sad"),
    "neu": ("neutral", "neutral"),
    "fru": ("frustration", "frustrated"),
    "fea": ("fear", "fearful"),
    "sur": ("surprise", "surprised"),
    "dis": ("disgust", "disgust"),
    "oth": ("other", "other"),
    "xxx": ("no agreement", "undecided"),
}
EVALUATION = """\
% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]

[6.2901 - 8.2357]\tSes01F_impro01_F000\tneu\t[2.5000, 2.2500, 2.7500]
C-E2:\tNeutral;\t()
C-E3:\tNeutral; Frustration;\t()
C-E4:\tNeutral;\t(tired; a little angry)
C-F1:\tAnger;\t(curious)
A-E3:\tval 3; act 2; dom  2;\t()
A-F1:\tval 3; act 2; dom  ;\t()

[10.0100 - 11.3925]\tSes01F_impro01_M001\txxx\t[3.0000, 3.5000, 4.0000]
C-E1:\tAnger; Sadness; Amazement;\t()
C-E3:\tExcited;\t()
C-M1:\tHappiness;\t()

[14.8872 - 18.0175]\tSes01F_impro01_F001\tsur\t[1.0000, 5.0000, 1.0000]
"""
TEXT = """\
Ses01F_impro01_F000 [006.2901-008.2357]: Excuse me.
M: (under his breath)
Ses01F_impro01_M001 [010.0100-011.3925]: Do you have your forms?
Ses01F_impro01_MXX0 [012.0000-012.5000]: Mm-hm.
Ses01F_impro01_F001 [014.8872-018.0175]:
"""
DIALOG = "Ses01F_impro01"


def write(root: Path, evaluation: str = EVALUATION, text: str | None = TEXT, session: str = "Session1") -> Path:
    """One dialog in the official folders, with its three clips."""
    folder = root / session
    for part in ("dialog/EmoEvaluation/Categorical", "dialog/transcriptions", f"sentences/wav/{DIALOG}"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / f"dialog/EmoEvaluation/{DIALOG}.txt").write_text(evaluation, encoding="utf-8")
    if text is not None:
        (folder / f"dialog/transcriptions/{DIALOG}.txt").write_text(text, encoding="utf-8")
    for turn in ("F000", "M001", "F001"):
        (folder / f"sentences/wav/{DIALOG}/{DIALOG}_{turn}.wav").touch()
    return root


def by_name(clips: Iterable[Clip]) -> dict[str, Clip]:
    return {clip.path.stem: clip for clip in clips}


def test_a_clip_has_all_that_the_tables_say(tmp_path):
    clips = by_name(scan(IEMOCAP, write(tmp_path)).clips)
    path = tmp_path / f"Session1/sentences/wav/{DIALOG}/{DIALOG}_F000.wav"
    assert clips[f"{DIALOG}_F000"] == Clip(
        path=path,
        corpus="iemocap",
        native_label="neutral",
        emotion="neutral",
        speaker="iemocap_Ses01F",
        clip_id=f"iemocap/{DIALOG}_F000",
        sex="female",
        language="en",
        sentence="Excuse me.",
        session="Session1",
        votes=(("frustrated", 0.5), ("neutral", 2.5)),
        valence=2.5,
        arousal=2.25,
        dominance=2.75,
    )
    assert clips[f"{DIALOG}_F001"].sentence is None
    assert clips[f"{DIALOG}_F001"].votes is None


def test_a_rater_has_one_vote_and_words_beyond_the_list_are_other(tmp_path):
    clip = by_name(scan(IEMOCAP, write(tmp_path)).clips)[f"{DIALOG}_M001"]
    assert (clip.native_label, clip.emotion) == ("no agreement", "undecided")
    assert dict(clip.votes) == pytest.approx({"angry": 1 / 3, "sad": 1 / 3, "other": 1 / 3, "excited": 1})


@pytest.mark.parametrize(
    ("stem", "dialog", "speaker", "sex"),
    [
        ("Ses01F_impro01_M003", "Ses01F_impro01", "Ses01M", "male"),
        ("Ses01M_impro01_F003", "Ses01M_impro01", "Ses01F", "female"),
        ("Ses05M_script01_1b_M031", "Ses05M_script01_1b", "Ses05M", "male"),
        ("Ses02F_impro08a_F000", "Ses02F_impro08a", "Ses02F", "female"),
        ("ses03f_SCRIPT03_2_m012", "Ses03F_script03_2", "Ses03M", "male"),
    ],
)
def test_the_speaker_is_the_last_letter_not_who_wore_the_markers(stem, dialog, speaker, sex):
    turn = read_name(Path(f"{stem}.wav"))
    assert (turn.dialog, turn.speaker, turn.sex) == (dialog, speaker, sex)
    assert turn.session == f"Session{speaker[4]}"
    assert turn.name.lower() == stem.lower()


def evaluations_from_list(rows: list[dict[str, str]], root: Path) -> Path:
    """The evaluation files of all dialogs, with the labels of the list."""
    lines: dict[Path, list[str]] = {}
    for row in rows:
        clip = Path(row["path"])
        table = root / clip.parts[0] / f"dialog/EmoEvaluation/{clip.parent.name}.txt"
        line = f"[0.0000 - 1.0000]\t{clip.stem}\t{row['label']}\t[2.0000, 3.0000, 4.0000]\n"
        lines.setdefault(table, []).append(line)
    for table, rated in lines.items():
        table.parent.mkdir(parents=True, exist_ok=True)
        table.write_text("".join(rated), encoding="utf-8")
    return root


@pytest.mark.real
def test_every_listed_name_by_way_of_evaluation_files(names_list, tmp_path):
    rows = names_list("iemocap")
    parse = read(evaluations_from_list(rows, tmp_path))
    clips = [parse(tmp_path / row["path"]) for row in rows]
    for clip, row in zip(clips, rows, strict=True):
        assert (clip.native_label, clip.emotion) == WORDS[row["label"]]
        assert (clip.speaker, clip.sex) == (f"iemocap_{row['speaker']}", row["sex"])
        assert clip.session == row["path"].split("/")[0]
    assert len({clip.clip_id for clip in clips}) == len(rows) == 5531
    four = ("anger", "happiness", "excitement", "sadness", "neutral")
    assert Counter(clip.native_label for clip in clips) == {name: IEMOCAP.expected[name] for name in four}
    assert sorted(Counter(clip.session for clip in clips).values()) == [1023, 1031, 1085, 1151, 1241]


def test_the_official_counts():
    assert sum(IEMOCAP.expected.values()) == 10_039
    assert {*IEMOCAP.expected} == {native for native, _ in WORDS.values()}


@pytest.mark.parametrize("code", list(WORDS))
def test_every_label_code(code, tmp_path):
    clip = by_name(scan(IEMOCAP, write(tmp_path, EVALUATION.replace("\tneu\t", f"\t{code}\t"))).clips)[f"{DIALOG}_F000"]
    assert (clip.native_label, clip.emotion) == WORDS[code]


def test_the_root_within_itself_and_litter_of_the_archive(tmp_path):
    write(tmp_path / "IEMOCAP_full_release")
    write(tmp_path / "IEMOCAP_full_release/IEMOCAP_full_release")
    folder = tmp_path / "IEMOCAP_full_release/Session1"
    (folder / f"dialog/EmoEvaluation/._{DIALOG}.txt").write_bytes(b"\0\5\26\7")
    (folder / f"dialog/EmoEvaluation/Categorical/{DIALOG}_e2.txt").write_text("[ not a table", encoding="utf-8")
    (folder / f"sentences/wav/{DIALOG}/._{DIALOG}_F000.wav").touch()
    (folder / "dialog/wav").mkdir()
    (folder / f"dialog/wav/{DIALOG}.wav").touch()
    found = scan(IEMOCAP, tmp_path)
    assert (len(found.clips), len(found.copies)) == (3, 3)
    assert [path.name for path in found.foreign] == [f"{DIALOG}.wav"]


def test_a_flattened_copy_with_the_tables_elsewhere(tmp_path):
    write(tmp_path / "tables")
    for clip in (tmp_path / "tables").rglob("*.wav"):
        clip.rename(tmp_path / f"{clip.stem.lower()}.flac")
    assert {clip.clip_id for clip in scan(IEMOCAP, tmp_path).clips} == {
        f"iemocap/{DIALOG}_{turn}" for turn in ("F000", "M001", "F001")
    }


def test_without_transcriptions_only_the_sentence_is_missing(tmp_path):
    clips = scan(IEMOCAP, write(tmp_path, text=None)).clips
    assert [clip.sentence for clip in clips] == [None] * 3


def test_without_evaluation_files_it_says_what_was_looked_for(tmp_path):
    (tmp_path / f"{DIALOG}_F000.wav").touch()
    with pytest.raises(
        CorpusError, match=re.escape(f"no label found; looked for EmoEvaluation/Ses*.txt below {tmp_path}")
    ):
        scan(IEMOCAP, tmp_path)


def test_a_dialog_without_its_file_is_named(tmp_path):
    write(tmp_path)
    (tmp_path / "Ses02F_impro01_F000.wav").touch()
    message = f"{tmp_path}/Ses02F_impro01_F000.wav: its label is missing; looked for EmoEvaluation/Ses02F_impro01.txt"
    with pytest.raises(CorpusError, match=re.escape(message)):
        scan(IEMOCAP, tmp_path)


def test_a_turn_nobody_rated_is_listed_as_foreign(tmp_path):
    extra = write(tmp_path) / f"{DIALOG}_F099.wav"
    extra.touch()
    assert scan(IEMOCAP, tmp_path).foreign == (extra,)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("\tneu\t", "\tneutral\t", "line 3: unknown IEMOCAP emotion code 'neutral'; did you mean 'neu'?"),
        ("[2.5000, 2.2500, 2.7500]", "[2.5000, 2.2500]", "line 3: expected `[start - end] turn emotion [valence,"),
        ("[2.5000, 2.2500, 2.7500]", "[2.5000, x, 2.7500]", "line 3: expected three numbers [valence,"),
        ("[2.5000, 2.2500, 2.7500]", "[2.5000, nan, 2.7500]", "line 3: expected three numbers [valence,"),
        ("% [START", "C-E2:\tNeutral;\t()\n% [START", "line 1: a rater's line before the first turn"),
    ],
)
def test_a_malformed_evaluation_names_file_and_line(old, new, message, tmp_path):
    table = tmp_path / f"Session1/dialog/EmoEvaluation/{DIALOG}.txt"
    write(tmp_path, EVALUATION.replace(old, new))
    with pytest.raises(CorpusError, match=re.escape(f"{table}, {message}")):
        scan(IEMOCAP, tmp_path)


def test_copies_of_a_table_that_differ_are_refused(tmp_path):
    write(tmp_path)
    write(tmp_path / "again", EVALUATION.replace("\tneu\t", "\tsad\t"))
    with pytest.raises(CorpusError, match=f"rates {DIALOG}_F000 otherwise than its copy"):
        scan(IEMOCAP, tmp_path)


def test_a_file_that_is_no_transcription_names_file_and_line(tmp_path):
    write(tmp_path, text="<html>Not found</html>")
    table = tmp_path / f"Session1/dialog/transcriptions/{DIALOG}.txt"
    with pytest.raises(CorpusError, match=re.escape(f"{table}, line 1: expected lines like `Ses01F_impro01_F000")):
        scan(IEMOCAP, tmp_path)


@pytest.mark.parametrize("stem", ["Ses01F_impro01", "Ses01F_impro01_FXX0", "Ses01F_impro01_X000", "Ses1F_impro01_F000"])
def test_other_names_are_foreign(stem, tmp_path):
    assert read(write(tmp_path))(Path(f"{stem}.wav")) is None


def test_an_unknown_session_is_refused_with_the_path():
    with pytest.raises(CorpusError, match=r"x/Ses06F_impro01_F000.wav: unknown IEMOCAP session 06; expected Ses01 to"):
        read_name(Path("x/Ses06F_impro01_F000.wav"))


def outcome(path: Path) -> object:
    try:
        return read_name(path)
    except CorpusError as error:
        return str(error)


ANY_NAME = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1)


@given(ANY_NAME | st.from_regex(r"Ses0[0-9][FM]_(impro|script)[0-9]{2}[a-z]?_[FM][0-9]{3}", fullmatch=True))
def test_no_name_breaks_the_parser(stem):
    found = outcome(Path(f"{stem}.wav"))
    if isinstance(found, str):
        assert stem in found
    elif found is not None:
        assert found.name.lower() == stem.lower()


@given(st.text(max_size=200))
def test_no_evaluation_breaks_the_reader(tmp_path_factory, text):
    root = write(tmp_path_factory.mktemp("any"), EVALUATION + text.encode("utf-8", "replace").decode(), None)
    try:
        found = read(root)(root / f"{DIALOG}_F000.wav")
    except CorpusError as error:
        found = str(error)
    assert DIALOG in str(found)


def test_the_folds_leave_each_session_out_once():
    sessions = [(f"Session{n}",) for n in range(1, 6)]
    for protocol in ("emobox", "s3prl"):
        folds = IEMOCAP.folds[protocol]
        assert folds.unit == "session"
        assert [fold.test for fold in folds.folds.values()] == sessions
    (fold,) = IEMOCAP.folds["nkululeko"].folds.values()
    assert (fold.test, fold.validation) == (("Session5",), ("Session4",))
