"""The far end of a decoding process: ``python -m ser_hf.inference.batch.worker``, spoken to over its standard streams.

A damaged file can bring a decoder down, which is a C library; so it runs where that ends nothing else. A message is a
line of JSON, and bytes after it.
"""

from __future__ import annotations

import json
import os
import sys
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from .hearing import Settings, hearer
from .item import Item


def question(item: Item) -> tuple[bytes, bytes | None]:
    """An item as a message; paths that are not UTF-8 go through."""
    told = {**item._replace(data=None)._asdict(), "sent": item.data is not None}
    return json.dumps(told).encode(), item.data


def _item(line: bytes, listened: Connection) -> Item:
    told: dict[str, Any] = json.loads(line)
    sent = told.pop("sent")
    return Item(**{**told, "data": listened.recv_bytes() if sent else None})


def main() -> int:
    """Answers until nobody asks any more."""
    asked, answers = Connection(os.dup(0), writable=False), Connection(os.dup(1), readable=False)
    os.dup2(2, 1)  # what a library prints is no answer
    hear = hearer(Settings(**json.loads(asked.recv_bytes())))
    while True:
        try:
            line = asked.recv_bytes()
        except EOFError:
            return 0
        sound = hear(_item(line, asked))
        heard = sound.samples is not None
        answers.send_bytes(json.dumps({"heard": heard, "speech": sound.speech, "error": sound.error}).encode())
        if sound.samples is not None:
            answers.send_bytes(np.ascontiguousarray(sound.samples, np.float32).data.cast("B"))


if __name__ == "__main__":
    sys.exit(main())
