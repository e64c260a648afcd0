"""Every number of a recipe has a range that its message and the help state."""

import dataclasses
import math

import pytest

from ser_hf.base.errors import RecipeError
from ser_hf.training import configure, load_recipe
from ser_hf.training.arguments import GROUPS
from ser_hf.training.bounds import BOUNDS, check_bounds, check_settings
from ser_hf.training.recipe import keys


@pytest.mark.parametrize("key", sorted(BOUNDS))
def test_the_ends_of_a_range_belong_to_it_and_no_more(key):
    low, high = BOUNDS[key]
    check_bounds({key: low})
    check_bounds({key: high})
    for value in (low - max(1e-9, abs(low) * 1e-9), high * 1.001 + 1, math.nan, math.inf):
        with pytest.raises(RecipeError, match=f"{key} is .*; expected {low:.15g} to "):
            check_bounds({key: value})


def test_every_number_of_ours_has_a_range():
    for group in GROUPS:
        for field in dataclasses.fields(group):
            kind = group.__annotations__[field.name]
            if "int" in kind.split(" | ") or "float" in kind.split(" | "):
                assert field.name in BOUNDS, field.name
                if isinstance(field.default, int | float):
                    check_bounds({field.name: field.default})
    assert set(BOUNDS) <= set(keys())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--n_fft", "10000000000"], "n_fft is 10000000000; expected 16 to 65536"),
        (["--hop_length", "99999999999"], "hop_length is 99999999999; expected 1 to 65536"),
        (["--n_mels", "1000000"], "n_mels is 1000000; expected 1 to 4096"),
        (["--duration", "inf"], "duration is inf; expected 0.01 to 3600"),
        (["--f_max", "nan"], "f_max is nan; expected 0 to 384000"),
        (["--seed", "-1"], "seed is -1; expected 0 to 4294967295"),
        (
            ["--per_device_train_batch_size", "100000000"],
            "per_device_train_batch_size is 100000000; expected 1 to 65536",
        ),
        (
            ["--model_settings", "lstm_size=10000000000"],
            "model_settings lstm_size is 10000000000; expected numbers up to",
        ),
        (["--model_settings", "conv_channels=[4,.inf]"], "model_settings conv_channels is inf; expected numbers up to"),
    ],
)
def test_numbers_beyond_all_reason_are_refused_by_file_and_key(tmp_path, words, message):
    path = tmp_path / "r.yaml"
    path.write_text("corpora: [ravdess]\nprotocol: random\nmodel: cnn_blstm_attention\n")
    with pytest.raises(RecipeError, match=f"^r.yaml: {message}"):
        configure(load_recipe(path, [*words, "--output_dir", str(tmp_path / "run")]))


def test_settings_of_any_kind_but_numbers_pass():
    check_settings({"backbone": "resnet34", "dropout": 0.5, "on": True, "pools": [[2, 2]], "none": None})
