"""Whatever the user can get wrong is one clear message on standard error and exit code 2, never a traceback."""

import re
import shutil

import pytest

from ser_hf.cli import main

CODES = {"RAVDESS": "ravdess/Actor_01/03-01-09-01-01-01-01.wav", "SAVEE": "savee/AudioData/DC/x01.wav"}
CODES["TESS"] = "tess/OAF_glad/OAF_back_glad.wav"


@pytest.fixture
def data(tones_root, tmp_path):
    """A copy of the recordings, to be damaged."""
    return shutil.copytree(tones_root, tmp_path / "data")


@pytest.fixture
def refused(capsys):
    """Runs a command that must be refused; gives the one message."""

    def run(*words) -> str:
        capsys.readouterr()
        assert main([str(word) for word in words]) == 2
        shown = capsys.readouterr()
        assert shown.out == ""
        assert "Traceback" not in shown.err
        lines = [line for line in shown.err.splitlines() if line.strip()]
        assert [line for line in lines if line.startswith(f"ser-hf {words[0]}: ")] == lines
        assert len(lines) == 1
        return lines[0]

    return run


def build(root, out, *corpora, **options):
    words = [word for key, value in options.items() for word in (f"--{key}", value)]
    return ["build", "--corpora", *corpora, "--data_root", root, "--output", out, "--protocol", "random", *words]


def test_a_missing_data_root(refused, tmp_path, tiny_recipe):
    message = refused(*build(tmp_path / "none", tmp_path / "out", "ravdess"))
    assert f"looked for {tmp_path / 'none' / 'ravdess'}, which does not exist" in message
    assert "https://zenodo.org/records/1188976" in message
    assert "--data_root" in message
    message = refused("train", tiny_recipe, "--data_root", tmp_path / "none", "--output_dir", tmp_path / "run")
    assert f"looked for {tmp_path / 'none' / 'ravdess'}" in message


def test_no_data_root_at_all(refused, tmp_path):
    message = refused("build", "--corpora", "savee", "--protocol", "random", "--output", tmp_path / "out")
    assert "no folder given; pass --data_root DIR (with DIR/savee) or --data_dirs savee=DIR" in message


def test_a_folder_without_clips(refused, tmp_path):
    (tmp_path / "ravdess").mkdir()
    message = refused(*build(tmp_path, tmp_path / "out", "ravdess"))
    assert "no clip found below" in message
    assert "03-01-05-02-01-01-12.wav" in message


def test_a_corpus_with_no_readable_clip(refused, tmp_path):
    for code in ("a01", "h01"):
        path = tmp_path / "savee" / "DC" / f"{code}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    message = refused(*build(tmp_path, tmp_path / "out", "savee"), "--skip_bad")
    assert "no readable clip in savee" in message
    assert "a01.wav" in message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("damage", ["truncated", "empty", "text", "pointer"])
def test_an_unreadable_file_is_named_or_left_out(refused, data, tmp_path, capsys, damage):
    bad = data / "tess" / "OAF_sad" / "OAF_bite_sad.wav"
    whole = bad.read_bytes()
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12844\n"
    bad.write_bytes({"truncated": whole[:3000], "empty": b"", "text": b"Hello, world.\n", "pointer": pointer}[damage])
    words = build(data, tmp_path / "out", "tess")
    assert str(bad) in refused(*words)
    assert not (tmp_path / "out").exists()
    if damage == "truncated":
        assert main([*map(str, words), "--skip_bad"]) == 0
        shown = capsys.readouterr().out
        assert "27 of 28 clips" in shown
        assert re.search(rf"unreadable: .*{bad.stem}.*truncated", shown)


@pytest.mark.parametrize("corpus", CODES)
def test_an_unknown_emotion_code(refused, data, tmp_path, corpus):
    path = data / CODES[corpus]
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(next(data.rglob("*.wav")), path)
    message = refused(*build(data, tmp_path / "out", corpus.lower()))
    assert f"{path}: unknown {corpus} emotion" in message
    assert "expected" in message


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [
        ({"corpora": "ravdes"}, "unknown corpus 'ravdes'; did you mean 'ravdess' or 'ravdess_song'?"),
        ({"protocol": "randon"}, "unknown protocol 'randon'; did you mean 'random'?"),
        ({"scheme": "8clas"}, "unknown label scheme '8clas'; did you mean '8class'"),
    ],
)
def test_an_unknown_name_in_build(refused, tones_root, tmp_path, wrong, nearest):
    options = {"corpora": "ravdess", "protocol": "random", "scheme": "8class"} | wrong
    words = [word for key, value in options.items() for word in (f"--{key}", value)]
    assert nearest in refused("build", "--data_root", tones_root, "--output", tmp_path / "out", *words)


@pytest.mark.parametrize(
    ("words", "nearest"),
    [
        (["--corpora", "ravdess", "save"], "unknown corpus 'save'; did you mean 'savee'"),
        (["--data_dirs", "tes=x"], "unknown corpus 'tes'; did you mean 'tess'"),
        (["--protocol", "speaker-independant"], "unknown protocol 'speaker-independant'; did you mean"),
        (["--scheme", "9class"], "unknown label scheme '9class'; did you mean"),
        (["--model", "cnn_blstm"], "unknown model 'cnn_blstm'; did you mean 'cnn_blstm_attention'"),
        (
            ["--model_settings", "lstm_sise=8"],
            "'cnn_blstm_attention' 'lstm_sise'; did you mean 'lstm_size'",
        ),
        (["--learning_rat", "1"], "unknown key 'learning_rat'; did you mean 'learning_rate'"),
        (["--mixup", "1"], "unknown key 'mixup'; did you mean 'mixup_alpha'"),
        (["--precision", "bf8"], "precision 'bf8': expected one of auto, bf16, fp32"),
        (["--time_masks", "-1"], "time_masks is -1"),
        (["--test_size", "2"], "test_size is 2.0; expected 0 to 1"),
        (["--fold", "1"], "protocol 'random' has no folds"),
        (["--protocol", "emobox"], "needs a fold"),
        (["--feature_device", "tpu9"], "unknown device 'tpu9'"),
        (["--n_mels", "many"], "n_mels"),
        (["--optim", "adamx"], "adamx"),
        (["--metric_for_best_model", "uarr"], "unknown metric_for_best_model 'uarr'; did you mean 'uar'"),
        (["--per_device_train_batch_size", "0"], "per_device_train_batch_size is 0; expected more than 0"),
        (["--learning_rate", "0"], "learning_rate is 0.0; expected more than 0"),
        (["stray"], "max_steps takes one value, found 2: 1 stray"),
    ],
)
def test_a_recipe_that_cannot_be_run(refused, tiny_recipe, tmp_path, words, nearest):
    message = refused("train", tiny_recipe, "--output_dir", tmp_path / "run", "--max_steps", "1", *words)
    assert nearest in message
    assert not (tmp_path / "run" / "results.json").exists()


def test_an_option_that_the_protocol_does_not_take_is_named_before_any_clip_is_read(refused, tiny_recipe, tmp_path):
    gone = ("--data_root", tmp_path / "gone")
    assert "has no folds" in refused("train", tiny_recipe, "--output_dir", tmp_path / "run", "--fold", "1", *gone)
    words = ("--corpora", "ravdess", "--protocol", "loso", "--test_size", "0.2", "--output", tmp_path / "out", *gone)
    assert "takes no test_size" in refused("build", *words)


def test_an_unknown_backbone(refused, tones_root, tmp_path):
    recipe = tmp_path / "r.yaml"
    recipe.write_text("corpora: [tess]\nprotocol: random\nmodel: timm_cnn\nmodel_settings: {backbone: resnet43}\n")
    message = refused("train", recipe, "--data_root", tones_root, "--output_dir", tmp_path / "run")
    assert "unknown timm backbone 'resnet43'; did you mean 'resnet34'" in message


def test_a_recipe_file_with_an_unknown_key(refused, tmp_path):
    recipe = tmp_path / "r.yaml"
    recipe.write_text("corpora: [ravdess]\nprotocol: random\nmodel: timm_cnn\nlabel_smoothing: 0.1\n")
    assert f"{recipe}: unknown key 'label_smoothing'; did you mean 'label_smoothing_factor'" in refused("train", recipe)
    assert "no recipe at" in refused("train", tmp_path / "gone.yaml")


@pytest.mark.parametrize("command", ["predict", "evaluate", "push"])
def test_a_checkpoint_folder_without_a_configuration(refused, tiny_run, tones_root, tmp_path, command):
    shutil.copy(tiny_run.folder / "model.safetensors", tmp_path)
    more = {"predict": [next(tones_root.rglob("*.wav"))], "evaluate": [], "push": ["tester/tiny"]}[command]
    message = refused(command, tmp_path, *more)
    assert str(tmp_path) in message
    assert "config.json" in message


def test_predict_names_what_it_cannot_read(refused, tiny_run, tmp_path):
    (tmp_path / "notes.wav").write_text("no audio at all")
    assert "notes.wav" in refused("predict", tiny_run.folder, tmp_path / "notes.wav")
    assert "gone.wav does not exist" in refused("predict", tiny_run.folder, tmp_path / "gone.wav")
    assert "notes.wav" in refused("predict", tiny_run.folder, tmp_path), "every file below a folder is read"
    (tmp_path / "empty").mkdir()
    assert "empty holds no recording" in refused("predict", tiny_run.folder, tmp_path / "empty")


def test_a_run_folder_in_use(refused, tiny_run, tiny_recipe):
    message = refused("train", tiny_recipe, "--output_dir", tiny_run.folder)
    assert "already holds a run" in message
    assert "--overwrite true" in message


def test_trained_on_clips_are_not_scored(refused, tiny_run, tones_root, tmp_path):
    words = ["--corpora", "ravdess", "--data_root", tones_root, "--output", tmp_path / "e"]
    assert "were used in training" in refused("evaluate", tiny_run.folder, *words)


def test_a_place_that_cannot_be_written(refused, tones_root, tmp_path):
    (tmp_path / "file").write_text("in the way")
    message = refused(*build(tones_root, tmp_path / "file" / "out", "tess"))
    assert str(tmp_path / "file") in message


@pytest.mark.parametrize("word", ["--output_dir", "--output_dir=x"])
def test_a_study_names_the_folders_of_its_runs(word, capsys):
    assert main(["study", "data_size", word, *(["x"] if word == "--output_dir" else [])]) == 2
    assert "--output DIR is where they and the table go" in capsys.readouterr().err
