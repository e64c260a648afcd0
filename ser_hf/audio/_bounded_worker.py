"""The process in which `ser_hf.audio.bounded` decodes: one job after the other from standard input, until it ends.

A job is four bytes of length, so many bytes of JSON, and so many bytes of body as the JSON says; so is an answer.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import math
import resource
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import soundfile

from ser_hf.base.errors import AudioError, TooLongError

from ._foreign import load_codecs
from .accepted import recording
from .blocks import blocks
from .load import load
from .speech import SpeechDetector, speech_detector

_PAGE = resource.getpagesize()


def work(source: BinaryIO, sink: BinaryIO, memory: int) -> None:
    """Answers jobs until there are no more, with no more than ``memory`` bytes beyond what a start takes."""
    detectors = {name: speech_detector(name) for name in ("auto",)}
    detectors["auto"](np.zeros(16_000, np.float32), 16_000)  # what it loads is no part of a job
    load_codecs()
    _limit(memory)
    while head := source.read(4):
        job = json.loads(source.read(struct.unpack("<I", head)[0]))
        body = source.read(job["bytes"])
        if job["speech"] and job["speech"] not in detectors:
            detectors[job["speech"]] = speech_detector(job["speech"])
        try:
            facts, samples = _answer(job, body, detectors.get(job["speech"]))
        except TooLongError as error:
            facts, samples = {"error": str(error), "seconds": error.seconds}, b""
        except AudioError as error:
            facts, samples = {"error": str(error)}, b""
        except MemoryError:
            facts, samples = {"error": f"{job['name']} needs more memory than is given to one recording"}, b""
        del body
        told = json.dumps({**facts, "bytes": len(samples)}).encode()
        sink.write(struct.pack("<I", len(told)) + told)
        sink.write(samples)
        sink.flush()
        del samples


def _answer(
    job: Mapping[str, Any], body: bytes, detector: SpeechDetector | None
) -> tuple[dict[str, Any], bytes | memoryview]:
    name, rate, longest = job["name"], job["rate"], job["max_duration"]
    if job["form"] == "json":
        name, samples = recording(_of_json(body, name), rate, None, longest, name)
    elif job["into"]:
        return _converted(Path(job["path"]) if job["path"] else body, job, detector), b""
    else:
        samples = load(_read(job["path"]) if job["path"] else body, rate, name, longest)
    speech = None if detector is None else detector.seconds(samples, rate)
    facts = {"speech": speech, "seconds": len(samples) / rate}
    if job["into"]:
        soundfile.write(job["into"], samples, rate, subtype="FLOAT", format="WAV")
        return facts, b""
    return facts, np.ascontiguousarray(samples, "<f4").data.cast("B")


def _converted(source: Path | bytes, job: Mapping[str, Any], detector: SpeechDetector | None) -> dict[str, Any]:
    """Writes a recording as a WAV file at the rate wanted, block by block."""
    rate, length, speech = job["rate"], 0, 0.0
    with soundfile.SoundFile(job["into"], "w", rate, 1, "FLOAT", format="WAV") as file:
        for block in blocks(source, rate, name=job["name"], max_duration=job["max_duration"]):
            file.write(block)
            length += len(block)
            speech += 0.0 if detector is None else detector.seconds(block, rate)
    return {"speech": None if detector is None else speech, "seconds": length / rate}


def _read(path: str) -> bytes:
    return Path(path).read_bytes()


def _of_json(body: bytes, name: str) -> dict[str, Any]:
    """What a JSON object holds: a file in base64, or samples with their rate.

    Raises:
        AudioError: it is no such object.
    """
    expected = '{"audio": BASE64}, or {"array": [SAMPLES], "sampling_rate": HZ}'
    try:
        given = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise AudioError(f"{name} is not JSON that can be read; expected {expected}") from error
    if isinstance(given, dict) and isinstance(given.get("audio"), str):
        try:
            return {"bytes": base64.b64decode(given["audio"], validate=True)}
        except (binascii.Error, ValueError) as error:
            raise AudioError(f"'audio' of {name} is not base64: {error}") from error
    if not isinstance(given, dict) or not isinstance(given.get("array"), list):
        raise AudioError(f"{name} is JSON of another shape; expected {expected}")
    rate = given.get("sampling_rate")
    if isinstance(rate, bool) or not isinstance(rate, int | float) or not math.isfinite(rate):
        raise AudioError(f"{name} needs the sampling_rate of its array, a whole number of Hz; it is {str(rate)[:40]!r}")
    try:
        samples = np.asarray(given["array"], np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise AudioError(f"'array' of {name} is not a list of numbers") from error
    return {"array": samples, "sampling_rate": rate}


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number of JSON")


def _limit(memory: int) -> None:
    """Lets the process take ``memory`` bytes of address space beyond what it has."""
    with contextlib.suppress(OSError, ValueError):  # a system without /proc, or with a lower limit of its own
        most = int(Path("/proc/self/statm").read_text().split()[0]) * _PAGE + memory
        resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))


if __name__ == "__main__":
    work(sys.stdin.buffer, sys.stdout.buffer, int(sys.argv[1]))
