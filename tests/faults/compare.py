"""Whether what a job left is what it leaves undisturbed, whole, and without litter."""

import hashlib
import json
import re
import zipfile
from pathlib import Path
from typing import Any

VARIES = frozenset({"created", "seconds", "began", "at", "process", "host", "peak_memory_mb", "commit"})
"""Keys of JSON that hold a time stamp, how long something took, or who did it."""
_TIMES = re.compile(
    r"\b[0-9a-f]{7}\b|\d{4}-\d\d-\d\d(T[\d:+.Z]+| \d\d:\d\d(:\d\d)?)?( UTC)?"
    r"|\b\d[\d,]*(\.\d+)? (s|ms|min|h|seconds|MB|GB)\b"
    r"|<td>\d{3,5}</td>"  # peak memory in the table of a study's costs; other numbers there have decimals or are small
)
_PICTURE = re.compile(r"data:image/png;base64,[A-Za-z0-9+/=]+")
"""Which children of a study draw, and the process under test does not, see `bench`."""
_OTHER = frozenset({"log.txt", "costs.csv", "took.json", "training_args.bin"})
"""Files that hold what was said, how long it took, or the words of the command, which name the checkpoint."""


def tree(folder: Path) -> set[str]:
    """Every file and empty folder below a folder."""
    found = set()
    for path in folder.rglob("*"):
        if path.is_symlink() or not path.is_dir():
            found.add(str(path.relative_to(folder)))
        elif not any(path.iterdir()):
            found.add(f"{path.relative_to(folder)}/")
    return found


def contents(folder: Path) -> dict[str, str]:
    """A digest of every file: of its bytes, but for times in texts."""
    return {name: digest(folder / name) for name in sorted(tree(folder)) if (folder / name).is_file()}


def digest(path: Path) -> str:
    data = path.read_bytes()
    if path.name in _OTHER:
        return "another each time"
    if path.suffix in (".json", ".yaml", ".seal", ".html", ".md", ".csv", ".tex"):
        text = data.decode("utf-8", "replace")
        if path.suffix == ".json":
            try:
                text = json.dumps(_steady(json.loads(text)), sort_keys=True)
            except ValueError:
                return "no JSON"
        text = _PICTURE.sub("a picture", text)
        data = _TIMES.sub("*", text).encode()
    elif path.suffix in (".pt", ".pth", ".bin"):
        return _tensors(path)
    elif path.suffix == ".skops":
        return _machine(path)
    elif path.suffix == ".png":
        return "a picture" if data.endswith(b"IEND\xaeB`\x82") else "cut off"
    return hashlib.sha256(data).hexdigest()


def _steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _steady(one)
            for key, one in value.items()
            if key not in VARIES and not key.endswith(("runtime", "per_second", "_seconds"))
        }
    return [_steady(one) for one in value] if isinstance(value, list) else value


def _tensors(path: Path) -> str:
    """Of a file of PyTorch's, whose archive holds its own name."""
    import torch

    try:
        return hashlib.sha256(repr(_plain(torch.load(path, weights_only=False))).encode()).hexdigest()
    except (RuntimeError, EOFError, OSError, ValueError):
        return "cut off"


def _machine(path: Path) -> str:
    """Of a file of skops', whose archive names objects by where they lay in memory."""
    try:
        with zipfile.ZipFile(path) as archive:
            schema, places = archive.read("schema.json").decode(), dict[str, str]()
            schema = re.sub(r"\d{9,}", lambda found: places.setdefault(found[0], f"object {len(places)}"), schema)
            arrays = [(places.get(Path(name).stem, name), archive.read(name)) for name in archive.namelist()]
    except (zipfile.BadZipFile, KeyError):
        return "cut off"
    return hashlib.sha256(repr((schema, sorted(one for one in arrays if one[0] != "schema.json"))).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if hasattr(value, "detach"):
        return value.detach().cpu().numpy().tobytes()
    if isinstance(value, dict):
        return [(key, _plain(one)) for key, one in value.items()]
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.tobytes() if hasattr(value, "tobytes") else value


def halves(folder: Path, whole: dict[str, str]) -> list[str]:
    """Files under their final names that cannot be read."""
    bad = []
    for name in sorted(tree(folder)):
        path = folder / name
        if not path.is_file() or name not in whole or ".writing" in name or ".building" in name:
            continue
        if not _readable(path):
            bad.append(name)
    return bad


def _readable(path: Path) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from safetensors import SafetensorError, safe_open

    try:
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix == ".parquet":
            pq.read_table(path)
        elif path.suffix == ".safetensors":
            with safe_open(path, "pt"):
                pass
        elif path.suffix == ".html":
            last = "</table>" if path.name == "table.html" else "</html>"  # a table alone, to be put into a page
            return last in path.read_text(encoding="utf-8")
        elif path.suffix == ".skops":
            return _machine(path) != "cut off"
        elif path.suffix in (".pt", ".pth"):
            return _tensors(path) != "cut off"
        elif path.suffix == ".onnx":
            import onnx

            onnx.load(path)
    except (ValueError, OSError, pa.ArrowException, SafetensorError):
        return False
    return True
