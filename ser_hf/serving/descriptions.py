"""What OpenAPI and the page of the server say of its routes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

ABOUT = (
    "Emotions of recordings by a model of ser_hf. Every refusal is JSON with one line under `error`; 429 and 503 say "
    "in Retry-After when to come again. Live sound: WebSocket /v1/stream."
)
_BINARY = {"type": "string", "format": "binary"}
_RAW = {kind: {"schema": _BINARY} for kind in ("audio/*", "application/octet-stream")}
_NUMBER, _TEXT = {"type": "number"}, {"type": "string"}
_ANSWER = {
    "type": "object",
    "properties": {
        "file": _TEXT,
        "label": {**_TEXT, "description": "the first class, or unsure"},
        "confidence": {**_NUMBER, "description": "calibrated probability of the first class"},
        "scores": {"type": "object", "additionalProperties": _NUMBER, "description": "class: probability"},
        "dimensions": {
            "type": "object",
            "additionalProperties": _NUMBER,
            "description": "ratings, where it rates",
        },
        "seconds": _NUMBER,
        "speech": {**_NUMBER, "description": "seconds of speech"},
        "warning": {**_TEXT, "description": "why there is nothing to go by, or that not all was heard"},
        "error": {**_TEXT, "description": "instead of all that, of a clip that cannot be used"},
    },
}
_ERROR = {"content": {"application/json": {"schema": {"type": "object", "properties": {"error": _TEXT}}}}}
_REFUSALS: dict[int | str, dict[str, Any]] = {
    400: {"description": "no file, an empty body, an unknown option", **_ERROR},
    401: {"description": "the key is missing or wrong", **_ERROR},
    408: {"description": "the body did not arrive in time", **_ERROR},
    413: {"description": "too large or too long", **_ERROR},
    415: {"description": "a content type that is not taken", **_ERROR},
    422: {"description": "not readable as a recording; the line says why", **_ERROR},
    503: {"description": "too much to do; come again after Retry-After", **_ERROR},
}


def _json(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


CLASSIFY: dict[str, Any] = {
    "summary": "Emotions of one clip or many",
    "description": "curl -F file=@clip.wav http://127.0.0.1:8000/v1/classify",
    "responses": {
        200: {
            "description": "an answer for every clip",
            **_json({"type": "object", "properties": {"results": {"type": "array", "items": _ANSWER}}}),
        },
        **_REFUSALS,
    },
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": {"type": "object", "properties": {"file": {"type": "array", "items": _BINARY}}}
                },
                "application/json": {
                    "schema": {
                        "oneOf": [
                            {
                                "type": "object",
                                "required": ["audio"],
                                "properties": {"audio": {**_TEXT, "description": "an audio file in base64"}},
                            },
                            {
                                "type": "object",
                                "required": ["array", "sampling_rate"],
                                "properties": {
                                    "array": {"type": "array", "items": _NUMBER, "description": "samples in [-1, 1]"},
                                    "sampling_rate": _NUMBER,
                                },
                            },
                        ]
                    }
                },
                **_RAW,
            },
        }
    },
}
MODEL: dict[str, Any] = {
    "summary": "The model: classes, rate, licence, score, what it is not for",
    "description": "curl http://127.0.0.1:8000/v1/model",
}
HEALTH: dict[str, Any] = {"summary": "Whether it answers", "description": "curl http://127.0.0.1:8000/health"}
METRICS: dict[str, Any] = {"summary": "Counts for Prometheus", "description": "curl http://127.0.0.1:8000/metrics"}


def segments(formats: Iterable[str]) -> dict[str, Any]:
    """Of ``/v1/segments``."""
    option = {"name": "format", "in": "query", "schema": {"type": "string", "enum": [*formats], "default": "json"}}
    form = {"schema": {"type": "object", "properties": {"file": _BINARY}}}
    return {
        "summary": "A long recording from beginning to end",
        "description": "curl -F file=@call.flac 'http://127.0.0.1:8000/v1/segments?format=vtt'",
        "responses": {200: {"description": "segments, in the format asked for"}, **_REFUSALS},
        "openapi_extra": {
            "parameters": [option],
            "requestBody": {"required": True, "content": {"multipart/form-data": form, **_RAW}},
        },
    }
