"""Cache files that are not what was written are made again, and the file is named."""

import os
import time
from pathlib import Path

import pytest

from ser_hf.base.sealed import sealed, sweep


@pytest.fixture
def cache(tmp_path):
    """A cache in two files, as a function that counts how often they are written."""
    written = []

    def files() -> list[Path]:
        return sorted(tmp_path.glob("*.arrow"))

    def make() -> list[bytes]:
        if not files():
            written.append(1)
            for name in "ab":
                (tmp_path / f"{name}.arrow").write_bytes(name.encode() * 100)
        return [path.read_bytes() for path in files()]

    return lambda: (sealed(make, files), len(written))


HARM = {
    "a flipped byte": lambda data: data[:50] + bytes([data[50] ^ 1]) + data[51:],
    "half": lambda data: data[:50],
    "nothing": lambda data: b"",
    "more": lambda data: data + b"x",
}


@pytest.mark.parametrize("harm", HARM)
def test_damage_is_found_told_and_mended(cache, tmp_path, caplog, harm):
    expected, _ = cache()
    assert cache() == (expected, 1), "what is whole is not made again"
    path = tmp_path / "b.arrow"
    path.write_bytes(HARM[harm](path.read_bytes()))
    assert cache() == (expected, 2)
    assert caplog.messages == [f"{path} is damaged: it is not what was written; it is made again"]
    assert cache() == (expected, 2)


def test_a_cache_of_an_older_version_is_taken_and_sealed(cache, tmp_path):
    expected, _ = cache()
    for path in tmp_path.glob("*.seal"):
        path.unlink()
    assert cache() == (expected, 1)
    assert len(list(tmp_path.glob("*.seal"))) == 2


def test_a_damaged_seal_is_damage(cache, tmp_path):
    cache()
    (tmp_path / "a.arrow.seal").write_text("{")
    assert cache()[1] == 2


def test_temporary_files_that_nobody_writes_to_go(tmp_path):
    for name, age in (("tmpabcdefgh", 7200), ("tmp12345678", 60), ("tmpabcdefgh.arrow", 7200), ("cache-1.arrow", 7200)):
        (tmp_path / name).write_bytes(b"x")
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    sweep(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache-1.arrow", "tmp12345678", "tmpabcdefgh.arrow"]
