"""results.json, build.json and predictions.parquet are read, and what is wrong with them is said."""

import copy
import json
import re

import pyarrow.parquet as pq
import pytest

from ser_hf.base.errors import SerHfError
from ser_hf.reporting import write_model_card, write_report
from ser_hf.reporting._results import (
    BUILD_SHAPE,
    RESULTS_SHAPE,
    check_build,
    check_results,
    load_predictions,
    load_results,
)


def paths(shape, value, prefix=()):
    """Every key the shape asks for, as a path into ``value``."""
    if isinstance(shape, dict):
        for key in value if "*" in shape else shape:
            yield (*prefix, key)
            yield from paths(shape.get("*", shape.get(key)), value[key], (*prefix, key))
    elif isinstance(shape, list) and value:
        yield from paths(shape[0], value[0], (*prefix, 0))


def without(value, path):
    value = copy.deepcopy(value)
    *way, last = path
    inner = value
    for key in way:
        inner = inner[key]
    del inner[last]
    return value


def test_every_key_of_the_contract_is_asked_for(results):
    found = [p for p in paths(RESULTS_SHAPE, results) if isinstance(p[-1], str) and p[:2] != ("data", "splits")]
    optional = [p for p in found if p[:-1] in {("versions",)}]
    assert len(found) > 80
    for path in found:
        if path in optional:
            continue
        name = re.sub(r"\.(\d+)", r"[\1]", ".".join(map(str, path)))
        with pytest.raises(SerHfError, match=rf"run/results\.json: {re.escape(name)} is missing"):
            check_results(without(results, path), "run/results.json")


def test_every_key_of_a_build_is_asked_for(build):
    check_build(build)
    for key in BUILD_SHAPE:
        with pytest.raises(SerHfError, match=rf"build\.json: {key} is missing"):
            check_build({k: v for k, v in build.items() if k != key})


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("test", "metrics", "uar", "value"), "0.7", r"test\.metrics\.uar\.value should be a number, found str '0\.7'"),
        (("test", "n_clips"), 192.0, r"test\.n_clips should be a whole number, found float"),
        (("test", "n_clips"), True, r"test\.n_clips should be a whole number, found bool"),
        (("split", "speaker_independent"), 0, r"speaker_independent should be true or false, found int 0"),
        (("data", "classes"), "happy", r"data\.classes should be a list"),
        (("data", "corpora"), [{"name": None}], r"data\.corpora\[0\]\.name should be text, found null"),
        (("test", "metrics", "uar", "clips"), [0.1], r"uar\.clips has 1 entries, expected 2"),
        (("test", "confusion"), [[1, 2], [3, 4]], r"test\.confusion is not 8 x 8"),
        (("test", "per_class"), [], r"test\.per_class does not list the classes"),
        (("data", "splits"), {}, r"data\.splits has no 'test'"),
        (("schema",), 2, r"has schema 2, this version of ser_hf reads schema 1"),
    ],
)
def test_a_wrong_value_is_named(results, path, value, said):
    *way, last = path
    inner = results
    for key in way:
        inner = inner[key]
    inner[last] = value
    with pytest.raises(SerHfError, match=said):
        check_results(results)


def test_null_is_allowed_where_there_is_no_value(results):
    results["training"] |= {"best_epoch": None, "best_validation_uar": None, "history": []}
    results["test"]["metrics"]["uar"]["speakers"] = None
    results["data"]["corpora"][0] |= {"language": None, "homepage": None}
    assert check_results(results) == results


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, r"results\.json is missing; it is part of a run folder"),
        (b"{'name': 1}", r"results\.json is not readable as JSON"),
        (b"\xff\xfe\x00", r"results\.json is not readable as JSON"),
        (b"[]", r"the whole file should be a table, found list"),
    ],
)
def test_a_broken_file_is_reported_by_report_and_card(run_dir, content, said):
    path = run_dir / "results.json"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    for write in (write_report, write_model_card):
        with pytest.raises(SerHfError, match=said):
            write(run_dir)
    assert sorted(p.name for p in run_dir.iterdir()) == sorted({"predictions.parquet", *([path.name] * path.exists())})


def test_predictions_that_do_not_fit_are_refused(run_dir):
    results, path = load_results(run_dir), run_dir / "predictions.parquet"
    table = pq.read_table(path)
    assert load_predictions(run_dir, results) == table.to_pylist()
    pq.write_table(table.slice(0, 100), path)
    with pytest.raises(SerHfError, match=r"has 100 rows, but results\.json counts 192 test clips"):
        load_predictions(run_dir, results)
    pq.write_table(table.drop_columns(["p_sad", "speaker"]), path)
    with pytest.raises(SerHfError, match="lacks the columns speaker, p_sad; it has: clip_id"):
        load_predictions(run_dir, results)
    path.write_bytes(b"PAR1 no more")
    with pytest.raises(SerHfError, match="is not a readable Parquet file"):
        load_predictions(run_dir, results)
    path.unlink()
    with pytest.raises(SerHfError, match=r"predictions\.parquet is missing; `ser-hf evaluate` writes it"):
        load_predictions(run_dir, results)


def test_a_run_folder_that_is_a_file_is_missing_its_results(tmp_path):
    (tmp_path / "run").write_text(json.dumps({}))
    with pytest.raises(SerHfError, match="is missing"):
        load_results(tmp_path / "run")
