"""Sends a run folder to the Hugging Face Hub in one commit: weights, configuration, extractor, code and card."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ser_hf.base.atomic import write_json
from ser_hf.base.errors import CheckpointError
from ser_hf.base.pickles import pickles_in

from ._results import BUILD, RESULTS, load_results
from ._upload import Push, Target, upload
from .benchmark_entry import benchmark_entry
from .hub_dataset import is_dataset
from .model_card import CARD, PROBE, write_model_card

UNKNOWN = "unknown"
"""Licence of recordings of one's own of which nothing else was said."""
SKOPS = "model.skops"
WEIGHTS = "model.safetensors"
ENCODER = "encoder"
"""Folder of the frozen encoder that a probe brings along."""
ENSEMBLE = "ensemble"
"""Model type of several checkpoints, which lie in ``members/1``, ``members/2`` ..."""
REQUIRED = {
    "config.json": "the model's configuration; `save_pretrained` of the model writes it",
    WEIGHTS: "the weights; `save_pretrained` of the model writes them",
    "preprocessor_config.json": "the feature extractor; `save_pretrained` of the extractor writes it",
    CARD: "the model card; `ser_hf.reporting.write_model_card` writes it from results.json",
}
"""What a repository of the Hub needs, and where it comes from."""
_MODEL = {name: origin for name, origin in REQUIRED.items() if name != CARD}

OPTIONAL = ("*.py", "LICENSE", "results.json", "report.html", "recipe.yaml", "plots/*.png")
"""What is sent along where it is there. Checkpoints, optimiser states and predictions stay at home."""


def push_run(
    run_dir: str | Path,
    repo_id: str,
    *,
    private: bool = False,
    token: str | None = None,
    revision: str | None = None,
    licence: str | None = None,
    benchmark: str | None = None,
    create_pr: bool = False,
    dry_run: bool = False,
) -> Push:
    """Uploads a run folder to a model repository of the Hub, which is made if it does not exist.

    The repository's name is filled into the loading examples of the card. Only what the Hub does not have is sent, in
    one commit or none; nothing is deleted there. The environment variable ``HF_ENDPOINT`` chooses another Hub.

    Args:
        run_dir: a folder with ``config.json``, ``model.safetensors`` (of a baseline ``model.skops``),
            ``preprocessor_config.json`` and ``README.md``; or an ensemble of such.
        repo_id: ``"user/name"``, or ``"name"`` under the token's user.
        private: for a repository made here: only its owner sees it. One that is public already is refused.
        token: a token that may write; by default ``HF_TOKEN`` or that of ``hf auth login``.
        revision: branch to upload to, made if missing; ``main`` by default.
        licence: of recordings of one's own whose licence is unknown so far; the card says it from then on.
        benchmark: ``"user/dataset:task"`` of a benchmark on the Hub whose test set this is: the score is entered there.
        create_pr: as a pull request to a repository that is there.
        dry_run: sends and writes nothing and needs no token; says what would be sent.

    Returns:
        The address, and the files with what the Hub has of them.

    Raises:
        CheckpointError: the folder is not a checkpoint, its weights are a pickle, or the licence of what it was trained
            on is unknown.
        SerHfError: the Hub refuses or cannot be reached.
    """
    folder = Path(run_dir)
    _settle_licence(folder, licence, write=not dry_run)
    files: dict[str, Path | str] = {**files_to_push(folder)}
    files[CARD] = Path(files[CARD]).read_text(encoding="utf-8")
    if benchmark:
        name, entry = benchmark_entry(load_results(folder), benchmark)
        files[name] = entry
    target = Target(
        repo_id=repo_id, private=private, revision=revision, create_pr=create_pr, dry_run=dry_run, token=token
    )
    return upload(files, folder.resolve().name, target)


def _settle_licence(folder: Path, licence: str | None, *, write: bool) -> None:
    """Refuses what was trained on recordings of an unknown licence; one that is given now is written down.

    Raises:
        CheckpointError: nobody said under what terms the recordings may be used.
    """
    if not (folder / RESULTS).is_file():
        return
    results = load_results(folder)
    unknown = [corpus for corpus in results["data"]["corpora"] if corpus["licence"] == UNKNOWN]
    if unknown and not licence:
        names = ", ".join(corpus["name"] for corpus in unknown)
        raise CheckpointError(
            f"{folder} was trained on {names}, whose licence is unknown; say under what terms the recordings are used "
            "by --licence, e.g. --licence 'CC BY 4.0', or by `licence:` in the YAML file beside them"
        )
    for corpus in unknown:
        corpus["licence"] = licence
    if unknown and write:
        write_json(folder / RESULTS, results)
        write_model_card(folder)


def files_to_push(run_dir: str | Path) -> dict[str, Path]:
    """The files of a run folder that are sent: name in the repository -> path.

    Raises:
        CheckpointError: the folder is not a complete and safe checkpoint.
    """
    folder = Path(run_dir)
    if not folder.is_dir():
        raise CheckpointError(f"{folder} is not a folder; give the run folder that `ser-hf train` wrote")
    if is_dataset(folder):
        raise CheckpointError(f"{folder} holds a built dataset ({BUILD}) and no run; a dataset goes by `push_dataset`")
    ensemble = (folder / "config.json").is_file() and _config(folder / "config.json").get("model_type") == ENSEMBLE
    found = _ensemble(folder) if ensemble else _checkpoint(folder, REQUIRED)
    found += [path for pattern in OPTIONAL for path in sorted(folder.glob(pattern)) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path for path in found}


def _ensemble(folder: Path) -> list[Path]:
    """The files of an ensemble: its configuration, its card, and the checkpoints of its members.

    Raises:
        CheckpointError: one is missing or not a complete and safe checkpoint.
    """
    config, card = folder / "config.json", folder / CARD
    if not card.is_file():
        raise CheckpointError(f"{folder} has no {CARD}: {REQUIRED[CARD]}")
    members = [folder / "members" / str(i) for i, _ in enumerate(_config(config).get("shares") or (), 1)]
    found = [
        [*_checkpoint(member, _MODEL), *sorted(member.glob("*.py")), *member.glob("recipe.yaml")] for member in members
    ]
    return [config, card, *(path for files in found for path in files)]


def _checkpoint(folder: Path, wanted: Mapping[str, str]) -> list[Path]:
    """The files of a checkpoint, checked.

    Args:
        folder: of one model.
        wanted: of `REQUIRED`.

    Raises:
        CheckpointError: one is missing or damaged.
    """
    pickles = pickles_in(folder) if folder.is_dir() else []
    baseline = (folder / SKOPS).is_file() and not (folder / WEIGHTS).is_file()
    required = {SKOPS if baseline and name == WEIGHTS else name: origin for name, origin in wanted.items()}
    for name, origin in required.items():
        if not (folder / name).is_file():
            hint = f"; the pickles there ({', '.join(pickles)}) are never sent" if name == WEIGHTS and pickles else ""
            raise CheckpointError(f"{folder} has no {name}: {origin}{hint}")
    code = _check_config(folder / "config.json") | _check_config(folder / "preprocessor_config.json")
    missing = sorted(name for name in code if not (folder / name).is_file())
    if missing:
        raise CheckpointError(f"{folder}: the configuration names {', '.join(missing)}, which is not in the folder")
    if baseline:
        import ser_hf.embeddings  # noqa: F401 (its feature extractor may be the baseline's)
        from ser_hf.baselines import load_baseline  # late: it is heavy, and most runs are of networks

        load_baseline(folder)  # checks it
    else:
        _check_weights(folder / WEIGHTS)
    return [folder / name for name in required] + _encoder(folder)


def _encoder(folder: Path) -> list[Path]:
    """The files of the encoder of a probe, checked; none of another checkpoint.

    Raises:
        CheckpointError: one is missing or damaged, or the encoder is not the one the probe was fitted on.
    """
    settings = _config(folder / "preprocessor_config.json")
    if settings.get("feature_extractor_type") != PROBE:
        return []
    from ser_hf.embeddings.extractor import weights_of

    files = _checkpoint(folder / ENCODER, _MODEL)
    if settings.get("weights") not in (None, weights_of(str(folder / ENCODER / WEIGHTS))):
        raise CheckpointError(f"{folder}: the weights in {ENCODER} are not those the model was fitted on")
    return files


def _check_config(path: Path) -> set[str]:
    """Names of the Python files that a JSON configuration refers to."""
    references: dict[str, Any] = _config(path).get("auto_map") or {}
    names = (name for value in references.values() for name in (value if isinstance(value, list) else [value]))
    return {f"{name.split('.')[0]}.py" for name in names if isinstance(name, str) and "--" not in name}


def _config(path: Path) -> dict[str, Any]:
    """A JSON configuration."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path} is not readable as JSON: {error}") from error
    if not isinstance(config, dict):
        raise CheckpointError(f"{path} should hold a JSON object, found {type(config).__name__}")
    return config


def _check_weights(path: Path) -> None:
    import torch
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as weights:
            names = list(weights.keys())
            broken = [name for name in names if not torch.isfinite(weights.get_tensor(name)).all()]
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is not a safetensors file: {error}; save the model again") from error
    if not names:
        raise CheckpointError(f"{path} holds no weights; save the model again")
    if broken:
        raise CheckpointError(f"{path}: {len(broken)} weights are not finite, e.g. {broken[0]}; train it again")
