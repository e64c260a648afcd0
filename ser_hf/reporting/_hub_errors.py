"""What huggingface_hub raises, in one line that says what to do, without the token."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ser_hf.base.errors import SerHfError

_ADVICE = {
    401: "log in by `hf auth login` or set HF_TOKEN to a token that may write",
    403: "the token may not write there: take one with write access, or another name",
    404: "check the name of the repository and of the revision",
    409: "somebody else changes the repository just now; try again",
    412: "somebody else changed the repository meanwhile; look at it, then push again",
    429: "too many requests; wait and try again",
}


@dataclass
class Attempt:
    """A push under way.

    Attributes:
        repo_id: where to, as it was asked for.
        endpoint: address of the Hub.
        token: that must not be told to anybody.
        made: what was made there for this push and is empty as yet, with how to remove it; told if the push fails.
    """

    repo_id: str
    endpoint: str
    token: str | None = None
    made: list[str] = field(default_factory=list)


@contextmanager
def one_clear_error(attempt: Attempt) -> Iterator[None]:
    """Turns what huggingface_hub raises into one message that says what to do, and what was left behind."""
    from huggingface_hub import errors

    transport = errors.HTTPError  # type: ignore[attr-defined]  # the base class of its HTTP client, whichever it is
    try:
        yield
    except (transport, ValueError, RuntimeError, OSError) as error:
        told = "; ".join([_words(_root(error), attempt), *attempt.made])
        secret = attempt.token if attempt.token and len(attempt.token) > 3 else None
        if secret is None:
            raise SerHfError(told) from error
        # a server that repeats the token is not repeated, and its own words are not shown as the cause
        leaked = secret in f"{told}{error}{error.__cause__}{error.__context__}"
        raise SerHfError(told.replace(secret, "<token>")) from (None if leaked else error)


def _root(error: BaseException) -> BaseException:
    """The refusal or failure below an "error while uploading" of huggingface_hub."""
    cause = error.__cause__
    return _root(cause) if isinstance(error, RuntimeError) and cause is not None else error


def _words(error: BaseException, attempt: Attempt) -> str:
    from huggingface_hub import errors

    transport = errors.HTTPError  # type: ignore[attr-defined]
    if isinstance(error, SerHfError):
        return str(error)
    if isinstance(error, errors.HFValidationError):
        return f"{attempt.repo_id!r} is no name for a repository of the Hub, expected USER/NAME: {_line(error)}"
    if isinstance(error, errors.LocalTokenNotFoundError):
        return f"no token for the Hub at {attempt.endpoint}; {_ADVICE[401]}"
    if isinstance(error, errors.HfHubHTTPError):
        return _refusal(error, attempt)
    if isinstance(error, errors.OfflineModeIsEnabled):
        return "nothing can be pushed in offline mode; unset HF_HUB_OFFLINE"
    if isinstance(error, transport | ConnectionError):
        advice = "for a Hub without Xet storage set HF_HUB_DISABLE_XET=1" if "xet-" in str(error) else ""
        said = _line(error) or type(error).__name__
        return f"the Hub at {attempt.endpoint} cannot be reached ({said}); {advice or 'check the network and HF_ENDPOINT'}"
    return f"pushing to {attempt.repo_id} at {attempt.endpoint} failed: {_line(error)}"


def _refusal(error: Any, attempt: Attempt) -> str:
    status = error.response.status_code
    said = _line(error.server_message or next(iter(str(error).strip().splitlines()), ""))
    advice = _ADVICE.get(status, "try again later" if status >= 500 else "see the message of the server")
    return f"the Hub at {attempt.endpoint} refused {attempt.repo_id} (HTTP {status}, {said}); {advice}"


def _line(text: object) -> str:
    return " ".join(str(text).split())
