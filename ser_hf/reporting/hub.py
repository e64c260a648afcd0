"""Sends a run folder to the Hugging Face Hub in one commit: weights, configuration, extractor, code and card."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ser_hf.errors import CheckpointError, SerHfError

from ._results import BUILD
from .model_card import CARD, PLACEHOLDER

WEIGHTS = "model.safetensors"
REQUIRED = {
    "config.json": "the model's configuration; `save_pretrained` of the model writes it",
    WEIGHTS: "the weights; `save_pretrained` of the model writes them",
    "preprocessor_config.json": "the feature extractor; `save_pretrained` of the extractor writes it",
    CARD: "the model card; `ser_hf.reporting.write_model_card` writes it from results.json",
}
"""What a repository of the Hub needs, and where it comes from."""

OPTIONAL = ("*.py", "results.json", "report.html", "recipe.yaml", "plots/*.png")
"""What is sent along where it is there. Checkpoints, optimiser states and predictions stay at home."""

PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.pickle", "*.ckpt", "*.joblib")


def push_run(
    run_dir: str | Path, repo_id: str, *, private: bool = False, token: str | None = None, revision: str | None = None
) -> str:
    """Uploads a run folder to a model repository of the Hub, which is made if it does not exist.

    The repository's name is filled into the loading examples of the card. A file that the Hub already has is not sent
    again; nothing is deleted there. The environment variable ``HF_ENDPOINT`` chooses another Hub.

    Args:
        run_dir: a folder with ``config.json``, ``model.safetensors``, ``preprocessor_config.json`` and ``README.md``.
        repo_id: ``"user/name"``, or ``"name"`` under the token's user.
        private: for a repository made here: only its owner sees it.
        token: a token that may write; by default ``HF_TOKEN`` or that of ``hf auth login``.
        revision: branch to upload to, made if missing; ``main`` by default.

    Returns:
        The address of the repository, or of its branch.

    Raises:
        CheckpointError: the folder is not a checkpoint, or its weights are a pickle.
        SerHfError: the Hub refuses or cannot be reached.
    """
    files = files_to_push(run_dir)
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi(token=token)
    with _one_clear_error(repo_id, api.endpoint):
        url = api.create_repo(repo_id, private=private, exist_ok=True)
        if revision and not revision.startswith("refs/"):
            api.create_branch(url.repo_id, branch=revision, exist_ok=True)
        operations = [CommitOperationAdd(name, _content(path, url.repo_id)) for name, path in files.items()]
        message = f"Upload {Path(run_dir).resolve().name} with ser_hf"
        api.create_commit(url.repo_id, operations, commit_message=message, revision=revision)
    return f"{url}/tree/{revision}" if revision else str(url)


def files_to_push(run_dir: str | Path) -> dict[str, Path]:
    """The files of a run folder that are sent: name in the repository -> path.

    Raises:
        CheckpointError: the folder is not a complete and safe checkpoint.
    """
    folder = Path(run_dir)
    if not folder.is_dir():
        raise CheckpointError(f"{folder} is not a folder; give the run folder that `ser-hf train` wrote")
    if (folder / BUILD).is_file() and not (folder / "config.json").is_file():
        raise CheckpointError(
            f"{folder} holds a built dataset ({BUILD}), but push takes run folders; "
            f"upload a dataset by `hf upload --repo-type dataset REPO {folder}` if its licences allow that"
        )
    pickles = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
    for name, origin in REQUIRED.items():
        if not (folder / name).is_file():
            hint = f"; the pickles there ({', '.join(pickles)}) are never sent" if name == WEIGHTS and pickles else ""
            raise CheckpointError(f"{folder} has no {name}: {origin}{hint}")
    code = _check_config(folder / "config.json") | _check_config(folder / "preprocessor_config.json")
    missing = sorted(name for name in code if not (folder / name).is_file())
    if missing:
        raise CheckpointError(f"{folder}: the configuration names {', '.join(missing)}, which is not in the folder")
    _check_weights(folder / WEIGHTS)
    found = [folder / name for name in REQUIRED]
    found += [path for pattern in OPTIONAL for path in sorted(folder.glob(pattern)) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path for path in found}


def _check_config(path: Path) -> set[str]:
    """Names of the Python files that a JSON configuration refers to."""
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise CheckpointError(f"{path} is not readable as JSON: {error}") from error
    if not isinstance(config, dict):
        raise CheckpointError(f"{path} should hold a JSON object, found {type(config).__name__}")
    references: dict[str, Any] = config.get("auto_map") or {}
    names = (name for value in references.values() for name in (value if isinstance(value, list) else [value]))
    return {f"{name.split('.')[0]}.py" for name in names if isinstance(name, str) and "--" not in name}


def _check_weights(path: Path) -> None:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as weights:
            empty = not list(weights.keys())
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is not a safetensors file: {error}; save the model again") from error
    if empty:
        raise CheckpointError(f"{path} holds no weights; save the model again")


def _content(path: Path, repo_id: str) -> Path | bytes:
    """The file, or for the card its text with the repository's name in the loading examples."""
    if path.name != CARD:
        return path
    return path.read_text(encoding="utf-8").replace(PLACEHOLDER, repo_id).encode()


@contextmanager
def _one_clear_error(repo_id: str, endpoint: str) -> Iterator[None]:
    """Turns what huggingface_hub raises into one message that says what to do."""
    from huggingface_hub import errors

    transport = errors.HTTPError  # type: ignore[attr-defined]  # the base class of its HTTP client, whichever it is
    try:
        yield
    except errors.HFValidationError as error:
        raise SerHfError(f"{repo_id!r} is no name for a repository of the Hub, expected USER/NAME: {error}") from error
    except errors.HfHubHTTPError as error:
        raise SerHfError(_refusal(error.response.status_code, repo_id, endpoint, _server_says(error))) from error
    except errors.OfflineModeIsEnabled as error:
        raise SerHfError("nothing can be pushed in offline mode; unset HF_HUB_OFFLINE") from error
    except (transport, ConnectionError) as error:
        advice = "for a Hub without Xet storage set HF_HUB_DISABLE_XET=1" if "xet-" in str(error) else ""
        message = f"the Hub at {endpoint} cannot be reached ({error})"
        raise SerHfError(f"{message}; {advice or 'check the network and HF_ENDPOINT'}") from error
    except (ValueError, RuntimeError, OSError) as error:
        raise SerHfError(f"pushing to {repo_id} at {endpoint} failed: {error}") from error


def _server_says(error: Any) -> str:
    text = error.server_message or str(error).strip().splitlines()[0]
    return " ".join(text.split())


def _refusal(status: int, repo_id: str, endpoint: str, said: str) -> str:
    advice = {
        401: "log in by `hf auth login` or set HF_TOKEN to a token that may write",
        403: "the token may not write there: take one with write access, or another name",
        404: "check the name of the repository and of the revision",
        409: "somebody else changed the repository meanwhile; try again",
        429: "too many requests; wait and try again",
    }.get(status, "try again later" if status >= 500 else "see the message of the server")
    return f"the Hub at {endpoint} refused {repo_id} (HTTP {status}, {said}); {advice}"
