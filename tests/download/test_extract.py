"""Archives are unpacked whole, inside their folder, or not at all."""

import bz2
import contextlib
import errno
import gzip
import io
import os
import stat
import tarfile
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ser_hf.download._members import ArchiveError
from ser_hf.download.extract import Limits, extract, is_archive

FILES = {"Actor_01/a.wav": b"RIFF one", "Actor_02/b.wav": os.urandom(3_000_000), "readme.txt": b""}


def by_words(value: object) -> str:
    """The part of a test's name that a parameter gives: not the bytes, which hold the time of their making."""
    return type(value).__name__ if isinstance(value, bytes) else str(value)


def write_zip(path, entries, compression=zipfile.ZIP_DEFLATED):
    """A zip archive of (name or ZipInfo, content)."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in entries:
            archive.writestr(name, data, compression)
    return path


def entry(name, data=b"", **fields):
    """A member of a tar archive with any header."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, data


def tar_bytes(entries, format=tarfile.GNU_FORMAT):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format, encoding="utf-8", errors="surrogateescape") as archive:
        for info, data in entries:
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zip_bytes(entries):
    buffer = io.BytesIO()
    write_zip(buffer, entries)
    return buffer.getvalue()


def tree(folder):
    """Path -> content of every file below a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def out(tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@pytest.fixture
def unpack(tmp_path, out):
    """Writes an archive's bytes and unpacks them; gives what came out."""

    def run(data, name="toy.zip", **limits):
        (tmp_path / name).write_bytes(data)
        return extract(tmp_path / name, out, limits=Limits(**limits))

    return run


PACKED = {
    "zip": zip_bytes(FILES.items()),
    "tar": tar_bytes([entry(name, data) for name, data in FILES.items()]),
    "pax": tar_bytes([entry(name, data) for name, data in FILES.items()], tarfile.PAX_FORMAT),
}
PACKED |= {"tar.gz": gzip.compress(PACKED["tar"], 1), "tar.bz2": bz2.compress(PACKED["tar"], 1)}


@pytest.mark.parametrize("kind", PACKED)
def test_every_kind_comes_out_whole(unpack, out, kind):
    steps = []
    found = unpack(PACKED[kind], "download")
    assert tree(out) == FILES
    assert (found.files, found.size, found.left_out) == (3, sum(map(len, FILES.values())), [])
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((out / "readme.txt").stat().st_mode) == 0o666 & ~umask
    again = out / "again"
    again.mkdir()
    extract(out.parent / "download", again, progress=steps.append)
    assert sum(steps) == found.size
    assert len(steps) > 3


def test_folders_alone_and_dots(unpack, out):
    folder = entry("./", type=tarfile.DIRTYPE)
    unpack(tar_bytes([folder, entry("./a/", type=tarfile.DIRTYPE), entry("./b/./c.wav", b"c")]), "toy.tar")
    assert (out / "a").is_dir()
    assert tree(out) == {"b/c.wav": b"c"}


OUTSIDE = [
    "../evil.wav",
    "a/../../evil.wav",
    "a/../b.wav",
    "..",
    "/evil.wav",
    "//host/evil.wav",
    "C:/evil.wav",
    "c:evil.wav",
    "..\\evil.wav",
    "a\\..\\..\\evil.wav",
    "\\evil.wav",
    "C:\\evil.wav",
]


@pytest.mark.parametrize("kind", ["zip", "tar", "pax"])
@pytest.mark.parametrize("name", OUTSIDE)
def test_names_that_lead_outside(unpack, out, tmp_path, kind, name):
    if kind == "zip":
        data = zip_bytes([("good.wav", b"good"), (zipfile.ZipInfo(name), b"evil")])
    else:
        format = tarfile.PAX_FORMAT if kind == "pax" else tarfile.GNU_FORMAT
        data = tar_bytes([entry("good.wav", b"good"), entry(name, b"evil")], format)
    with pytest.raises(ArchiveError, match=r"toy: entry .* (outside the folder|an absolute name); the archive is not"):
        unpack(data, "toy")
    assert {p.name for p in tmp_path.rglob("*") if p.is_file()} <= {"good.wav", "toy"}


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, b"Z"]
)
def test_a_tar_with_links_or_devices(unpack, out, kind):
    member = entry("Actor_01", type=kind, linkname="../../secret")
    with pytest.raises(ArchiveError, match="entry 'Actor_01' is a link or a device"):
        unpack(tar_bytes([member, entry("Actor_01/a.wav", b"through the link")]), "toy.tar")
    assert list(out.iterdir()) == []


@pytest.mark.parametrize("mode", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO])
def test_a_zip_with_links_or_devices(unpack, out, mode):
    info = zipfile.ZipInfo("Actor_01")
    info.create_system, info.external_attr = 3, (mode | 0o777) << 16
    with pytest.raises(ArchiveError, match="entry 'Actor_01' is a link or a device"):
        unpack(zip_bytes([(info, b"../../secret")]))
    assert list(out.iterdir()) == []


def test_a_sparse_file_is_refused(unpack):
    info, _ = entry("holes.wav", type=tarfile.GNUTYPE_SPARSE)
    header = bytearray(info.tobuf(tarfile.GNU_FORMAT))
    header[386:410] = b"%011o\0%011o\0" % (0, 0)
    header[483:495] = b"%011o\0" % (1 << 30)  # its true size
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    with pytest.raises(ArchiveError, match=r"'holes\.wav' is a sparse file"):
        unpack(bytes(header) + bytes(1024), "toy.tar")


BOMB = bytes(20 << 20)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("bomb.zip", zip_bytes([("zeros.wav", BOMB)])),
        ("bomb.tar.gz", gzip.compress(tar_bytes([entry("zeros.wav", BOMB)]))),
        ("bomb.tar.bz2", bz2.compress(tar_bytes([entry("zeros.wav", BOMB)]))),
        ("bomb.tar.gz", gzip.compress(tar_bytes([entry("._zeros.wav", BOMB)]))),
        ("bomb.zip", zip_bytes([("inner.zip", zip_bytes([("zeros.wav", BOMB)]))])),
        ("bomb.tar", tar_bytes([entry("a/inner.tar.gz", gzip.compress(tar_bytes([entry("zeros.wav", BOMB)])))])),
    ],
    ids=by_words,
)
def test_a_bomb_is_stopped(unpack, out, name, data):
    assert len(data) < 200_000
    with pytest.raises(ArchiveError, match=r"unpacks to .*; it is not unpacked"):
        unpack(data, name, ratio_from=1 << 20)
    assert sum(p.stat().st_size for p in out.rglob("*") if p.is_file()) < 3 << 20


def test_a_bomb_that_lies_about_its_size(unpack, out):
    data = bytearray(zip_bytes([("zeros.wav", BOMB)]))
    size = len(BOMB).to_bytes(4, "little")
    assert data.count(size) == 2
    with pytest.raises(ArchiveError, match=r"damaged|unpacks to"):
        unpack(bytes(data.replace(size, (1000).to_bytes(4, "little"))), ratio_from=1 << 20)
    assert sum(p.stat().st_size for p in out.rglob("*") if p.is_file()) <= 2 << 20


def test_zeros_after_the_end_are_not_read_forever(unpack, monkeypatch):
    monkeypatch.setattr("ser_hf.download._tar._HEADERS", 1 << 20)
    data = gzip.compress(tar_bytes([entry("a.wav", b"a")]) + BOMB)
    with pytest.raises(ArchiveError, match="unpacks to more"):
        unpack(data, "toy.tar.gz", ratio_from=1 << 20)


def test_silence_shrinks_without_being_a_bomb(unpack, out):
    assert unpack(zip_bytes([("zeros.wav", BOMB)])).size == len(BOMB)


def test_an_absolute_limit_on_bytes_and_entries(unpack):
    with pytest.raises(ArchiveError, match=r"toy.zip unpacks to 3000008 bytes, more than the 1000 allowed"):
        unpack(PACKED["zip"], size=1000)
    with pytest.raises(ArchiveError, match=r"toy.tar .* unpacks to more than 1000 bytes"):
        unpack(PACKED["tar"], "toy.tar", size=1000)


@pytest.mark.parametrize("kind", PACKED)
def test_a_limit_on_entries(unpack, kind):
    with pytest.raises(ArchiveError, match="holds more than 2 entries"):
        unpack(PACKED[kind], entries=2)
    many = tar_bytes([entry(f"{n}/", type=tarfile.DIRTYPE) for n in range(9)])
    with pytest.raises(ArchiveError, match="holds more than 8 entries"):
        unpack(zip_bytes([("folders.tar", many)]), entries=8)


def test_a_name_that_lies_too_deep(unpack):
    with pytest.raises(ArchiveError, match="lies more than 32 folders deep"):
        unpack(zip_bytes([("a/" * 500 + "a.wav", b"")]))


def test_a_name_too_long_for_the_system(unpack):
    with pytest.raises(ArchiveError, match="cannot be written"):
        unpack(zip_bytes([("a" * 300 + ".wav", b"")]))


def test_an_encrypted_archive(unpack):
    data = bytearray(zip_bytes([("a.wav", b"secret")]))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(ArchiveError, match=r"entry 'a\.wav' is encrypted; unpack it with its password"):
        unpack(bytes(data))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_unpack_at_once_are_refused(unpack, tmp_path, method):
    path = write_zip(tmp_path / "other.zip", [("a.wav", b"a" * 1000)], method)
    with pytest.raises(ArchiveError, match=f"compressed by method {method}; unpack it with another program"):
        unpack(path.read_bytes())


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize("share", [0.01, 0.5, 0.9, 0.99])
def test_a_truncated_archive(unpack, kind, share):
    data = PACKED[kind]
    with pytest.raises(ArchiveError, match="is damaged or cut short"):
        unpack(data[: int(len(data) * share)], f"toy.{kind}")


@pytest.mark.parametrize("blocks", [1, 2, 3, 4])
def test_a_tar_cut_between_two_files(unpack, blocks):
    data = tar_bytes([entry("a.wav", b"a" * 512), entry("b.wav", b"b" * 512)])
    with pytest.raises(ArchiveError, match="is damaged or cut short"):
        unpack(data[: 512 * blocks], "toy.tar")


@pytest.mark.parametrize("kind", PACKED)
def test_flipped_bits_do_not_pass_for_the_archive(unpack, out, kind):
    """In a zip or compressed tar any damage to the content is found by its checksum; a plain tar has none."""
    data = bytearray(PACKED[kind])
    data[len(data) // 2] ^= 0x55
    if kind in ("tar", "pax"):
        unpack(bytes(data), f"toy.{kind}")
        assert tree(out).keys() == FILES.keys()
        return
    with pytest.raises(ArchiveError, match="is damaged"):
        unpack(bytes(data), f"toy.{kind}")


SMALL = {
    "zip": zip_bytes([("a/b.wav", b"b" * 300), ("c.wav", b"c")]),
    "tar": tar_bytes([entry("a/b.wav", b"b" * 300), entry("c.wav", b"c")]),
    "pax": tar_bytes([entry("a/\u00e9" * 60, b"b" * 300), entry("c.wav", b"c")], tarfile.PAX_FORMAT),
}
SMALL["tar.gz"] = gzip.compress(SMALL["tar"])


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(sorted(SMALL)),
    changes=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=6),
    end=st.integers(0, 10_000) | st.none(),
)
def test_no_damage_is_a_traceback_or_leaves_the_folder(tmp_path_factory, kind, changes, end):
    data = bytearray(SMALL[kind])
    for place, value in changes:
        data[place % min(len(data), 2048)] = value
    root = tmp_path_factory.mktemp("damage")
    (root / "toy").write_bytes(data[:end])
    (root / "out").mkdir()
    with contextlib.suppress(ArchiveError):
        extract(root / "toy", root / "out", limits=Limits(size=1 << 20))
    assert {p.name for p in root.iterdir()} == {"toy", "out"}
    assert not [p for p in root.rglob("*") if p.is_symlink()]


def test_headers_that_claim_absurd_sizes(unpack):
    for size in (1 << 40, -(1 << 40)):
        info, _ = entry("a.wav")
        info.size = size
        header = info.tobuf(tarfile.GNU_FORMAT)
        with pytest.raises(ArchiveError, match=r"damaged|leads back"):
            unpack(header + bytes(1024), f"toy{size}.tar")
    info, _ = entry("././@LongLink", type=tarfile.GNUTYPE_LONGNAME)
    info.size = 1 << 40
    with pytest.raises(ArchiveError, match=r"a header says it takes \d+ bytes"):
        unpack(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024), "long.tar")


def test_litter_is_passed_over_and_named(unpack, out):
    names = ["__MACOSX/Actor_01/._a.wav", "Actor_01/._a.wav", "Actor_01/.DS_Store", "Thumbs.db", "Actor_01/a.wav"]
    found = unpack(zip_bytes([(name, b"x") for name in names]))
    assert tree(out) == {"Actor_01/a.wav": b"x"}
    assert (found.files, found.left_out) == (1, names[:-1])


def test_a_file_that_is_there_already(unpack, out):
    twice = [entry("a.wav", b"same"), entry("a.wav", b"same")]
    found = unpack(tar_bytes(twice), "toy.tar")
    assert (tree(out), found.files, found.left_out) == ({"a.wav": b"same"}, 1, ["a.wav"])
    with pytest.raises(ArchiveError, match=r"entry 'a.wav' is there twice, with different content"):
        unpack(tar_bytes([entry("a.wav", b"other")]), "toy.tar")
    assert tree(out) == {"a.wav": b"same"}


@pytest.mark.parametrize("names", [("a", "a/b.wav"), ("a/b.wav", "a")])
def test_a_file_where_a_folder_is(unpack, names):
    with pytest.raises(ArchiveError, match=r"toy.tar: entry 'a.*' (cannot be written|is there twice)"):
        unpack(tar_bytes([entry(name, b"x") for name in names]), "toy.tar")


def test_names_that_differ_in_case_alone(unpack, out):
    unpack(zip_bytes([("Sad/a.wav", b"1"), ("sad/a.wav", b"2"), ("sad/A.wav", b"3")]))
    assert tree(out) == {"Sad/a.wav": b"1", "sad/a.wav": b"2", "sad/A.wav": b"3"}


GBK = "中性/刘.wav".encode("gbk")


def raw_zip(name: bytes) -> bytes:
    """A zip archive whose one entry has these very bytes for a name, without the UTF-8 flag."""
    stand_in = "x" * len(name)
    return zip_bytes([(stand_in, b"sound")]).replace(stand_in.encode(), name)


@pytest.mark.parametrize("name", [GBK, b"Col\x8are/a.wav", "Colère/a.wav".encode(), b"caf\xe9.wav"])
def test_names_in_other_encodings_keep_their_bytes(unpack, out, name):
    unpack(raw_zip(name))
    assert [os.fsencode(p.relative_to(out)) for p in out.rglob("*.wav")] == [name]
    (out / os.fsdecode(name)).unlink()
    unpack(tar_bytes([entry(os.fsdecode(name), b"sound")]), "toy.tar")
    assert (out / os.fsdecode(name)).read_bytes() == b"sound"


def test_names_with_the_flag_are_utf8(unpack, out):
    unpack(zip_bytes([("Colère/刘.wav", b"x")]))
    assert tree(out) == {"Colère/刘.wav": b"x"}


def test_windows_separators(unpack, out):
    unpack(zip_bytes([(zipfile.ZipInfo("Actor_01\\a.wav"), b"x")]))
    assert tree(out) == {"Actor_01/a.wav": b"x"}


def test_a_name_with_a_zero_byte(unpack):
    with pytest.raises(ArchiveError, match="a name with a zero byte"):
        unpack(raw_zip(b"a.wav\0.txt"))


def test_archives_inside_archives(unpack, out):
    inner = {
        "train.tar.gz": gzip.compress(tar_bytes([entry("train_splits/dia0_utt0.mp4", b"train")])),
        "dev.zip": zip_bytes([("dia0_utt0.mp4", b"dev")]),
        "readme.zip.txt": b"no archive",
        "notes.docx": zip_bytes([("word/document.xml", b"<xml>")]),
    }
    raw = tar_bytes([entry(f"MELD.Raw/{name}", data) for name, data in inner.items()])
    found = unpack(gzip.compress(raw), "MELD.Raw.tar.gz")
    kept = {f"MELD.Raw/{name}": inner[name] for name in ("readme.zip.txt", "notes.docx")}
    clips = {"MELD.Raw/train/train_splits/dia0_utt0.mp4": b"train", "MELD.Raw/dev/dia0_utt0.mp4": b"dev"}
    assert tree(out) == kept | clips
    assert found.files == 4


@pytest.mark.parametrize("inner", [b"version https://git-lfs.github.com/spec/v1\n", b"", bytes(4) + PACKED["zip"][4:]])
def test_an_archive_inside_that_is_none_is_refused(unpack, inner):
    with pytest.raises(ArchiveError, match=r"toy\.zip/in/dev\.zip is no zip or tar archive, or is damaged"):
        unpack(zip_bytes([("a.wav", b"x"), ("in/dev.zip", inner)]), "toy.zip")


def test_archives_without_end(unpack):
    data = zip_bytes([("a.wav", b"x")])
    for _ in range(4):
        data = zip_bytes([("inner.zip", data)])
    with pytest.raises(ArchiveError, match="more than 3 archives inside one another"):
        unpack(data)
    assert unpack(zip_bytes([("b.zip", zip_bytes([("a.wav", b"x")]))]), nesting=2).files == 1


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("toy.zip", PACKED["zip"], True),
        ("toy", PACKED["tar.gz"], True),
        ("toy.tgz", PACKED["tar"], True),
        ("labels.csv", b"a,b\n1,2\n", False),
        ("labels.csv.gz", gzip.compress(b"a,b\n"), False),
        ("labels.xlsx", zip_bytes([("xl/a.xml", b"")]), False),
        ("empty", b"", False),
        ("a.wav", b"RIFF" + bytes(600), False),
    ],
    ids=by_words,
)
def test_what_is_an_archive(tmp_path, name, data, expected):
    (tmp_path / "cached").write_bytes(data)
    assert is_archive(tmp_path / "cached", name) is expected


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("toy.zip", b"<html>", "toy.zip is no zip or tar archive"),
        ("toy.tar.gz", PACKED["tar.gz"][:100], "toy.tar.gz is no zip or tar archive"),
        ("toy.rar", b"Rar!\x1a\x07\x01\x00", "toy.rar is a RAR archive, which ser_hf cannot unpack"),
        ("toy.7z", b"7z\xbc\xaf\x27\x1c\x00", "7-Zip"),
        ("toy.tar.xz", b"\xfd7zXZ\x00\x00", "XZ"),
    ],
    ids=by_words,
)
def test_what_cannot_be_unpacked(tmp_path, name, data, message):
    (tmp_path / "cached").write_bytes(data)
    with pytest.raises(ArchiveError, match=message):
        is_archive(tmp_path / "cached", name)


def test_a_full_disk_is_the_systems_error(unpack, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device", "a.wav")

    monkeypatch.setattr("ser_hf.download.extract._copy", full)
    with pytest.raises(OSError, match="No space left"):
        unpack(PACKED["zip"])
