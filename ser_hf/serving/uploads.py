"""The recordings in a request, however they were sent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException as HttpError
from starlette.requests import Request

from .refusal import RefusedError, plain_name

MULTIPART, JSON = "multipart/form-data", "application/json"
_RAW = ("audio/", "video/", "application/octet-stream", "application/ogg")
_MOST_FIELDS = 16
_BLOCK = 1 << 20
ACCEPTED = (
    f"{MULTIPART} with one file or many, {JSON} with 'audio' (base64) or 'array' and 'sampling_rate', or the bytes of "
    "an audio file as audio/* or application/octet-stream"
)


@dataclass(frozen=True)
class Upload:
    """A recording that was sent.

    Attributes:
        data: its bytes.
        name: its file name, for one line of text.
        form: ``"file"`` or ``"json"``.
    """

    data: bytes
    name: str
    form: str = "file"


async def uploads(request: Request, most: int) -> list[Upload]:
    """The recordings of a request, at least one.

    Raises:
        RefusedError: there is none, there are more than ``most``, or the request is of another kind.
    """
    kind = _kind(request)
    if kind == MULTIPART:
        async with _Form(request, most) as form:
            found = [
                Upload(await file.read(), plain_name(file.filename, f"file {number}"))
                for number, file in enumerate(_files(form))
            ]
            if not found:
                raise RefusedError(400, f"the form holds no file; expected {ACCEPTED}")
            return found
    data = await request.body()
    if not data:
        raise RefusedError(400, f"the body is empty; expected {ACCEPTED}")
    return [Upload(data, "the clip", "json" if kind == JSON else "file")]


async def stored(request: Request, file: Path) -> str:
    """Writes the one recording of a request to a file, a block at a time, and gives its name.

    Raises:
        RefusedError: there is not one, or the request is of another kind.
    """
    if _kind(request) == JSON:
        raise RefusedError(415, f"a long recording is sent as a file: {MULTIPART}, audio/* or application/octet-stream")
    name = "the recording"
    with file.open("wb") as sink:
        if _kind(request) == MULTIPART:
            async with _Form(request, 1) as form:
                one = next(iter(_files(form)), None)
                if one is None:
                    raise RefusedError(400, "the form holds no file; expected one")
                name = plain_name(one.filename, name)
                while block := await one.read(_BLOCK):
                    sink.write(block)
        else:
            async for block in request.stream():
                sink.write(block)
        if not sink.tell():
            raise RefusedError(400, "the body is empty; expected a recording")
    return name


def _kind(request: Request) -> str:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in (MULTIPART, JSON) and not kind.startswith(_RAW):
        raise RefusedError(415, f"the content type is {plain_name(kind, 'missing')!r}; expected {ACCEPTED}")
    return kind


def _files(form: Any) -> list[UploadFile]:
    return [value for _, value in form.multi_items() if isinstance(value, UploadFile)]


class _Form:
    """The form of a request, its files closed at the end; what is wrong with it is a refusal."""

    def __init__(self, request: Request, most: int) -> None:
        self._request, self._most = request, most

    async def __aenter__(self) -> Any:
        try:
            return await self._request.form(max_files=self._most, max_fields=_MOST_FIELDS, max_part_size=1 << 16)
        except HttpError as error:
            raise RefusedError(400, f"the form cannot be read: {error.detail}") from error

    async def __aexit__(self, *_: object) -> None:
        await self._request.close()
