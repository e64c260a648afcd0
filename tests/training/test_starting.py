"""Going on from a checkpoint: what is kept, by the names of the classes; what contradicts it; what its past says."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file

from ser_hf.base.errors import CheckpointError, RecipeError, SplitError
from ser_hf.cli import main
from ser_hf.flows.train import prepare
from ser_hf.labels import Scheme
from ser_hf.training import load_checkpoint, load_recipe, make_extractor, make_model

HEAD = ("classifier.weight", "classifier.bias")


@pytest.fixture
def start(tiny_recipe):
    """A function that gives the model a recipe starts with under a scheme."""

    def start(source, classes=None, *words: str):
        recipe = load_recipe(tiny_recipe, ["--init_from", str(source), *words])
        return make_model(recipe, make_extractor(recipe), Scheme("mine", tuple(classes)) if classes else None)

    return start


@pytest.fixture(scope="module")
def weights(tiny_run):
    return load_file(tiny_run.folder / "model.safetensors")


EIGHT = ["neutral", "calm", "happy", "sad", "angry", "fearful", "disgust", "surprised"]


def test_the_same_classes_keep_everything(start, tiny_run, weights):
    model = start(tiny_run.folder, EIGHT)
    assert all(torch.equal(model.state_dict()[name], tensor) for name, tensor in weights.items())
    assert list(model.config.id2label.values()) == EIGHT


@pytest.mark.parametrize(
    ("classes", "rows"),
    [
        (EIGHT[::-1], [7, 6, 5, 4, 3, 2, 1, 0]),
        (["sad", "angry"], [3, 4]),
        (["stressed", "sad", "Wut"], [None, 3, None]),
        (["stressed", "relaxed"], [None, None]),
    ],
)
def test_the_rows_of_the_head_follow_the_names(start, tiny_run, weights, classes, rows):
    model = start(tiny_run.folder, classes)
    state = model.state_dict()
    for name, tensor in weights.items():
        if name not in HEAD:
            assert torch.equal(state[name], tensor)
    assert len(state[HEAD[0]]) == len(classes) == model.config.num_labels
    for mine, theirs in enumerate(rows):
        if theirs is not None:
            assert all(torch.equal(state[name][mine], weights[name][theirs]) for name in HEAD)
    assert model.config.label2id == {name: i for i, name in enumerate(classes)}


def test_a_run_goes_on_with_other_classes_and_says_what_it_kept(tiny_run, tiny_recipe, tmp_path, caplog):
    caplog.set_level("INFO")
    run = tmp_path / "second"
    words = ["--init_from", str(tiny_run.folder), "--scheme", "4class", "--num_train_epochs", "1", "--corpora", "tess"]
    assert main(["train", str(tiny_recipe), "--output_dir", str(run), *words]) == 0
    assert "in classifier the rows of neutral, happy, sad, angry" in caplog.text
    assert "new in classifier: nothing" in caplog.text
    results = json.loads((run / "results.json").read_text())
    assert results["model"]["base_model"] == "tiny"
    assert "caveat" not in results
    model, _ = load_checkpoint(run)
    assert list(model.config.id2label.values()) == ["neutral", "happy", "sad", "angry"]


def test_speakers_that_were_trained_on_are_told(tiny_run, tiny_recipe, tmp_path):
    run = tmp_path / "second"
    words = ["--init_from", str(tiny_run.folder), "--num_train_epochs", "1"]
    assert main(["train", str(tiny_recipe), "--output_dir", str(run), *words]) == 0
    results = json.loads((run / "results.json").read_text())
    assert "it started from tiny, which was trained on" in results["caveat"]
    assert not results["split"]["speaker_independent"]
    card = (run / "README.md").read_text()
    assert str(tiny_run.folder) not in (run / "results.json").read_text() + card
    assert "It started from tiny" in card


def test_clips_that_were_trained_on_are_not_tested_on(tiny_run, tiny_recipe):
    recipe = load_recipe(tiny_recipe, ["--init_from", str(tiny_run.folder), "--split_seed", "7"])
    with pytest.raises(SplitError, match=r"of \d+ test clips were used in training by .*tiny.*split as that run did"):
        prepare(recipe)


def test_recordings_under_other_names_were_trained_on_all_the_same(tiny_run, tiny_recipe, tones_root, tmp_path):
    for i, path in enumerate(sorted((tones_root / "ravdess").rglob("*.wav"))):
        folder = tmp_path / "calls" / ("sad" if i % 2 else "happy")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / f"{i}.wav")
    words = ["--init_from", str(tiny_run.folder), "--dataset", str(tmp_path / "calls"), "--protocol", "random"]
    with pytest.raises(SplitError, match=r"test clips were used in training by .*tiny, e\.g\. calls/"):
        prepare(load_recipe(tiny_recipe, words))


def test_of_a_checkpoint_without_a_past_nothing_is_claimed(tiny_run, tiny_recipe, tmp_path):
    copy = tmp_path / "pulled"
    shutil.copytree(tiny_run.folder, copy, ignore=shutil.ignore_patterns("split.json", "checkpoints"))
    data = prepare(load_recipe(tiny_recipe, ["--init_from", str(copy)]))
    assert data.caveat == "it started from pulled, and what it was trained on is not known here"
    assert not data.split.info.speaker_independent


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--n_mels", "64"], "n_mels is 64, and .* was trained with 32; leave it out"),
        (["--model_settings", "lstm_size=9"], "lstm_size is 9, and .* was trained with 8"),
        (["--model", "timm_cnn"], "is a cnn_blstm_attention, and the recipe's model is timm_cnn; take a recipe with"),
        (["--model", "transformer"], "is a cnn_blstm_attention, and the recipe's model is transformer"),
        (["--imagenet", "true"], "init_from and imagenet both say where the weights come from"),
    ],
)
def test_what_contradicts_the_checkpoint_is_refused(start, tiny_run, words, message):
    with pytest.raises(RecipeError, match=message):
        start(tiny_run.folder, EIGHT, *words)


@pytest.mark.parametrize("source", ["runs/none/of/these", "./nowhere"])
def test_a_checkpoint_that_is_not_there(start, source):
    with pytest.raises(CheckpointError, match="no checkpoint folder"):
        start(source)


def test_a_baseline_is_fitted_anew(start, tmp_path, tones_root):
    run = tmp_path / "svm"
    words = ["--corpora", "ravdess", "--data_root", str(tones_root), "--protocol", "random", "--num_train_epochs", "1"]
    assert main(["train", "svm", "--output_dir", str(run), *words[:-2]]) == 0
    with pytest.raises(RecipeError, match=r"is a baseline of scikit-learn; only networks .* leave out init_from"):
        start(run)


@pytest.fixture
def stock(tiny_recipe, tmp_path, save_transformer):
    """A function that gives a stock model, fine-tuned by somebody on four classes, and what a recipe starts with."""

    def stock(family: str, classes: list[str], *words: str, settings: tuple[str, ...] = ()):
        folder = tmp_path / family
        save_transformer(family, folder)
        recipe = load_recipe(None, [*SOMEBODY, "--model_settings", f"pretrained={folder}"])
        somebody = make_model(recipe, make_extractor(recipe), Scheme("theirs", ("ang", "hap", "neu", "sad")))
        somebody.save_pretrained(tmp_path / "theirs")
        make_extractor(recipe).save_pretrained(tmp_path / "theirs")
        settings = ("--model_settings", *settings) if settings else ()
        recipe = load_recipe(None, [*SOMEBODY, "--init_from", str(tmp_path / "theirs"), *settings, *words])
        return somebody, make_model(recipe, make_extractor(recipe), Scheme("mine", tuple(classes)))

    return stock


SOMEBODY = ["--model", "transformer", "--corpora", "ravdess", "--protocol", "random"]


@pytest.mark.parametrize("family", ["wav2vec2", "whisper", "audio-spectrogram-transformer"])
def test_a_strangers_transformer_keeps_the_rows_of_classes_by_their_meaning(stock, family):
    theirs, mine = stock(family, ["sad", "stressed", "angry"])
    before, after = theirs.state_dict(), mine.state_dict()
    last = [name for name in before if name.startswith("classifier") and before[name].shape[0] == 4]
    assert last
    for name, tensor in before.items():
        if name in last:
            assert torch.equal(after[name][[0, 2]], tensor[[3, 0]])
        else:
            assert torch.equal(after[name], tensor)


def test_a_mapping_says_what_a_strangers_class_means(stock):
    theirs, mine = stock("wav2vec2", ["calm", "sad"], "--labels", "neu=calm")
    assert torch.equal(mine.classifier.weight, theirs.classifier.weight[[2, 3]])


def test_a_strangers_transformer_may_be_frozen(stock):
    _, mine = stock("wav2vec2", ["calm", "sad"], settings=("freeze=encoder",))
    assert not any(p.requires_grad for p in mine.wav2vec2.parameters())


def test_a_checkpoint_of_pretraining_has_a_new_head(start, tmp_path, save_transformer, caplog):
    caplog.set_level("INFO")
    save_transformer("wav2vec2", tmp_path / "pretrained")
    recipe = load_recipe(None, [*SOMEBODY, "--init_from", str(tmp_path / "pretrained")])
    make_model(recipe, make_extractor(recipe), Scheme("mine", ("sad", "angry")))
    assert "in classifier the rows of none" in caplog.text
    assert "new in classifier: the rows of sad, angry" in caplog.text
    with pytest.raises(CheckpointError, match=r"missing weights, e\.g\. (classifier|projector)"):
        load_checkpoint(tmp_path / "pretrained")
