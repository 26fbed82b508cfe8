"""Every compression is recognised by content, read in bounded pieces, and refused when cut or damaged."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Callable

import pytest
import zstandard

from sbomkit.errors import CorruptInput
from sbomkit.streams.compression import PIECE, decompressed, kind_of

TEXT = b"".join(b"line %d of something that compresses\n" % i for i in range(50_000))
COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "none": bytes,
    "gzip": lambda data: gzip.compress(data, mtime=0),
    "zstd": zstandard.ZstdCompressor().compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}


def whole(raw: bytes) -> bytes:
    return b"".join(decompressed(io.BytesIO(raw)))


@pytest.mark.parametrize("kind", COMPRESSORS)
def test_recognised_and_read(kind: str) -> None:
    raw = COMPRESSORS[kind](TEXT)
    assert kind_of(raw[:6]) == kind
    assert whole(raw) == TEXT


@pytest.mark.parametrize("kind", ["gzip", "zstd", "bzip2", "xz"])
def test_several_members_are_one_stream(kind: str) -> None:
    assert whole(COMPRESSORS[kind](TEXT) + COMPRESSORS[kind](b"second")) == TEXT + b"second"


def test_a_zstd_stream_may_begin_with_a_skippable_frame() -> None:
    skippable = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"toc!"
    assert whole(skippable + COMPRESSORS["zstd"](TEXT)) == TEXT
    assert whole(COMPRESSORS["zstd"](TEXT) + skippable) == TEXT


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz"])
def test_a_cut_stream_is_refused(kind: str) -> None:
    raw = COMPRESSORS[kind](TEXT)
    with pytest.raises(CorruptInput, match=kind):
        whole(raw[: len(raw) // 2])


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz", "zstd"])
def test_a_damaged_stream_is_refused_or_differs(kind: str) -> None:
    raw = bytearray(COMPRESSORS[kind](TEXT))
    raw[len(raw) // 2] ^= 0xFF
    try:
        found = whole(bytes(raw))
    except CorruptInput:
        return
    assert found != TEXT


@pytest.mark.parametrize("kind", ["gzip", "zstd", "bzip2", "xz"])
def test_a_bomb_comes_in_bounded_pieces(kind: str) -> None:
    pieces = decompressed(io.BytesIO(COMPRESSORS[kind](bytes(64 << 20))))
    assert max(map(len, pieces)) <= PIECE


def test_every_byte_is_asked_for_even_after_the_last_member() -> None:
    source = io.BytesIO(COMPRESSORS["gzip"](b"x") + b"trailing garbage" * 100_000)
    assert b"".join(decompressed(source)) == b"x"
    assert not source.read(1)


def test_a_zstd_window_beyond_any_use_is_refused() -> None:
    frame = b"\x28\xb5\x2f\xfd\x00" + bytes([0xF8]) + b"\x01\x00\x00"
    with pytest.raises(CorruptInput, match="zstd"):
        whole(frame)
