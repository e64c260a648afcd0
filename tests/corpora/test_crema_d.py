"""CREMA-D: names, the tables beside them, the votes on the voice, and the recordings known to be bad."""

import csv
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ser_hf.base.errors import CorpusError
from ser_hf.corpora import CORPORA, audio_files, scan
from ser_hf.corpora.crema_d import read
from ser_hf.records import Clip

CREMA_D = CORPORA["crema_d"]
LABELS = {"ANG": "anger", "DIS": "disgust", "FEA": "fear", "HAP": "happy", "NEU": "neutral", "SAD": "sad"}
HEARD_OTHERWISE = {"1064_IEO_DIS_MD", "1064_TIE_SAD_XX", "1076_MTI_NEU_XX", "1076_MTI_SAD_XX"}
PEOPLE = '"ActorID","Age","Sex","Race","Ethnicity"\n1001,51,"Male","Caucasian","Not Hispanic"\n'
VOTES = '"","A","D","F","H","N","S","fileName","numResponses"\n'


@pytest.fixture(scope="module")
def parse(tmp_path_factory):
    return read(tmp_path_factory.mktemp("no_tables"))


@pytest.fixture(scope="module")
def official(shared_data):
    return read(shared_data / "cremad_meta")


@pytest.fixture
def release(tmp_path):
    """A small release with its tables."""
    write(tmp_path, "VideoDemographics.csv", PEOPLE)
    write(tmp_path, "processedResults/tabulatedVotes.csv", VOTES)
    for stem in ("1001_IEO_ANG_HI", "1001_DFA_NEU_XX", "1002_WSI_SAD_XX"):
        write(tmp_path, f"AudioWAV/{stem}.wav", "RIFF recording")
        write(tmp_path, f"AudioMP3/{stem}.mp3", "mp3")
    return tmp_path


def write(root: Path, name: str, text: str = "") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("path", "stem", "native", "emotion", "sentence", "level"),
    [
        ("AudioWAV/1001_IEO_ANG_LO.wav", "1001_IEO_ANG_LO", "anger", "angry", "It's eleven o'clock", "low"),
        ("1002/1002_IEO_DIS_MD.wav", "1002_IEO_DIS_MD", "disgust", "disgust", "It's eleven o'clock", "medium"),
        ("AudioMP3/1091_IEO_FEA_HI.mp3", "1091_IEO_FEA_HI", "fear", "fearful", "It's eleven o'clock", "high"),
        ("AudioWAV/train/1003_DFA_HAP_XX.flac", "1003_DFA_HAP_XX", "happy", "happy", "Don't forget a jacket", None),
        ("1004_TSI_NEU_XX.WAV", "1004_TSI_NEU_XX", "neutral", "neutral", "The surface is slick", None),
        ("1040_ITH_SAD_X.wav", "1040_ITH_SAD_XX", "sad", "sad", "I think I have a doctor's appointment", None),
        ("1005/1006_wsi_sad_xx.wav", "1006_WSI_SAD_XX", "sad", "sad", "We'll stop in a couple of minutes", None),
    ],
)
def test_every_layout(parse, path, stem, native, emotion, sentence, level):
    assert parse(Path(path)) == Clip(
        path=Path(path),
        corpus="crema_d",
        native_label=native,
        emotion=emotion,
        speaker=f"crema_d_{stem[:4]}",
        clip_id=f"crema_d/{stem}",
        language="en",
        sentence=sentence,
        intensity=level,
    )


@pytest.mark.real
def test_every_official_name(names_list, official):
    rows = names_list("crema_d")
    clips = [official(Path(row["path"])) for row in rows]
    for row, clip in zip(rows, clips, strict=True):
        assert clip is not None, row
        assert (clip.native_label, clip.speaker, clip.sex) == (
            LABELS[row["label"]],
            f"crema_d_{row['speaker']}",
            row["sex"],
        )
        assert 20 <= clip.age <= 74
    assert len({clip.clip_id for clip in clips}) == 7442
    assert Counter(clip.native_label for clip in clips) == CREMA_D.expected
    assert CREMA_D.expected == {"neutral": 1087} | dict.fromkeys(["anger", "disgust", "fear", "happy", "sad"], 1271)
    assert Counter(clip.intensity for clip in clips) == {None: 6077, "low": 455, "medium": 455, "high": 455}
    assert len({clip.sentence for clip in clips}) == 12
    assert Counter({c.speaker: c.sex for c in clips}.values()) == {"male": 48, "female": 43}


@pytest.mark.real
def test_the_votes_elect_what_the_summary_says_was_heard(shared_data, official):
    letters = dict(zip("ADFHNS", ["angry", "disgust", "fearful", "happy", "neutral", "sad"], strict=True))
    with (shared_data / "cremad_meta/processedResults/summaryTable.csv").open(encoding="utf-8") as lines:
        heard = {row["FileName"]: {letters[x] for x in row["VoiceVote"].split(":")} for row in csv.DictReader(lines)}
    assert len(heard) == 7442
    for stem, winners in heard.items():
        votes = official(Path(f"{stem}.wav")).votes
        if stem in HEARD_OTHERWISE:
            assert votes is None
        else:
            most = max(number for _, number in votes)
            assert {emotion for emotion, number in votes if number == most} == winners


@pytest.mark.real
def test_the_votes_are_those_on_the_voice(official):
    votes = official(Path("AudioWAV/1001_IEO_HAP_LO.wav")).votes
    assert votes == (("happy", 3.0), ("neutral", 6.0))


@pytest.mark.real
def test_the_bad_clips_are_one_of_each_identical_pair_and_the_silent_one(shared_data, official):
    by_hash, total = defaultdict(list), 0
    for line in (shared_data / "cremad_meta/AudioWAV_lfs_sha256.tsv").read_text(encoding="utf-8").splitlines():
        digest, size, path = line.split("\t")
        clip = official(Path(path))
        by_hash[digest].append(clip)
        total += int(size)
    pairs = [clips for clips in by_hash.values() if len(clips) > 1]
    assert (total, len(by_hash), len(pairs)) == (605_899_936, 7439, 3)
    named = set()
    for one, other in pairs:
        assert one.emotion != other.emotion
        assert one.speaker == other.speaker
        (bad,) = [clip for clip in (one, other) if clip.clip_id in CREMA_D.bad]
        twin = other if bad is one else one
        assert twin.path.stem in CREMA_D.bad[bad.clip_id]
        named.add(bad.clip_id)
    assert set(CREMA_D.bad) - named == {"crema_d/1076_MTI_SAD_XX"}
    assert named == {f"crema_d/{stem}_XX" for stem in ("1006_TIE_NEU", "1013_WSI_DIS", "1017_IWW_FEA")}


def test_a_release_with_tables(release):
    write(release, "processedResults/tabulatedVotes.csv", VOTES + ROWS)
    found = scan(CREMA_D, release)
    facts = {c.clip_id: (c.path.suffix, c.sex, c.age, c.votes) for c in found.clips}
    assert facts == {
        "crema_d/1001_IEO_ANG_HI": (".wav", "male", 51, (("angry", 9.0), ("sad", 1.0))),
        "crema_d/1001_DFA_NEU_XX": (".wav", "male", 51, None),
        "crema_d/1002_WSI_SAD_XX": (".wav", None, None, None),
    }
    assert len(found.copies) == 3
    assert found.foreign == ()


ROWS = (
    '"100001",9,0,0,0,0,1,"1001_IEO_ANG_HI",10\n'
    '"200001",0,9,0,0,0,0,"1001_IEO_ANG_HI",9\n'
    '"300001",0,0,9,0,0,0,"1001_IEO_ANG_HI",9\n'
    '"200002",1,0,0,0,0,0,"1001_DFA_NEU_XX",1\n'
)


@pytest.mark.parametrize("root", ["", "AudioWAV"])
def test_the_tables_are_found_below_the_folder_and_beside_the_audio(release, root):
    write(release, "processedResults/tabulatedVotes.csv", VOTES + ROWS)
    clip = next(c for c in scan(CREMA_D, release / root).clips if c.intensity == "high")
    assert (clip.sex, clip.age, clip.votes) == ("male", 51, (("angry", 9.0), ("sad", 1.0)))


def test_a_release_in_a_folder_of_its_name_twice_with_litter(tmp_path):
    for root in ("CREMA-D-1.0", "CREMA-D-1.0/CREMA-D-1.0"):
        write(tmp_path, f"{root}/AudioWAV/1001_IEO_ANG_HI.wav")
        write(tmp_path, f"{root}/VideoDemographics.csv", PEOPLE)
    write(tmp_path, "__MACOSX/AudioWAV/1001_IEO_SAD_HI.wav")
    write(tmp_path, "CREMA-D-1.0/AudioWAV/._1001_IEO_SAD_HI.wav")
    write(tmp_path, "._VideoDemographics.csv", "not a table")
    write(tmp_path, "CREMA-D-1.0/AudioWAV/notes.wav")
    found = scan(CREMA_D, tmp_path)
    assert [(c.clip_id, c.age) for c in found.clips] == [("crema_d/1001_IEO_ANG_HI", 51)]
    assert (len(found.copies), len(found.foreign)) == (1, 1)


@pytest.mark.parametrize("stem", sorted(HEARD_OTHERWISE))
def test_an_mp3_that_is_not_the_recording_never_stands_for_it(tmp_path, stem):
    write(tmp_path, f"AudioWAV/{stem}.wav", "short")
    mp3 = write(tmp_path, f"AudioMP3/{stem}.mp3", "a minute of everything")
    found = scan(CREMA_D, tmp_path)
    assert [clip.path.suffix for clip in found.clips] == [".wav"]
    assert found.foreign == (mp3,)


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        (
            "VideoDemographics.csv",
            "ActorID,Age\n1001,51\n",
            "line 1: expected a column 'Sex', found ['ActorID', 'Age']",
        ),
        ("VideoDemographics.csv", "", "line 1: expected a column 'ActorID', found None"),
        ("VideoDemographics.csv", PEOPLE + "1002,x,Female,,\n", "line 3: expected Female or Male and an age in years"),
        ("VideoDemographics.csv", PEOPLE + "1002,21,F,,\n", "line 3: expected Female or Male"),
        ("VideoDemographics.csv", PEOPLE + "1002\n", "line 3: expected Female or Male"),
        ("tabulatedVotes.csv", "fileName,A\n", "line 1: expected a column ''"),
        ("tabulatedVotes.csv", VOTES + "100001,1,0,0\n", "line 2: expected an index such as 100001 and six counts"),
        ("tabulatedVotes.csv", VOTES + "400001,1,0,0,0,0,0,x,1\n", "line 2: expected an index such as 100001"),
        ("tabulatedVotes.csv", VOTES + "100001,-1,0,0,0,0,0,x,1\n", "line 2: expected an index such as 100001"),
    ],
)
def test_a_malformed_table_is_refused_with_its_line(tmp_path, name, text, what):
    table = write(tmp_path, f"deep/down/{name}", text)
    with pytest.raises(CorpusError, match=re.escape(f"{table}, {what}")):
        read(tmp_path)


def test_a_table_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "VideoDemographics.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CorpusError, match=r"VideoDemographics\.csv is not a readable table"):
        read(tmp_path)


@pytest.mark.parametrize(
    "stem", ["1001_IEO_ANG", "1001_IEO_ANG_HI_2", "1001-IEO-ANG-HI", "x1001_IEO_ANG_HI", "1001_IEO_ANG_HIGH", "readme"]
)
def test_other_names_are_foreign(parse, stem):
    assert parse(Path(f"AudioWAV/{stem}.wav")) is None


@pytest.mark.parametrize(
    ("stem", "what"),
    [
        ("1092_IEO_ANG_HI", "actor 1092; expected 1001 to 1091"),
        ("1000_IEO_ANG_HI", "actor 1000; expected 1001 to 1091"),
        ("1001_XYZ_ANG_HI", "sentence 'XYZ'"),
        ("1001_IEO_SUR_HI", "emotion 'SUR'"),
        ("1001_IEO_ANG_MX", "level 'MX'"),
    ],
)
def test_an_unknown_code_is_refused_with_the_path(parse, stem, what):
    path = Path(f"AudioWAV/{stem}.wav")
    with pytest.raises(CorpusError, match=re.escape(f"{path}: unknown CREMA-D {what}")):
        parse(path)


def outcome(parse, path: Path) -> Clip | str | None:
    try:
        return parse(path)
    except CorpusError as error:
        return str(error)


ANY_NAME = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1)
LIKE_A_NAME = st.from_regex(r"1[01]\d\d_(IEO|[A-Z]{3})_(ANG|[a-zA-Z]{3})_[A-Z]{1,2}", fullmatch=True)


@given(ANY_NAME | LIKE_A_NAME)
def test_no_name_breaks_the_parser(parse, stem):
    found = outcome(parse, Path(f"{stem}.wav"))
    if isinstance(found, Clip):
        assert found.native_label in LABELS.values()
    else:
        assert found is None or stem in found


@pytest.mark.real
def test_the_published_folds_are_of_clips_and_actors_there_are(names_list):
    rows = names_list("crema_d")
    clips = {Path(row["path"]).stem for row in rows}
    actors = Counter(row["speaker"] for row in rows)
    assert {name: folds.unit for name, folds in CREMA_D.folds.items()} == {
        "emobox": "clip",
        "nkululeko": "speaker",
        "audeering": "speaker",
        "tfds": "speaker",
    }
    sizes = {}
    for name, folds in CREMA_D.folds.items():
        known = clips if folds.unit == "clip" else set(actors)
        (fold,) = folds.folds.values()
        assert set(fold.test) | set(fold.validation) <= known
        assert not set(fold.test) & set(fold.validation)
        sizes[name] = [sum(actors.get(m, 1) for m in part) for part in (fold.test, fold.validation)]
    assert sizes["emobox"] == [1856, 0]
    assert sizes["nkululeko"] == [1558, 1224]
    assert sizes["audeering"] == [1393, 1476]


def test_no_audio_is_opened(release):
    assert all(path.stat().st_size < 20 for path in audio_files(release))
    assert len(scan(CREMA_D, release).clips) == 3
