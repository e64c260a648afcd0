"""Trains tiny networks on any number of processes, for test_steps.py: what each process saw, and what came of it.

``accelerate launch --num_processes 2 tests/training/distributed/steps.py FOLDER all DATA_ROOT`` writes FOLDER/all0.json
and so on; ``resume`` goes on with the run that was broken off there.
"""

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import torch
from accelerate import PartialState
from transformers import ASTConfig, ASTForAudioClassification, PrinterCallback, TrainerCallback

from ser_hf.data import load_corpus
from ser_hf.features import FeatureRows
from ser_hf.training import build_trainer, configure, load_recipe, make_extractor, make_model
from ser_hf.training.soft_labels import SoftLabelTrainer
from ser_hf.training.training_arguments import SerTrainingArguments
from ser_hf.training.waveform_collator import WaveformCollator

STEP = 16
"""Clips of a step, of all processes."""
SMALL = [
    "conv_channels=[4,4]",
    "conv_pools=[[2,2],[2,2]]",
    "lstm_size=4",
    "dense_size=4",
    "dropout=0",
    "conv_dropout=0",
]
AUGMENTED = ["--time_masks", "1", "--time_shift", "3", "--brightness", "0.3", "--spectrogram_noise", "0.1"]
CASES: dict[str, tuple[int, list[str]]] = {
    "uneven": (44, ["--label_smoothing_factor", "0.1"]),
    "one left": (33, ["--balance", "class_weights", *AUGMENTED]),
    "accumulated": (44, ["--balance", "class_weights", "--gradient_accumulation_steps", "2"]),
    "weighted sampler": (44, ["--balance", "weighted_sampler"]),
    "unfreezing": (44, ["--gradual_unfreezing", "1"]),
}


class Killed(Exception):  # noqa: N818
    """What ends a run before its time."""


class Kill(TrainerCallback):
    """Ends the run before the fifth step: in the second epoch, of three steps each."""

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == 5:
            raise Killed


def rows(count: int, *, training: bool) -> FeatureRows:
    """Spectrograms that differ by class, and few clips of the first class."""
    labels = [max(0, i % 9 - 1) for i in range(count)]
    noise = np.random.default_rng(int(training))
    values = [noise.normal(0.5 * label, 1, size=(32, 12)).astype(np.float32) for label in labels]
    data = datasets.Dataset.from_dict({"input_features": values, "label": labels})
    typed = data.features | {"input_features": datasets.Array2D((32, 12), "float32")}
    return FeatureRows(data.cast(datasets.Features(typed)), training=training)


def trainer_of(folder: Path, clips: int, words: list[str], processes: int, most: int = STEP) -> Any:
    """A trainer of steps of 16 clips, whose batch normalisation keeps its statistics, and where it goes on from."""
    often = 2 if "--gradient_accumulation_steps" in words else 1
    each = min(most, STEP) if "--resume_from_checkpoint" in words else STEP // processes // often
    told = ["--corpora", "ravdess", "--protocol", "random", "--model", "cnn_blstm_attention", "--n_mels", "32"]
    told += ["--model_settings", *SMALL, "--output_dir", str(folder), "--precision", "fp32", "--duration", "0.2"]
    told += ["--per_device_train_batch_size", str(each), "--per_device_eval_batch_size", "8", "--num_train_epochs", "2"]
    told += ["--logging_steps", "1", "--use_cpu", "true", "--learning_rate", "5e-3", *words]
    recipe = load_recipe(None, told)
    start = configure(recipe)
    torch.manual_seed(0)
    extractor = make_extractor(recipe)
    model = make_model(recipe, extractor)
    frozen(model)
    return build_trainer(recipe, model, extractor, rows(clips, training=True), rows(20, training=False)), start


def frozen(model: Any) -> None:
    """Keeps the statistics of batch normalisation, which under several processes are of one process's clips."""
    for module in model.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.eval()
            module.train = lambda mode=True, module=module: module


def stock_trainer(folder: Path, processes: int) -> Any:
    """A trainer of a transformer, whose layer normalisation knows no batch."""
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    config = ASTConfig(**sizes, max_length=32, num_mel_bins=32, num_labels=8, hidden_dropout_prob=0.0)
    config.attention_probs_dropout_prob = 0.0
    args = SerTrainingArguments(
        output_dir=str(folder),
        per_device_train_batch_size=STEP // processes,
        num_train_epochs=2,
        logging_strategy="steps",
        logging_steps=1,
        use_cpu=True,
        eval_strategy="no",
        save_strategy="no",
        load_best_model_at_end=False,
        disable_tqdm=True,
    )
    values = np.random.default_rng(0).normal(size=(35, 32, 32)).astype(np.float32)
    clips = [{"input_values": x, "labels": i % 8, "row": i, "training": True} for i, x in enumerate(values)]
    collator = WaveformCollator(8, 0.1, np.linspace(0.5, 2, 8))
    model = ASTForAudioClassification(config)
    trainer = SoftLabelTrainer(model=model, args=args, train_dataset=clips, data_collator=collator)
    trainer.remove_callback(PrinterCallback)
    return trainer


def train(trainer: Any, start: str | None = None) -> dict[str, Any]:
    """Trains; gives the rows of every batch of this process, the log and the weights."""
    seen: list[list[int]] = []
    collate = trainer.data_collator

    def noted(batch: list[dict[str, Any]]) -> Any:
        if batch[0]["training"]:
            seen.append([row["row"] for row in batch])
        return collate(batch)

    trainer.data_collator = noted
    with contextlib.suppress(Killed):
        trainer.train(resume_from_checkpoint=start)
    log = trainer.state.log_history
    model = trainer.accelerator.unwrap_model(trainer.model)
    weights = torch.cat([_whole(p).double().flatten() for p in model.parameters()])
    return {
        "seen": seen,
        "losses": [entry["loss"] for entry in log if "loss" in entry],
        "grad_norms": [entry["grad_norm"] for entry in log if "grad_norm" in entry],
        "validation": [{name: entry[name] for name in SCORES} for entry in log if "eval_uar" in entry],
        "weights": weights.tolist(),
        "steps": trainer.state.global_step,
    }


def _whole(weight: Any) -> torch.Tensor:
    return weight.full_tensor().detach() if hasattr(weight, "full_tensor") else weight.detach()


SCORES = ("epoch", "eval_loss", "eval_uar", "eval_accuracy", "eval_macro_f1", "eval_weighted_f1")
RESUMED = ["--save_steps", "2", "--eval_steps", "2", "--save_total_limit", "9", "--balance", "class_weights"]


def everything(folder: Path, processes: int) -> dict[str, dict[str, Any]]:
    """All cases on as many processes as there are, and a run that ends in its second epoch and goes on."""
    found = {}
    for name, (clips, words) in CASES.items():
        trainer, _ = trainer_of(folder / name.replace(" ", "_"), clips, words, processes)
        found[name] = train(trainer)
    found["stock"] = train(stock_trainer(folder / "stock", processes))
    found["whole"] = train(trainer_of(folder / "whole", 44, RESUMED, processes)[0])
    trainer, _ = trainer_of(folder / "broken", 44, RESUMED, processes)
    trainer.add_callback(Kill())
    found["broken"] = train(trainer)
    return found


def resumed(folder: Path, processes: int, most: int) -> dict[str, Any]:
    """The broken run, gone on with."""
    words = [*RESUMED, "--resume_from_checkpoint", "last"]
    trainer, start = trainer_of(folder, 44, words, processes, most)
    return train(trainer, start)


def built(folder: Path, data_root: str) -> list[str]:
    """The clips of a corpus that every process builds at the same time, in one cache."""
    return list(load_corpus(["ravdess"], data_root=data_root, cache_dir=folder / "cache").dataset["clip_id"])


def main() -> None:
    """Runs in every process."""
    folder, what, *data = Path(sys.argv[1]), *sys.argv[2:]
    state = PartialState(cpu=True)
    if what == "resume":
        found: dict[str, Any] = {"resumed": resumed(folder / "broken", state.num_processes, 8)}
    else:
        found = {"built": built(folder, data[0]), **everything(folder, state.num_processes)}
    (folder / f"{what}{state.process_index}.json").write_text(json.dumps(found))
    state.wait_for_everyone()
    state.destroy_process_group()


if __name__ == "__main__":
    main()
