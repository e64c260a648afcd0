"""A recipe is YAML under command-line overrides; whatever is wrong with it is one clear message."""

import re
from pathlib import Path

import pytest
import yaml

from ser_hf.base.errors import RecipeError
from ser_hf.training import folders, load_recipe, pairs
from ser_hf.training.arguments import GROUPS
from ser_hf.training.recipe import keys

BASE = "corpora: [ravdess, savee]\nprotocol: random\nmodel: timm_cnn\n"
NEEDED = ["--corpora", "ravdess", "--protocol", "random", "--model", "timm_cnn"]


@pytest.fixture
def recipe_file(tmp_path: Path):
    def write(text: str, name: str = "r.yaml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refused(path: Path | None, *words: str) -> str:
    """The message of the error, which is one line."""
    with pytest.raises(RecipeError) as caught:
        load_recipe(path, words)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_command_line_wins_over_the_file_and_the_file_over_the_defaults(recipe_file):
    path = recipe_file(f"{BASE}learning_rate: 1e-4\nnum_train_epochs: 7\nn_mels: 64\ntest_size: .2\n")
    recipe = load_recipe(path, ["--num_train_epochs", "3", "--corpora", "tess"], n_mels=32, hop_length=512)
    assert recipe.training.learning_rate == 1e-4
    assert recipe.training.num_train_epochs == 3
    assert recipe.data.corpora == ["tess"]
    assert (recipe.data.test_size, recipe.features.n_mels, recipe.features.hop_length) == (0.2, 64, 512)
    assert recipe.features.duration == 3.0


@pytest.mark.parametrize("text", ["1e-4", "1E-4", "1.0e-4", "0.0001", ".1e-3"])
def test_powers_of_ten_are_numbers(text):
    assert pairs([f"x={text}"]) == {"x": 1e-4}


def test_words_that_only_look_like_powers_stay_words():
    assert pairs(["a=1e", "b=e-4", "c=1e-4x", "d='1e-4'"]) == {"a": "1e", "b": "e-4", "c": "1e-4x", "d": "1e-4"}


def test_both_spellings_of_an_option(recipe_file):
    recipe = load_recipe(
        recipe_file(BASE), ["--seed=5", "--protocol=emobox", "--fold=2", "--model_settings=dropout=0.3"]
    )
    assert (recipe.training.seed, recipe.data.protocol, recipe.data.fold) == (5, "emobox", 2)
    assert recipe.folder == Path("runs/r-emobox-fold2")
    assert pairs(recipe.model.model_settings) == {"dropout": 0.3}


def test_another_protocol_leaves_the_shares_it_does_not_take(recipe_file):
    shares = recipe_file(BASE + "validation_size: 0.2\ntest_size: 0.3\n")
    data = load_recipe(shares, ["--protocol", "emobox"]).data
    assert (data.validation_size, data.test_size) == (0.2, 0.1)
    assert (
        load_recipe(shares, ["--protocol", "random-90-5-5"])
        .settings()
        .keys()
        .isdisjoint({"validation_size", "test_size"})
    )
    assert load_recipe(shares, ["--protocol", "random-90-5-5", "--validation_size", "0.4"]).data.validation_size == 0.4


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{BASE}model: timm_cnn\n", "r.yaml: key 'model' is given twice"),
        (f"{BASE}learning_rat: 1\n", "r.yaml: unknown key 'learning_rat'; did you mean 'learning_rate'"),
        (f"{BASE}mixup: 1\n", "r.yaml: unknown key 'mixup'; did you mean 'mixup_alpha'"),
        (f"{BASE}no_skip_bad: true\n", "r.yaml: unknown key 'no_skip_bad'; did you mean 'skip_bad'"),
        (f"{BASE}1: 2\n", "r.yaml: key 1 is not text"),
        (f"{BASE}n_mels: many\n", "n_mels.*'many'"),
        (f"{BASE}skip_bad: perhaps\n", "perhaps"),
        (f"{BASE}seed: 1.5\n", "seed.*'1.5'"),
        (f"{BASE}seed:\n", "key 'seed' has no value"),
        (f"{BASE}lr_scheduler_type: cosin\n", "cosin"),
        (f"{BASE}data_dirs: [ravdess]\n", "'ravdess': expected key=value"),
        ("", "expected `key: value` lines, found NoneType"),
        ("- a\n- b\n", "expected `key: value` lines, found list"),
        ("just words", "expected `key: value` lines, found str"),
        ("a: [1\nb: 2", "r.yaml is not YAML: .*line 2"),
        ("when: 2026-13-45", "r.yaml is not YAML: month must be in"),
        ("a: !!python/object/apply:os.system ['true']", "r.yaml is not YAML: could not determine a constructor"),
        ("protocol: random\nmodel: timm_cnn", "names no corpora; add `corpora: ...` or --corpora"),
        ("corpora: ravdess\nmodel: timm_cnn", "names no protocol"),
        ("corpora: ravdess\nprotocol: random", "names no model"),
    ],
)
def test_what_is_wrong_in_the_file_is_said(recipe_file, text, said):
    assert re.search(said, refused(recipe_file(text)))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--learning_rat", "1"], "the command line: unknown key 'learning_rat'; did you mean 'learning_rate'"),
        (["--no_such_key"], "the command line: unknown key 'such_key'"),
        (["--n_mels", "many"], "n_mels.*'many'"),
        (["--fold", "one"], "fold.*'one'"),
        (["--n_mels"], "n_mels.*expected one argument"),
        (["--seed", "1", "stray"], "the command line: seed takes one value, found 2: 1 stray"),
        (["--model_settings", "dropout"], "'dropout': expected key=value"),
        (["--eval_strategy", "no"], "(?i)strateg"),  # the best checkpoint cannot be kept without an evaluation
    ],
)
def test_what_is_wrong_on_the_command_line_is_said(recipe_file, words, said):
    assert re.search(said, refused(recipe_file(BASE), *words))


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path):
    assert re.search("no recipe at .*gone.yaml. See `ser-hf list recipes`", refused(tmp_path / "gone.yaml"))
    assert "cannot be read as a recipe" in refused(tmp_path)
    (tmp_path / "latin.yaml").write_bytes(b"model: caf\xe9")
    assert "cannot be read as a recipe" in refused(tmp_path / "latin.yaml")


def test_settings_of_the_model_are_merged_by_name(recipe_file):
    path = recipe_file(f"{BASE}model_settings:\n  backbone: resnet34\n  drop_rate: 0.2\n  pools: [[2, 2], [1, 1]]\n")
    assert pairs(load_recipe(path).model.model_settings) == {
        "backbone": "resnet34",
        "drop_rate": 0.2,
        "pools": [[2, 2], [1, 1]],
    }
    recipe = load_recipe(path, ["--model_settings", "backbone=vgg19", "in_chans=3"])
    assert pairs(recipe.model.model_settings) == {
        "backbone": "vgg19",
        "drop_rate": 0.2,
        "pools": [[2, 2], [1, 1]],
        "in_chans": 3,
    }


@pytest.mark.parametrize("written", ["{ravdess: /a, savee: '/b: c'}", "['ravdess=/a', 'savee=/b: c']"])
def test_folders_of_corpora_are_merged_by_name_and_taken_as_they_are(recipe_file, written):
    path = recipe_file(f"{BASE}data_dirs: {written}\n")
    assert folders(load_recipe(path).data.data_dirs) == {"ravdess": "/a", "savee": "/b: c"}
    overridden = load_recipe(path, ["--data_dirs", "savee=2024", "tess=~/x=y"])
    assert folders(overridden.data.data_dirs) == {"ravdess": "/a", "savee": "2024", "tess": "~/x=y"}


def test_a_value_that_is_no_yaml_is_refused():
    with pytest.raises(RecipeError, match=r"dropout=\[1: a value is not YAML"):
        pairs(["dropout=[1"])
    with pytest.raises(RecipeError, match="expected key=value"):
        folders(["ravdess"])


def test_null_is_none_where_a_key_can_be_none(recipe_file):
    recipe = load_recipe(recipe_file(f"{BASE}trim_db: null\nsave_total_limit: ~\n"))
    assert (recipe.features.trim_db, recipe.training.save_total_limit) == (None, None)
    assert load_recipe(recipe_file(f"{BASE}trim_db: null\n"), ["--trim_db", "20"]).features.trim_db == 20.0


def test_settings_keep_what_was_given_and_no_place_or_secret(recipe_file):
    path = recipe_file(f"{BASE}data_root: /data\nlearning_rate: 1e-4\nmodel_settings: {{backbone: resnet18}}\n")
    words = ["--skip_bad", "--output_dir", "/runs/x", "--data_dirs", "tess=/t", "--hub_token", "hf_secret"]
    words += ["--overwrite", "true", "--push_to_hub", "true", "--hub_model_id", "a/b"]
    settings = load_recipe(path, words).settings()
    assert settings == {
        "corpora": ["ravdess", "savee"],
        "protocol": "random",
        "model": "timm_cnn",
        "learning_rate": 1e-4,
        "model_settings": ['backbone="resnet18"'],
        "skip_bad": True,
    }
    again = yaml.safe_dump(settings)
    assert load_recipe(recipe_file(again, "again.yaml")).settings() == settings


def test_settings_are_plain_data(recipe_file):
    settings = load_recipe(recipe_file(BASE), ["--lr_scheduler_type", "linear", "--optim", "adamw_torch"]).settings()
    assert {k: settings[k] for k in ("lr_scheduler_type", "optim")} == {
        "lr_scheduler_type": "linear",
        "optim": "adamw_torch",
    }
    assert type(settings["lr_scheduler_type"]) is str


@pytest.mark.parametrize(
    ("name", "words", "folder"),
    [
        ("some/place/net.yaml", [], "runs/net-random"),
        ("recipes/ravdess/net.yaml", [], "runs/ravdess-net-random"),
        ("recipes/ravdess/net.yaml", ["--protocol", "emobox", "--fold", "3"], "runs/ravdess-net-emobox-fold3"),
        ("net.yaml", ["--fold", "1", "--fold", "2", "--protocol", "emobox"], "runs/net-emobox-fold2"),
        ("net.yaml", ["--output_dir", "elsewhere"], "elsewhere"),
    ],
)
def test_the_run_folder_carries_recipe_protocol_and_fold(recipe_file, name, words, folder):
    assert load_recipe(recipe_file(BASE, name), words).folder == Path(folder)


def test_balance_none_is_the_word_and_the_default(recipe_file):
    told = load_recipe(recipe_file(f"{BASE}balance: none\n"))
    assert (told.data.balance, told.data.balance_to) == ("none", None)
    assert load_recipe(recipe_file(BASE)).data.balance == "none"
    told = load_recipe(recipe_file(f"{BASE}balance: oversample\nbalance_to: 300\n"))
    assert (told.data.balance, told.data.balance_to) == ("oversample", 300)
    assert told.settings()["balance"] == "oversample"


def test_a_recipe_without_a_file():
    recipe = load_recipe(None, NEEDED, seed=3)
    assert (recipe.name, recipe.training.seed, recipe.folder) == ("run", 3, Path("runs/run-random"))
    assert refused(None) == "recipe names no corpora; add `corpora: ...` or --corpora ..."


@pytest.mark.parametrize(
    ("words", "expected"),
    [([], False), (["--skip_bad"], True), (["--skip_bad", "true"], True), (["--skip_bad", "false"], False)],
)
def test_a_flag_with_and_without_a_value(words, expected):
    assert load_recipe(None, [*NEEDED, *words]).data.skip_bad is expected


def test_the_file_sets_a_flag_and_the_command_line_takes_it_back(recipe_file):
    path = recipe_file(f"{BASE}skip_bad: true\nload_best_model_at_end: true\n")
    assert load_recipe(path).data.skip_bad is True
    assert load_recipe(path, ["--skip_bad", "false"]).data.skip_bad is False
    recipe = load_recipe(path, ["--no_load_best_model_at_end"])
    assert recipe.training.load_best_model_at_end is False
    assert recipe.settings()["load_best_model_at_end"] is False


def test_no_key_means_two_things():
    ours = [field for group in GROUPS for field in group.__dataclass_fields__]
    theirs = set(load_recipe(None, NEEDED).training.__dataclass_fields__)
    assert len(ours) == len(set(ours))
    assert not theirs & set(ours)
    assert {*ours, "learning_rate", "seed", "resume_from_checkpoint"} <= set(keys())


def test_a_list_where_one_value_is_expected_is_told_by_file_and_key(recipe_file):
    message = refused(recipe_file("corpora: [ravdess]\nprotocol: emobox\nmodel: svm\nfold: [1, 2]\n"))
    assert "r.yaml: fold is a list, [1, 2]; expected one value" in message
    plain = recipe_file("corpora: [ravdess]\nprotocol: emobox\nmodel: svm\n")
    assert refused(plain, "--fold", "1", "2") == "the command line: fold takes one value, found 2: 1 2"
    assert refused(plain, "stray", "--fold", "1").startswith("not understood on the command line: stray")


@pytest.mark.parametrize("words", [["--waveform_augment"], ["--waveform_augment", "none"], ["--waveform_augment="]])
def test_a_list_is_emptied_from_the_command_line(recipe_file, words):
    text = "corpora: [ravdess]\nprotocol: random\nmodel: timm_cnn\nwaveform_augment: ['{noise: 0.1}']\n"
    assert load_recipe(recipe_file(text)).augment.waveform_augment
    emptied = load_recipe(recipe_file(text), [*words, "--seed", "1"])
    assert (emptied.augment.waveform_augment, emptied.training.seed) == ([], 1)


def test_a_run_is_named_after_what_was_run(tmp_path):
    path = tmp_path / "recipes" / "baselines" / "svm.yaml"
    path.parent.mkdir(parents=True)
    path.write_text("corpora: [ravdess, savee]\nprotocol: random\nmodel: svm\n")
    for words, name in (
        ([], "baselines-svm"),
        (["--corpora", "ravdess", "savee"], "baselines-svm"),
        (["--corpora", "emodb"], "emodb-svm"),
        (["--corpora", "emodb", "tess", "--seed", "1"], "emodb-tess-svm"),
    ):
        told = load_recipe(path, words)
        assert (told.name, told.training.output_dir) == (name, f"runs/{name}-random")


def test_a_file_nested_without_end_is_refused(recipe_file):
    message = refused(recipe_file("corpora: " + "[" * 10_000 + "]" * 10_000))
    assert message.endswith("r.yaml: it is nested too deep; a recipe or scheme has a few levels")


def test_an_endless_device_is_no_recipe(tmp_path):
    (tmp_path / "mine.yaml").symlink_to("/dev/zero")
    said = "cannot be read as a recipe: a device, pipe or socket, not a file"
    assert refused(tmp_path / "mine.yaml").endswith(said)
