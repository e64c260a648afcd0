"""What huggingface_hub raises, in one line that says what to do, without the token."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ser_hf.base.errors import SerHfError
from ser_hf.base.hub_failures import ADVICE, HUB_FAILURES, hides, named, one_line, refusal, tells

_KNOWN: tuple[type[Exception], ...] = (*HUB_FAILURES, ValueError, RuntimeError, OSError)


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
    try:
        yield
    except _KNOWN as error:
        told = hides("; ".join([_words(_root(error), attempt), *attempt.made]), attempt.token)
        # a server that repeats the token is not repeated, and its own words are not shown as the cause
        raise SerHfError(told) from (None if tells(error, attempt.token) else error)


def _root(error: BaseException) -> BaseException:
    """The refusal or failure below an "error while uploading" of huggingface_hub."""
    cause = error.__cause__
    return _root(cause) if isinstance(error, RuntimeError) and cause is not None else error


def _words(error: BaseException, attempt: Attempt) -> str:
    from huggingface_hub import errors

    if isinstance(error, SerHfError):
        return str(error)
    if isinstance(error, errors.HFValidationError):
        return f"{attempt.repo_id!r} is no name for a repository of the Hub, expected USER/NAME: {one_line(error)}"
    if isinstance(error, errors.LocalTokenNotFoundError):
        return f"no token for the Hub at {attempt.endpoint}; {ADVICE[401]}"
    if isinstance(error, errors.HfHubHTTPError):
        return f"the Hub at {attempt.endpoint} refused {attempt.repo_id}: {refusal(error)}"
    if isinstance(error, errors.OfflineModeIsEnabled):
        return "nothing can be pushed in offline mode; unset HF_HUB_OFFLINE"
    if isinstance(error, (*HUB_FAILURES, ConnectionError)):
        advice = "for a Hub without Xet storage set HF_HUB_DISABLE_XET=1" if "xet-" in str(error) else ""
        advice = advice or "check the network and HF_ENDPOINT"
        return f"the Hub at {attempt.endpoint} cannot be reached ({named(error)}); {advice}"
    return f"pushing to {attempt.repo_id} at {attempt.endpoint} failed: {one_line(error)}"
