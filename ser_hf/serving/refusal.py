"""What a server says when it does not answer: a status and one line."""

from __future__ import annotations

from starlette.responses import JSONResponse

from ser_hf.base.errors import SerHfError

RETRY_SECONDS = 1
"""When to come again where there is too much to do."""
_LONGEST_NAME = 80


class RefusedError(SerHfError):
    """A request that gets no answer.

    Attributes:
        status: of HTTP.
        headers: beside the usual ones.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers: dict[str, str] = {}
        if status in (429, 503):
            self.headers["Retry-After"] = str(RETRY_SECONDS)
        elif status == 401:
            self.headers["WWW-Authenticate"] = "Bearer"

    def response(self) -> JSONResponse:
        """The same as a response."""
        return JSONResponse({"error": str(self)}, self.status, self.headers)


def plain_name(given: str | None, otherwise: str = "the clip") -> str:
    r"""A file name from outside as text for one line.

    >>> plain_name("a\nb.wav"), plain_name("")
    ('a?b.wav', 'the clip')
    """
    shown = "".join(c if c.isprintable() else "?" for c in (given or "")[:_LONGEST_NAME]).strip()
    return shown.encode("utf-8", "replace").decode() or otherwise
