"""What goes wrong with the Hub, in words: refusals and broken connections, in one line and without the token."""

from __future__ import annotations

from typing import Any

from huggingface_hub import errors, get_token

from .errors import led_to

_TRANSPORT: type[Exception] = errors.HTTPError  # type: ignore[attr-defined]  # the base class of its HTTP client

HUB_FAILURES: tuple[type[Exception], ...] = (_TRANSPORT, errors.StrictDataclassError)
"""What its libraries raise beyond Python's own errors: a broken connection is no OSError there, nor is a bad value."""

ADVICE = {
    401: "check the name, and log in by `hf auth login` or set HF_TOKEN to a token that may do this",
    403: "the token may not do this: a push needs write access, a gated repository its owner's consent",
    404: "check the name of the repository and of the revision",
    409: "somebody else changes the repository just now; try again",
    412: "somebody else changed the repository meanwhile; look at it, then push again",
    429: "too many requests; wait and try again",
}
"""What to do after a refusal, by its HTTP status."""


def reason(error: BaseException, otherwise: str) -> str:
    """Why something of the Hub could not be read: the refusal or broken connection behind a library's error.

    Args:
        error: what the library raised.
        otherwise: what is said where there is none, or where just a file is missing.
    """
    found = [one for one in led_to(error) if isinstance(one, _TRANSPORT)]
    refused = next((one for one in found if isinstance(one, errors.HfHubHTTPError)), None)
    if isinstance(refused, errors.RemoteEntryNotFoundError) or not found:
        return hides(otherwise, get_token())
    if refused is not None:
        return hides(refusal(refused), get_token())
    return f"the connection failed ({named(found[-1])}); try again"


def cause(error: BaseException) -> BaseException | None:
    """The error, for ``raise ... from``; nothing where it tells the token, which a server may have repeated."""
    return None if tells(error, get_token()) else error


def refusal(error: Any) -> str:
    """A refusal of the Hub with its own words and what to do."""
    status = error.response.status_code
    said = one_line(error.server_message or next(iter(str(error).strip().splitlines()), ""))
    advice = ADVICE.get(status, "try again later" if status >= 500 else "see the message of the server")
    return f"HTTP {status}, {said}; {advice}"


def named(error: BaseException) -> str:
    """The text of an error in one line, or its kind where it says nothing."""
    return one_line(error) or type(error).__name__


def one_line(text: object) -> str:
    """A text without its line breaks."""
    return " ".join(str(text).split())


def hides(text: str, token: str | None) -> str:
    """A text without the token, which a server may have repeated."""
    return text.replace(token, "<token>") if token and len(token) > 3 else text


def tells(error: BaseException, token: str | None) -> bool:
    """Whether an error, or one behind it, tells the token."""
    return any(hides(str(one), token) != str(one) for one in led_to(error))
