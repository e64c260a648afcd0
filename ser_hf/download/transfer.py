"""Plain HTTP that goes on where it was cut, for the download manager of ``datasets``.

``datasets`` 5.2 takes ``resume_download`` and ``max_retries`` and uses neither: its HTTP path empties the unfinished
file, opens one request and gives up at the first cut (and ``aiohttp`` ends every request after five minutes). What it
fetches with is exchangeable, though: it asks ``fsspec`` for the file system of the address. So addresses are handed to
it as ``resume+https://...``, and this file system answers with the HTTP client of ``huggingface_hub``. Cache, lock and
progress bar stay those of ``datasets``.
"""

from __future__ import annotations

import logging
import re
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec  # type: ignore[import-untyped]
from huggingface_hub import get_session
from huggingface_hub.utils import httpx  # type: ignore[attr-defined]  # the client library, by the hub's own name

from ser_hf.base.errors import SerHfError

PREFIX = "resume+"
"""What is put before an address for `ResumingHttp` to answer."""

PART = ".part"
"""Suffix of a file that is not there in full."""

_OK, _PARTIAL, _NOT_SATISFIABLE = 200, 206, 416
_PASSING = {408, 425, 429, 500, 502, 503, 504}
"""Answers that may be another one a moment later."""

_HTML = (".html", ".htm")

logger = logging.getLogger(__name__)


class DownloadError(SerHfError):
    """A file cannot be fetched, or is not the one that was published."""


class _CutError(Exception):
    """The transfer ended early; another request may go on."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a slow or broken connection is put up with.

    Attributes:
        retries: how often in a row a request may bring nothing new before it is given up.
        wait: seconds before the first of them; doubled every time.
        timeout: seconds without a byte after which a connection counts as cut.
    """

    retries: int = 5
    wait: float = 1.0
    timeout: float = 30.0


class ResumingHttp(fsspec.AbstractFileSystem):  # type: ignore[misc]  # fsspec is published without types
    """Files on web servers, one request at a time; a file that was cut is asked for from its last byte on.

    Args:
        size: bytes the file must have; None where unknown.
        name: what it is called on disk.
        patience: when to give up.
    """

    cachable = False

    def __init__(self, size: int | None = None, name: str = "", patience: Patience | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.size = size
        self.name = name
        self.patience = patience or Patience()

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path.removeprefix(PREFIX)

    def info(self, path: str, **kwargs: Any) -> dict[str, Any]:
        """What is known beforehand; nothing is asked of the server."""
        return {"name": path, "size": self.size, "type": "file"}

    def get_file(self, rpath: str, lpath: str, callback: Any = None, **kwargs: Any) -> None:
        """Fetches ``rpath`` to ``lpath``; until it is whole it lies beside it, with the suffix `PART`.

        Raises:
            DownloadError: the server refuses it, sends something else, or stays away.
        """
        callback = callback or fsspec.callbacks.NoOpCallback()
        url, part = self._strip_protocol(rpath), Path(lpath).with_suffix(PART)
        fruitless = 0
        while True:
            before = _bytes(part)
            try:
                self._request(url, part, callback)
                break
            except (_CutError, httpx.TransportError) as cut:
                fruitless = 0 if _bytes(part) > before else fruitless + 1
                reason = str(cut) or type(cut).__name__
                if fruitless > self.patience.retries:
                    raise DownloadError(_given_up(url, reason, part, self.size)) from cut
                logger.warning("%s: %s; going on from byte %d", url, reason, _bytes(part))
                time.sleep(self.patience.wait * 2 ** max(fruitless - 1, 0))
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise DownloadError(f"{url} cannot be fetched: {error}") from error
        part.replace(lpath)

    def _request(self, url: str, part: Path, callback: Any) -> None:
        """One request for what is missing of ``part``.

        Raises:
            _CutError: the answer ended early or was a passing refusal.
        """
        if self.size is not None and _bytes(part) > self.size:
            part.unlink()
        start = _bytes(part)
        if start == self.size:
            return
        # the bytes are wanted as they lie there: a server that compresses on the way cannot be resumed
        headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
        with get_session().stream("GET", url, headers=headers, timeout=self.patience.timeout) as response:
            total = self._length(response, url, part, start)
            resumed = response.status_code == _PARTIAL
            _check_space(url, part, total, start)
            callback.set_size(total)
            callback.absolute_update(start if resumed else 0)
            with part.open("ab" if resumed else "wb") as file:
                for chunk in response.iter_raw():
                    file.write(chunk)
                    callback.relative_update(len(chunk))
                    if total is not None and file.tell() > total:
                        raise DownloadError(f"{url}: the server sends more than the {total} bytes expected")
        if total is not None and _bytes(part) < total:
            raise _CutError(f"{_bytes(part)} of {total} bytes came")

    def _length(self, response: httpx.Response, url: str, part: Path, start: int) -> int | None:
        """Bytes of the whole file, if the answer is what was asked for; raises if it is not."""
        status, headers = response.status_code, response.headers
        length = headers.get("Content-Length", "")
        total = int(length) if length.isdecimal() else self.size
        if status in _PASSING:
            raise _CutError(f"the server answers {status} {response.reason_phrase}")
        if status == _PARTIAL:
            span = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", "").strip())
            if span is None or int(span[1]) != start:
                status = _NOT_SATISFIABLE
            else:
                total = self.size if span[2] == "*" else int(span[2])
        if status == _NOT_SATISFIABLE and start:
            part.unlink()
            raise _CutError("the server cannot go on with what is here already, so it is fetched anew")
        if status not in (_OK, _PARTIAL):
            raise DownloadError(
                f"{url}: the server answers {status} {response.reason_phrase}; expected {self.name or 'the file'}. "
                "Open the address in a browser: it may have moved"
            )
        if headers.get("Content-Type", "").startswith("text/html") and not self.name.lower().endswith(_HTML):
            raise DownloadError(
                f"{url}: the server sends a web page; expected {self.name or 'a file'}. "
                "Open the address in a browser: it may ask for a login, or the network for one"
            )
        if self.size is not None and total != self.size:
            raise DownloadError(
                f"{url}: the server offers {total} bytes, expected {self.size}; the file was replaced since it was "
                "recorded, or this is another one"
            )
        return total


def register() -> None:
    """Makes ``fsspec``, and so ``datasets``, use `ResumingHttp` for addresses that begin with `PREFIX`."""
    for scheme in ("http", "https"):
        fsspec.register_implementation(PREFIX + scheme, ResumingHttp, clobber=True)


def _check_space(url: str, part: Path, total: int | None, start: int) -> None:
    """Refuses what cannot fit before it is written."""
    free = shutil.disk_usage(part.parent).free
    if total is not None and total - start > free:
        raise DownloadError(f"{url}: {total - start} bytes are to come, {free} are free at {part.parent}; make room")


def _bytes(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _given_up(url: str, reason: str, part: Path, size: int | None) -> str:
    have = _bytes(part)
    kept = f"; {have} of {size or 'unknown'} bytes are kept: run the command again to go on from there" if have else ""
    return f"{url} cannot be fetched: {reason}{kept}"
