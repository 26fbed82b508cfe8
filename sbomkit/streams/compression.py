"""Decompression of a stream in bounded pieces, recognised by content whatever a media type says.

gzip (RFC 1952) by isal, zstd (RFC 8878) by zstandard, bzip2 and xz by the standard library.
"""

from __future__ import annotations

import bz2
import lzma
from collections.abc import Iterator
from typing import IO, Protocol, cast

import zstandard
from isal import igzip_lib, isal_zlib

from sbomkit.errors import CorruptInput

READ = 1 << 18
"""Bytes asked of the source at a time."""
PIECE = 1 << 20
"""Most bytes in one decompressed piece: what bounds a decompression bomb."""
ZSTD_MAX_WINDOW = 1 << 27
"""128 MiB, the largest window that `zstd --long` makes without being forced."""

_XZ_MEMORY = 1 << 27
_ISAL_ERROR = cast(type[Exception], isal_zlib.IsalError)  # its stub calls the class an instance


class Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Decoder(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


def kind_of(head: bytes) -> str:
    """`gzip`, `zstd`, `bzip2`, `xz`, or `none`, by the first bytes (at least six, if there are as many)."""
    if head[:2] == b"\x1f\x8b":
        return "gzip"
    if head[:4] == b"\x28\xb5\x2f\xfd" or (head[1:4] == b"\x2a\x4d\x18" and 0x50 <= head[0] <= 0x5F):
        return "zstd"
    if head[:3] == b"BZh":
        return "bzip2"
    if head[:6] == b"\xfd7zXZ\x00":
        return "xz"
    return "none"


def decompressed(source: Readable) -> Iterator[bytes]:
    """The uncompressed bytes, in pieces of at most PIECE. Raises CorruptInput for a broken or truncated stream."""
    head = source.read(READ)
    kind = kind_of(head)
    if kind == "none":
        return _plain(source, head)
    if kind == "zstd":
        return _zstd(source, head)
    return _members(source, head, kind)


def _plain(source: Readable, head: bytes) -> Iterator[bytes]:
    while head:
        yield head
        head = source.read(PIECE)


def _new_decoder(kind: str) -> _Decoder:
    if kind == "gzip":
        return igzip_lib.IgzipDecompressor(flag=igzip_lib.DECOMP_GZIP)
    if kind == "bzip2":
        return bz2.BZ2Decompressor()
    return lzma.LZMADecompressor(memlimit=_XZ_MEMORY)


def _members(source: Readable, data: bytes, kind: str) -> Iterator[bytes]:
    """gzip, bzip2 and xz: any number of members; padding and foreign bytes after the last are ignored."""
    first = True
    while first or kind_of(data) == kind:
        first = False
        decoder = _new_decoder(kind)
        try:
            while not decoder.eof:
                if decoder.needs_input and not data:
                    data = source.read(READ)
                    if not data:
                        raise CorruptInput(f"the {kind} stream ends too early: it was cut off")
                piece = decoder.decompress(data, PIECE)
                data = b""
                if piece:
                    yield piece
        except (_ISAL_ERROR, OSError, lzma.LZMAError, EOFError, ValueError) as error:
            raise CorruptInput(f"the {kind} stream is damaged: {error}") from error
        data = decoder.unused_data
        if len(data) < 6:
            data += source.read(READ)
    while source.read(READ):
        pass  # so that the digest sees every byte


class _Prefixed:
    """A source with bytes put back in front of it."""

    def __init__(self, head: bytes, source: Readable) -> None:
        self._head = head
        self._source = source

    def read(self, size: int) -> bytes:
        if self._head:
            piece, self._head = self._head[:size], self._head[size:]
            return piece
        return self._source.read(size)


def _zstd(source: Readable, head: bytes) -> Iterator[bytes]:
    decoder = zstandard.ZstdDecompressor(max_window_size=ZSTD_MAX_WINDOW)
    whole = cast(IO[bytes], _Prefixed(head, source))  # all it needs is read()
    reader = decoder.stream_reader(whole, read_size=READ, read_across_frames=True)
    try:
        while piece := reader.read(PIECE):
            yield piece
    except zstandard.ZstdError as error:
        raise CorruptInput(f"the zstd stream is damaged: {error}") from error
    while source.read(READ):
        pass
