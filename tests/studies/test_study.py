"""A study file is read whole, and what it does not mean is refused by name."""

import pytest

from ser_hf.base.errors import RecipeError
from ser_hf.cli import main
from ser_hf.studies import expand, load_study, score_study, study_names
from ser_hf.training import RECIPES


def written(tmp_path, text):
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def no_folds(recipe):
    return ()


def test_rows_axes_folds_and_seeds_are_multiplied(tmp_path):
    study = load_study(
        written(
            tmp_path,
            "rows: {A: svm, B: {recipe: logistic, n_mels: 40}}\n"
            "axes: {seed: [1, 2], n_mfcc: [13, 20], split: {known: {protocol: kfold, folds: 3}, "
            "one: {protocol: emobox, fold: 2}}}\n"
            "keys: {corpora: [ravdess]}\n"
            "leave_out: [{row: B, split: one}]\n",
        )
    )
    cells = expand(study, tmp_path / "out", lambda recipe: (1, 2, 3) if recipe.data.protocol == "kfold" else (1,))
    assert [tuple(cell.names.values()) for cell in cells] == [
        ("A", "13", "known"),
        ("A", "13", "one"),
        ("A", "20", "known"),
        ("A", "20", "one"),
        ("B", "13", "known"),
        ("B", "20", "known"),
    ]
    known, one, *_, last = cells
    assert [(run.seed, run.fold) for run in known.runs] == [(s, f) for s in (1, 2) for f in (1, 2, 3)]
    assert [(run.seed, run.fold) for run in one.runs] == [(1, 2), (2, 2)]
    recipe = last.runs[-1].recipe()
    assert (recipe.data.corpora, recipe.data.folds, recipe.data.fold, recipe.training.seed) == (["ravdess"], 3, 3, 2)
    assert (recipe.features.n_mels, recipe.features.n_mfcc) == (40, 20)
    folders = {run.folder for cell in cells for run in cell.runs}
    assert len(folders) == sum(len(cell.runs) for cell in cells)


def test_a_fold_of_the_recipe_file_does_not_hide_the_others(tmp_path):
    study = load_study(written(tmp_path, "rows: [whisper_tiny_logistic]"))
    (cell,) = expand(study, tmp_path, lambda recipe: (1, 2))
    assert [run.fold for run in cell.runs] == [1, 2]


def test_weights_of_imagenet_go_to_the_rows_that_start_from_them(tmp_path):
    study = load_study(written(tmp_path, "rows: {a: from_scratch/efficientnet_lite0, b: imagenet/efficientnet_lite0}"))
    scratch, imagenet = expand(study, tmp_path, no_folds, imagenet="/w.safetensors")
    assert scratch.runs[0].recipe().model.imagenet_weights is None
    assert imagenet.runs[0].recipe().model.imagenet_weights == "/w.safetensors"


def test_figures_of_a_paper_go_to_their_cells(tmp_path):
    text = "source: S\nrows: [svm, logistic]\naxes: {n_mfcc: [13, 20]}\n"
    study = load_study(
        written(tmp_path, f"{text}paper: [{{row: svm, uar: 50}}, {{row: svm, n_mfcc: 20, accuracy: 60}}]")
    )
    assert study.figures_of({"row": "svm", "n_mfcc": "13"}) == {"source": "S", "uar": 50}
    assert study.figures_of({"row": "svm", "n_mfcc": "20"}) == {"source": "S", "uar": 50, "accuracy": 60}
    assert study.figures_of({"row": "logistic", "n_mfcc": "13"}) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("row: [svm]", "unknown key 'row'; did you mean 'rows'?"),
        ("title: x", "names no rows"),
        ("rows: 3", "rows: expected names of recipes"),
        ("rows: {a: {n_mels: 3}}", "rows: a: expected the name of a recipe"),
        ("rows: {a: {recipe: svm, n_mel: 3}}", "rows: a: unknown key 'n_mel'; did you mean 'n_mels'"),
        ("rows: [svm]\nkeys: {folb: 1}", "keys: unknown key 'folb'; did you mean 'fold'"),
        ("rows: [svm]\naxes: {split: [a, b]}", "axes: split: unknown key 'split'"),
        ("rows: [svm]\naxes: {seed: 3}", "axes: seed: expected a list"),
        ("rows: [svm]\naxes: {row: {a: {}}}", "row is the name of a column of the rows"),
        ("rows: [svm]\nbaseline: svn", "baseline: unknown row 'svn'; did you mean 'svm'?"),
        ("rows: [svm]\npaper: [{row: svn, uar: 3}]", "paper: unknown row 'svn'; did you mean 'svm'?"),
        ("rows: [svm]\npaper: [{uaf: 3}]", "paper: unknown key 'uaf'; did you mean 'uar'?"),
        ("rows: [svm]\npaper: [{uar: 0.5x}]", "paper: uar is '0.5x'; expected per cent"),
        ("rows: [svm]\npaper: [{uar: 500}]", "expected per cent"),
        ("rows: [svm]\nleave_out: [svm]", "leave_out: expected `{row: NAME, ...}`, found 'svm'"),
        ("- svm", "expected `key: value` lines, found list"),
        ("rows: [", "is not readable YAML"),
        ("rows: [svm]\nrows: [svm]", "twice"),
    ],
)
def test_slips_are_named(tmp_path, text, said):
    with pytest.raises(ValueError, match=r"mine\.yaml") as refused:
        load_study(written(tmp_path, text))
    assert said in str(refused.value)


def test_a_row_that_is_no_recipe_is_named_with_its_cell(tmp_path):
    study = load_study(written(tmp_path, "rows: {a: svn}\naxes: {split: {x: {protocol: random}}}"))
    with pytest.raises(RecipeError, match="study mine: a, x: unknown recipe 'svn'; did you mean 'svm'"):
        expand(study, tmp_path, no_folds)


def test_two_cells_may_not_share_a_folder(tmp_path):
    study = load_study(written(tmp_path, "rows: {a b: svm, a-b: svm}"))
    with pytest.raises(RecipeError, match="'a b' and 'a-b' are the same as names of folders"):
        expand(study, tmp_path, no_folds)


def test_a_study_that_is_not_there_is_asked_about(capsys):
    assert main(["study", "deepemone"]) == 2
    assert "unknown study 'deepemone'; did you mean 'deepemonet'?" in capsys.readouterr().err


@pytest.mark.parametrize("name", study_names())
def test_shipped_studies_are_made_of_recipes_that_can_be_read(name, tmp_path):
    study = load_study(name)
    cells = expand(study, tmp_path, lambda recipe: (1, 2))
    assert len(cells) > 2
    for cell in cells:
        recipe = cell.runs[0].recipe()
        assert recipe.file is not None
        assert (RECIPES / recipe.file).is_file()
    assert not [figures for figures in study.paper if not any(study.figures_of(cell.names) for cell in cells)]


def test_a_score_takes_the_published_folds_or_folds_of_speakers():
    study = score_study(["svm", "logistic"], ["ravdess", "synthetic"], {})
    assert study.axes["corpus"]["ravdess"] == {"corpora": ["ravdess"], "protocol": "emobox"}
    assert study.axes["corpus"]["synthetic"] == {"corpora": ["synthetic"], "protocol": "speaker-kfold", "folds": 4}
    assert study.baseline == "svm"
    own = score_study(["svm"], ["ravdess"], {"protocol": "loso"})
    assert own.axes["corpus"]["ravdess"] == {"corpora": ["ravdess"]}
    with pytest.raises(RecipeError, match="did you mean 'ravdess'"):
        score_study(["svm"], ["ravdes"], {})
