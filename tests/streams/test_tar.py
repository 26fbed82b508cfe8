"""The tar reader agrees with tarfile on what tarfile writes, knows what it does not write, and refuses lies."""

from __future__ import annotations

import contextlib
import io
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbomkit.errors import CorruptInput
from sbomkit.streams.tar import BLOCK, MAX_META, Member, TarReader

FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}


def archive(members: list[tuple[tarfile.TarInfo, bytes]], format: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=format) as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def in_pieces(raw: bytes, size: int) -> TarReader:
    return TarReader(iter([raw[at : at + size] for at in range(0, len(raw), size)]))


def read_all(raw: bytes, piece: int = 700) -> list[tuple[Member, bytes]]:
    reader = in_pieces(raw, piece)
    return [(member, b"".join(reader.content(member))) for member in reader]


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("piece", [1, 511, 512, 1 << 20])
def test_names_sizes_modes_and_contents_as_tarfile_wrote_them(format: str, piece: int) -> None:
    file = tarfile.TarInfo("a/file")
    file.mode, file.uid, file.gid = 0o4755, 1000, 2000
    link = tarfile.TarInfo("a/link")
    link.type, link.linkname = tarfile.SYMTYPE, "../b"
    hard = tarfile.TarInfo("a/hard")
    hard.type, hard.linkname = tarfile.LNKTYPE, "a/file"
    folder = tarfile.TarInfo("a/dir")
    folder.type = tarfile.DIRTYPE
    raw = archive([(file, b"x" * 1000), (link, b""), (hard, b""), (folder, b"")], FORMATS[format])
    found = read_all(raw, piece)
    assert [(m.name.rstrip("/"), chr(m.type), m.mode, m.uid, m.gid, m.size, m.link) for m, _ in found] == [
        ("a/file", "0", 0o4755, 1000, 2000, 1000, ""),
        ("a/link", "2", 0o644, 0, 0, 0, "../b"),
        ("a/hard", "1", 0o644, 0, 0, 0, "a/file"),
        ("a/dir", "5", 0o644, 0, 0, 0, ""),
    ]
    assert found[0][1] == b"x" * 1000


@pytest.mark.parametrize("format", ["gnu", "pax"])
def test_long_names_and_links(format: str) -> None:
    name, target = "d/" * 120 + "n" * 90, "t" * 300
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    [(member, _)] = read_all(archive([(info, b"")], FORMATS[format]))
    assert (member.name, member.link) == (name, target)


def test_a_ustar_prefix_is_put_before_the_name() -> None:
    name = "p" * 100 + "/" + "n" * 90
    [(member, _)] = read_all(archive([(tarfile.TarInfo(name), b"")], tarfile.USTAR_FORMAT))
    assert member.name == name


def test_names_that_are_not_utf8_are_spelled_out() -> None:
    info = tarfile.TarInfo(b"caf\xe9".decode("utf-8", "surrogateescape"))
    [(member, _)] = read_all(archive([(info, b"")], tarfile.GNU_FORMAT))
    assert member.name == "caf\\xe9"


def test_base_256_sizes_and_ids() -> None:
    info = tarfile.TarInfo("big-ids")
    info.uid = info.gid = 1 << 33
    [(member, _)] = read_all(archive([(info, b"abc")], tarfile.GNU_FORMAT))
    assert (member.uid, member.gid, member.size) == (1 << 33, 1 << 33, 3)


def test_a_capability_is_kept() -> None:
    info = tarfile.TarInfo("ping")
    info.pax_headers = {"SCHILY.xattr.security.capability": "\x01\x00\x00\x02"}
    [(member, _)] = read_all(archive([(info, b"")]))
    assert member.capability == "01000002"


@pytest.mark.parametrize("version", ["gnu", "0.0", "0.1", "1.0"])
def test_sparse_files_of_gnu_tar_are_expanded(version: str, tmp_path: Path) -> None:
    import subprocess

    content = bytes(1 << 20) + b"middle" + bytes(1 << 20) + b"end" + bytes(4096)
    with (tmp_path / "sparse").open("wb") as file:
        for at in range(0, len(content), 4096):
            piece = content[at : at + 4096]
            if piece.strip(b"\0"):
                file.seek(at)
                file.write(piece)
        file.truncate(len(content))
    how = ["--format=gnu"] if version == "gnu" else ["--format=pax", f"--sparse-version={version}"]
    made = subprocess.run(["tar", "-C", tmp_path, "-S", *how, "-cf", "-", "sparse"], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("GNU tar is not here")
    [(member, found)] = read_all(made.stdout)
    assert (member.name, member.size, found == content) == ("sparse", len(content), True)
    assert member.stored < 1 << 19


def test_the_end_may_be_missing_but_not_the_middle() -> None:
    raw = archive([(tarfile.TarInfo("a"), b"x" * 600), (tarfile.TarInfo("b"), b"y")])
    whole = read_all(raw)
    assert [m.name for m, _ in read_all(raw[: 4 * BLOCK + BLOCK])] == [m.name for m, _ in whole]
    for cut in (100, BLOCK + 10, 2 * BLOCK, 3 * BLOCK + 100):
        with pytest.raises(CorruptInput, match="the tar ends inside"):
            read_all(raw[:cut])


def test_what_is_no_tar_is_refused() -> None:
    with pytest.raises(CorruptInput, match="not a tar header"):
        read_all(b"this is not a tar, whatever its name says" * 40)


def patched(raw: bytes, at: int, value: bytes) -> bytes:
    """A header with other bytes and the checksum that goes with them."""
    header = bytearray(raw[:BLOCK])
    header[at : at + len(value)] = value
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + raw[BLOCK:]


@pytest.mark.parametrize(
    ("what", "field"),
    [
        ("negative", b"\xff" * 12),
        ("huge", b"\x80" + b"\x7f" * 11),
        ("garbage", b"12x45678901\0"),
        ("minus", b"-0000000001\0"),
    ],
)
def test_impossible_sizes_are_refused(what: str, field: bytes) -> None:
    raw = patched(archive([(tarfile.TarInfo("a"), b"x")]), 124, field)
    with pytest.raises(CorruptInput):
        read_all(raw)


def test_a_size_beyond_the_stream_is_refused_and_costs_nothing() -> None:
    raw = patched(archive([(tarfile.TarInfo("a"), b"x")]), 124, b"\x80" + b"\0" * 4 + b"\x7f" + b"\xff" * 6)
    with pytest.raises(CorruptInput, match="the tar ends inside"):
        list(in_pieces(raw, 4096))


def test_extension_headers_are_bounded() -> None:
    info = tarfile.TarInfo("x")
    info.pax_headers = {"comment": "c" * (MAX_META + 10)}
    with pytest.raises(CorruptInput, match="extension header"):
        read_all(archive([(info, b"")]))


@pytest.mark.parametrize(
    "body", [b"99999999999999999999 a=b\n", b"5 a=b", b"x a=b\n", b"-6 a=b\n", b"4 a\n\n", b"0 a=b\n", b"6 a=b\n0"]
)
def test_malformed_pax_records_are_refused(body: bytes) -> None:
    raw = patched(archive([(tarfile.TarInfo("h"), body)], tarfile.USTAR_FORMAT), 156, b"x")
    with pytest.raises(CorruptInput, match="malformed pax"):
        read_all(raw)


@given(st.binary(max_size=3000))
def test_any_bytes_end_in_members_or_a_clear_error(raw: bytes) -> None:
    with contextlib.suppress(CorruptInput):
        read_all(raw)


@given(st.integers(0, 5 * BLOCK), st.binary(min_size=1, max_size=12))
def test_any_damage_ends_in_members_or_a_clear_error(at: int, damage: bytes) -> None:
    info = tarfile.TarInfo("d/" * 60 + "name")
    info.pax_headers = {"SCHILY.xattr.security.capability": "x"}
    raw = archive([(info, b"content"), (tarfile.TarInfo("b"), b"y" * 700)])
    with contextlib.suppress(CorruptInput):
        read_all(raw[:at] + damage + raw[at + len(damage) :])
