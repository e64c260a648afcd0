"""One commit to the Hub, and one clear error where it is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ser_hf.base.errors import SerHfError

from .model_card import PLACEHOLDER


def upload(
    files: Mapping[str, Path | str],
    repo_id: str,
    name: str,
    *,
    repo_type: str = "model",
    private: bool = False,
    token: str | None = None,
    revision: str | None = None,
) -> str:
    """Commits files to a repository, which is made if it does not exist, and returns its address.

    Args:
        files: name in the repository -> the file, or its text; in a text the repository's name is filled in.
        repo_id: ``"user/name"``, or ``"name"`` under the token's user.
        name: of what is uploaded, for the commit's message.
        repo_type: ``"model"`` or ``"dataset"``.
        private: for a repository made here.
        token: a token that may write; the stored one by default.
        revision: branch, made if missing.

    Raises:
        SerHfError: the Hub refuses or cannot be reached.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi(token=token)
    with _one_clear_error(repo_id, api.endpoint):
        url = api.create_repo(repo_id, repo_type=repo_type, private=private, exist_ok=True)
        if revision and not revision.startswith("refs/"):
            api.create_branch(url.repo_id, branch=revision, exist_ok=True, repo_type=repo_type)
        operations = [CommitOperationAdd(path, _content(file, url.repo_id)) for path, file in files.items()]
        message = f"Upload {name} with ser_hf"
        api.create_commit(url.repo_id, operations, commit_message=message, revision=revision, repo_type=repo_type)
    return f"{url}/tree/{revision}" if revision else str(url)


def _content(file: Path | str, repo_id: str) -> Path | bytes:
    return file if isinstance(file, Path) else file.replace(PLACEHOLDER, repo_id).encode()


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
