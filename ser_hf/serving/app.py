"""The routes, as an application for any ASGI server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from ser_hf import __version__

from . import descriptions
from .guard import LONG, Guard
from .metrics import CONTENT_TYPE
from .page import page
from .refusal import RefusedError
from .segments import FORMATS, Together, hear_all
from .service import Service
from .stream import Streams
from .uploads import stored, uploads

logger = logging.getLogger(__name__)


def make_app(service: Service) -> FastAPI:
    """The application that serves a model; its lifespan starts and ends the service."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await service.start()
        yield
        await service.close()

    app = FastAPI(
        title="ser_hf",
        version=__version__,
        description=descriptions.ABOUT,
        lifespan=lifespan,
        docs_url=None,  # FastAPI's own page loads its script from elsewhere
        redoc_url=None,
    )
    routes = _Routes(service, app)
    for method, path, handler, extra in routes.table():
        app.add_api_route(path, handler, methods=[method], response_model=None, **extra)
    app.add_api_route("/docs", routes.docs, include_in_schema=False)
    app.add_api_websocket_route("/v1/stream", Streams(service).__call__)
    app.add_middleware(Guard, settings=service.settings, metrics=service.metrics)
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(HTTPException, _no_route)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, _failed)
    return app


class _Routes:
    """What is done for each route."""

    def __init__(self, service: Service, app: FastAPI) -> None:
        self._service, self._app = service, app
        self._long = 0

    def table(self) -> list[tuple[str, str, Any, dict[str, Any]]]:
        """Method, path, handler and description of every documented route."""
        about = descriptions
        return [
            ("POST", "/v1/classify", self.classify, about.CLASSIFY),
            ("POST", LONG, self.segments, about.segments(FORMATS)),
            ("GET", "/v1/model", self.model, about.MODEL),
            ("GET", "/health", self.health, about.HEALTH),
            ("GET", "/metrics", self.metrics, about.METRICS),
        ]

    async def classify(self, request: Request) -> Response:
        results = await self._service.classify(await uploads(request, self._service.settings.max_files))
        return JSONResponse({"results": results})

    async def segments(self, request: Request) -> Response:
        form, settings = request.query_params.get("format", "json"), self._service.settings
        if form not in FORMATS:
            raise RefusedError(400, f"unknown format {form[:20]!r}; expected one of {', '.join(FORMATS)}")
        if self._long >= settings.max_long:
            raise RefusedError(503, f"{self._long} long recordings are being heard, which is the most; come again")
        self._long += 1
        try:
            with TemporaryDirectory(prefix="ser_hf_") as folder:
                sent, sound = Path(folder, "sent"), Path(folder, "sound.wav")
                name = await stored(request, sent)
                found = await self._service.decode_long(sent, name, sound)
                sent.unlink()
                model = Together(self._service, asyncio.get_running_loop())
                text = await self._service.long(partial(hear_all, model, self._service, sound, name, form))
                self._service.metrics.audio.inc(found.seconds)
        finally:
            self._long -= 1
        return Response(text, media_type=FORMATS[form])

    async def model(self) -> Response:
        return JSONResponse({**self._service.facts.as_dict(), "limits_of_this_server": _shown(self._service)})

    async def health(self) -> Response:
        ready = self._service.ready
        return JSONResponse({"status": "ok" if ready else "not ready"}, 200 if ready else 503)

    async def metrics(self) -> Response:
        return Response(self._service.metrics.text(), media_type=CONTENT_TYPE)

    async def docs(self) -> Response:
        policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return HTMLResponse(page(self._app.openapi(), self._service.facts), headers=policy)


def _shown(service: Service) -> dict[str, Any]:
    names = ("max_seconds", "max_megabytes", "max_long_seconds", "max_long_megabytes", "max_files", "min_confidence")
    return {name: getattr(service.settings, name) for name in names}


async def _refused(_: Request, error: Exception) -> Response:
    if isinstance(error, RefusedError):
        return error.response()
    raise error


async def _no_route(_: Request, error: Exception) -> Response:
    status = getattr(error, "status_code", 500)
    words = {404: "there is nothing here; see /docs", 405: "another method is expected here; see /docs"}
    return JSONResponse({"error": words.get(status, "the request cannot be answered; see /docs")}, status)


async def _invalid(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": "the request is not what is expected here; see /docs"}, 400)


async def _failed(request: Request, error: Exception) -> Response:
    logger.error("%s failed: %s: %s", request.url.path, type(error).__name__, error)
    return JSONResponse({"error": "this server failed at the request; its log says more"}, 500)
