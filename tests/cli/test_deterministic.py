"""``--deterministic`` of the commands that ask a model: the same bytes twice, or one line that names the operation."""

import pytest
import torch

from ser_hf.base.errors import RecipeError
from ser_hf.cli import main
from ser_hf.embeddings.encoder import SpeechEncoder
from ser_hf.models.cnn_blstm_attention import CnnBlstmAttentionForAudioClassification as Network
from tests.tiny_transformers import save

ADVICE = "leave out deterministic, or take the CPU (--device cpu)"


@pytest.fixture(autouse=True)
def _no_report(monkeypatch):
    monkeypatch.setattr("ser_hf.flows.evaluate.write_report", lambda folder: None)


@pytest.fixture(params=[1, pytest.param(2, marks=pytest.mark.slow)])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def whisper(tmp_path_factory) -> str:
    return str(save("whisper", tmp_path_factory.mktemp("whisper")))


@pytest.fixture(scope="module")
def clip(tones_root) -> str:
    return str(next((tones_root / "savee").rglob("*.wav")))


@pytest.fixture
def commands(tiny_run, tones_root, clip, whisper):
    """Command -> a function that gives its words, with what it writes in a folder."""
    run, savee, root = str(tiny_run.folder), str(tones_root / "savee"), str(tones_root)
    of, cpu = ["--corpora", "savee", "--data_root", root], ["--device", "cpu"]

    def evaluated(folder):
        return ["evaluate", run, "--data_root", root, "--output", str(folder)]

    return {
        "evaluate": evaluated,
        "predict": lambda folder: ["predict", run, clip, "--json", *cpu],
        "predict --output": lambda folder: ["predict", run, savee, "--output", f"{folder}.parquet", "--workers", "0"],
        "segment": lambda folder: [
            "segment",
            run,
            clip,
            "--vad",
            "none",
            "--output",
            f"{folder}.json",
            "--device",
            "cpu",
        ],
        "embed": lambda folder: ["embed", whisper, *of, "--output", f"{folder}.parquet", *cpu],
    }


WRITTEN = {"evaluate": "/predictions.parquet", "predict --output": ".parquet", "segment": ".json", "embed": ".parquet"}
NAMES = [*WRITTEN, "predict"]


@pytest.mark.parametrize("name", NAMES)
def test_twice_is_the_same_to_the_byte(name, commands, threads, tmp_path, capsys, monkeypatch):
    found, said = [], []
    for turn in range(2):
        monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / f"cache{turn}")  # nothing is found again
        capsys.readouterr()
        assert main([*commands[name](tmp_path / f"{turn}"), "--deterministic"]) == 0
        said.append(capsys.readouterr().out)
        if name in WRITTEN:
            found.append((tmp_path / f"{turn}{WRITTEN[name]}").read_bytes())
    assert len(set(found)) == (name in WRITTEN)
    assert name != "predict" or said[0] == said[1]
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize("name", NAMES)
def test_an_operation_without_such_a_kernel_is_one_line(name, commands, tmp_path, capsys, monkeypatch):
    kind, method = (SpeechEncoder, "__call__") if name == "embed" else (Network, "forward")
    forward = getattr(kind, method)

    def asked(self, *args, **given):
        torch.zeros(4).put_(torch.tensor([0, 1]), torch.ones(2))
        return forward(self, *args, **given)

    monkeypatch.setattr(kind, method, asked)
    capsys.readouterr()
    assert main([*commands[name](tmp_path / "out"), "--deterministic"]) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert f"ser-hf {name.split()[0]}: deterministic: the operation put_ has no deterministic kernel" in last
    assert (ADVICE in last) is (name != "evaluate")
    assert ("CUDA_VISIBLE_DEVICES=" in last) is (name == "evaluate")
    assert main(commands[name](tmp_path / "out")) == 0


def test_an_evaluation_tells_whether_it_was_held(commands, tmp_path):
    from ser_hf.reporting import load_results

    for flag in ([], ["--deterministic"]):
        folder = tmp_path / f"{len(flag)}"
        assert main([*commands["evaluate"](folder), *flag]) == 0
        assert load_results(folder)["deterministic"] is bool(flag)


@pytest.mark.slow
def test_rows_of_an_onnx_file_are_the_same_as_well(tiny_run, clip, tmp_path, capsys):
    from ser_hf.inference import export_onnx

    file = str(export_onnx(tiny_run.folder, tmp_path / "tiny.onnx"))
    said = set()
    for _ in range(2):
        capsys.readouterr()
        assert main(["predict", file, clip, "--json", "--deterministic"]) == 0
        said.add(capsys.readouterr().out)
    assert len(said) == 1


STUDY = """
keys: {corpora: [savee], protocol: random, deterministic: %s}
rows:
  SVM: {recipe: svm.yaml}
"""
SVM = """
corpora: [savee]
protocol: random
features: mfcc_mean
model: svm
model_settings: {C: 1, gamma: 1}
"""


def planned(folder, tones_root, told, *words):
    from ser_hf.studies import load_study
    from ser_hf.studies.run_study import plan_study

    (folder / "svm.yaml").write_text(f"{SVM}data_root: {tones_root}\n", encoding="utf-8")
    (folder / "study.yaml").write_text(STUDY % told, encoding="utf-8")
    plan = plan_study(load_study(folder / "study.yaml"), folder / "out", list(words))
    return [run for cell in plan.cells for run in cell.runs]


def test_a_study_holds_its_runs(tones_root, tmp_path):
    (run,) = planned(tmp_path, tones_root, "true")
    assert run.recipe().run.deterministic is True
    (run,) = planned(tmp_path, tones_root, "true", "--deterministic", "false")
    assert run.recipe().run.deterministic is False


@pytest.mark.slow
def test_a_baseline_of_a_study_is_the_same_to_the_byte(tones_root, tmp_path):
    from ser_hf.flows.train import train

    found = []
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (run,) = planned(tmp_path / name, tones_root, "true")
        assert train(run.recipe())["training"]["deterministic"] is True
        found.append([(run.folder / file).read_bytes() for file in ("model.skops", "predictions.parquet")])
    assert found[0] == found[1]


def test_a_study_says_what_the_key_is(tones_root, tmp_path):
    with pytest.raises(RecipeError, match="deterministic"):
        planned(tmp_path, tones_root, "perhaps")
