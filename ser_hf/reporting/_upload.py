"""One commit to the Hub of what changed, or none; and what it would be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_hf.base.errors import SerHfError
from ser_hf.base.hub_patience import patience, patiently

from ._hub_files import Content, FileToPush, compared, on_the_hub
from .model_card import PLACEHOLDER

if TYPE_CHECKING:
    from huggingface_hub import HfApi

    from ._hub_errors import Attempt


@dataclass(frozen=True, kw_only=True)
class Target:
    """Where a push goes.

    Attributes:
        repo_id: ``"user/name"``, or ``"name"`` under the token's user.
        repo_type: ``"model"`` or ``"dataset"``.
        private: for a repository that is made here.
        revision: branch, made if missing; ``main`` by default.
        create_pr: as a pull request to the repository, which must be there.
        dry_run: nothing is sent.
        token: that may write; by default ``HF_TOKEN`` or that of ``hf auth login``.
    """

    repo_id: str
    repo_type: str = "model"
    private: bool = False
    revision: str | None = None
    create_pr: bool = False
    dry_run: bool = False
    token: str | None = None


@dataclass(frozen=True, kw_only=True)
class Push:
    """What was sent, or would be.

    Attributes:
        address: of the repository, of its branch or of the pull request.
        repo_id: with the user.
        repo_type: ``"model"`` or ``"dataset"``.
        files: all of it; those that are ``unchanged`` are not sent.
        remark: what the Hub could not be asked and why; empty otherwise.
    """

    address: str
    repo_id: str
    repo_type: str
    files: tuple[FileToPush, ...]
    remark: str = ""

    @property
    def sent(self) -> tuple[FileToPush, ...]:
        """The files that the Hub did not have; without any there is no commit."""
        return tuple(file for file in self.files if file.state != "unchanged")


def upload(files: Mapping[str, Path | str], name: str, target: Target) -> Push:
    """Commits the files that the Hub does not have to a repository, which is made if it does not exist.

    A request that fails is sent at most 4 times, see `ser_hf.base.hub_patience`; that the same content is never
    committed twice holds even where an answer was lost.

    Args:
        files: name in the repository -> the file, or its text; in a text the repository's name is filled in.
        name: of what is uploaded, for the commit's message.
        target: where to, and how.

    Raises:
        SerHfError: the Hub refuses or cannot be reached; the message names what was left there empty.
    """
    from huggingface_hub import HfApi, get_token

    from ._hub_errors import Attempt, one_clear_error

    api = HfApi(token=target.token)
    attempt = Attempt(target.repo_id, api.endpoint, target.token or get_token())
    if target.dry_run:
        return _plan(api, files, target, attempt)
    with one_clear_error(attempt), patience():
        target = replace(target, repo_id=_full_name(api, target))
        if target.create_pr:  # once: asked again after a lost answer, the Hub would open another
            return _commit(api, files, name, target)
        _prepare(api, target, attempt)
        return patiently(lambda: _commit(api, files, name, target))


def _full_name(api: HfApi, target: Target) -> str:
    repo_id = target.repo_id
    return repo_id if "/" in repo_id else f"{patiently(api.whoami)['name']}/{repo_id}"


def _prepare(api: HfApi, target: Target, attempt: Attempt) -> None:
    """Makes the repository and the branch where they are missing.

    Raises:
        SerHfError: it is public and should be private.
    """
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    where: dict[str, Any] = {"repo_id": target.repo_id, "repo_type": target.repo_type}
    kind = "" if target.repo_type == "model" else f" --repo-type {target.repo_type}"
    try:
        info = patiently(lambda: api.repo_info(**where))
        if target.private and not info.private:
            raise SerHfError(
                f"{target.repo_id} is there already and public: nothing was sent. Leave out --private, take another "
                f"name, or first `hf repos settings {target.repo_id}{kind} --private`"
            )
    except RepositoryNotFoundError:
        patiently(lambda: api.create_repo(**where, private=target.private, exist_ok=True))
        attempt.made.append(
            f"the repository {target.repo_id} was made and is empty: push again, or remove it by "
            f"`hf repos delete {target.repo_id}{kind}`"
        )
    if target.revision is None or target.revision.startswith("refs/"):
        return
    try:
        patiently(lambda: api.repo_info(**where, revision=target.revision))
    except RevisionNotFoundError:
        patiently(lambda: api.create_branch(**where, branch=str(target.revision), exist_ok=True))
        attempt.made.append(f"the branch {target.revision} was made and holds nothing new")


def _commit(api: HfApi, files: Mapping[str, Path | str], name: str, target: Target) -> Push:
    """One commit of what the Hub does not have; none where it has all, as after a commit whose answer was lost."""
    from huggingface_hub import CommitOperationAdd

    where: dict[str, Any] = {"repo_id": target.repo_id, "repo_type": target.repo_type, "revision": target.revision}
    contents = _filled_in(files, target.repo_id)
    parent = api.repo_info(**where).sha
    push = _push(api, contents, target, compared(contents, on_the_hub(api, **where)))
    if not push.sent:
        return push
    done = api.create_commit(
        **where,
        operations=[CommitOperationAdd(file.name, contents[file.name]) for file in push.sent],
        commit_message=f"Upload {name} with ser_hf",
        parent_commit=parent,  # so that what somebody else commits meanwhile is not lost
        create_pr=target.create_pr,
    )
    return replace(push, address=str(done.pr_url)) if target.create_pr else push


def _plan(api: HfApi, files: Mapping[str, Path | str], target: Target, attempt: Attempt) -> Push:
    """What a push would send. Reads only, once, and does without the Hub."""
    from ._hub_errors import one_clear_error

    there, remark = None, ""
    try:
        with one_clear_error(attempt), patience():
            target = replace(target, repo_id=target.repo_id if "/" in target.repo_id else _full_name(api, target))
            there = _there(api, target)
    except SerHfError as error:
        remark = f"what is there is unknown: {error}"
    contents = _filled_in(files, target.repo_id)
    return replace(_push(api, contents, target, compared(contents, there)), remark=remark)


def _there(api: HfApi, target: Target) -> dict[str, Any]:
    from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError

    try:
        return dict(on_the_hub(api, target.repo_id, target.repo_type, target.revision))
    except GatedRepoError:
        raise
    except (RepositoryNotFoundError, RevisionNotFoundError):
        return {}  # or private: then it is not ours to know, and all would be sent


def _push(api: HfApi, contents: Mapping[str, Content], target: Target, files: tuple[FileToPush, ...]) -> Push:
    kind = "" if target.repo_type == "model" else f"{target.repo_type}s/"
    branch = f"/tree/{target.revision}" if target.revision else ""
    address = f"{api.endpoint}/{kind}{target.repo_id}{branch}"
    return Push(address=address, repo_id=target.repo_id, repo_type=target.repo_type, files=files)


def _filled_in(files: Mapping[str, Path | str], repo_id: str) -> dict[str, Content]:
    return {
        name: file if isinstance(file, Path) else file.replace(PLACEHOLDER, repo_id).encode()
        for name, file in files.items()
    }
