"""What skops writes, without what differs from one process to the next: the same machine is the same file."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any
from zipfile import ZipFile, ZipInfo

_SCHEMA = "schema.json"


def steady(archive: bytes) -> bytes:
    """The same archive, its objects numbered as they come in it.

    skops names objects by their place in memory, and the archive tells when it was written.

    Args:
        archive: of `skops.io.dumps`.
    """
    with ZipFile(io.BytesIO(archive)) as given:
        content = {name: given.read(name) for name in given.namelist()}
    schema = json.loads(content.pop(_SCHEMA))
    numbers: dict[int, int] = {}
    files: dict[str, str] = {}
    for node in _nodes(schema):
        if "__id__" in node:
            node["__id__"] = numbers.setdefault(node["__id__"], len(numbers))
        if node.get("file") in content:
            node["file"] = files.setdefault(node["file"], f"{len(files)}.npy")
    result = io.BytesIO()
    with ZipFile(result, "w") as written:
        for old, new in files.items():
            written.writestr(ZipInfo(new), content[old])
        written.writestr(ZipInfo(_SCHEMA), json.dumps(schema, indent=2))
    return result.getvalue()


def _nodes(schema: Any) -> Iterator[dict[str, Any]]:
    """Every table in what JSON holds, from the first to the last."""
    if isinstance(schema, dict):
        yield schema
        schema = [*schema.values()]
    for child in schema if isinstance(schema, list) else ():
        yield from _nodes(child)
