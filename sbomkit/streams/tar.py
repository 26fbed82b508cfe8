"""A lean tar reader: one pass over a stream, headers only, contents on demand.

Formats: POSIX.1-1988 ustar, POSIX.1-2001 pax (path, linkpath, size, uid, gid, GNU.sparse.*, SCHILY.xattr.*),
GNU (long names, base-256 numbers, old sparse). https://www.gnu.org/software/tar/manual/html_node/Standard.html
It is several times faster than `tarfile` because it neither seeks nor keeps members.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from sbomkit.errors import CorruptInput
from sbomkit.streams.sparse import Segments, expanded, gnu_segments, pax_segments, text_map_segments

BLOCK = 512
MAX_META = 1 << 20
"""Bytes of one pax header or long name; real ones are under a few KiB."""
MAX_PATH = 4096
"""PATH_MAX: no kernel can make a longer one."""

_HEADER = struct.Struct("100s8s8s8s12s12s8sc100s6s2s32s32s8s8s155s12s")
_ZERO = bytes(BLOCK)
_NO_CONTENT = frozenset(b"123456")
CAPABILITY = b"SCHILY.xattr.security.capability"
_SPARSE = (b"major", b"map", b"name", b"numblocks", b"realsize", b"size")
_KEPT = frozenset(
    (b"path", b"linkpath", b"size", b"uid", b"gid", CAPABILITY, *(b"GNU.sparse." + key for key in _SPARSE))
)
"""Whatever else a pax header holds is passed over, so that many headers cannot fill the memory."""


class Member(NamedTuple):
    """One header. `name` and `link` are as written, in text: bytes that are not UTF-8 are spelled `\\xNN`."""

    name: str
    type: int
    """The type flag: ord("0") file, 1 hardlink, 2 symlink, 3 and 4 devices, 5 directory, 6 fifo."""
    mode: int
    uid: int
    gid: int
    size: int
    """Bytes of the file as the container sees it (holes of a sparse file included)."""
    stored: int
    """Bytes that stand in the tar."""
    link: str
    capability: str
    """`security.capability` in hex, or empty."""
    sparse: Segments | None


class TarReader:
    """Iterate for members; `content` of the current one may be read before the next is asked for."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._buffer = b""
        self._at = 0
        self._offset = 0
        self._left = 0
        self._global: dict[bytes, bytes] = {}

    @property
    def offset(self) -> int:
        """Bytes of the (uncompressed) tar before the current position."""
        return self._offset

    def __iter__(self) -> Iterator[Member]:
        while True:
            self._skip(self._left)
            self._left = 0
            header = self._header()
            if header is None:
                return
            member = self._member(header)
            if member is None:
                return
            self._left = (member.stored + BLOCK - 1) & -BLOCK
            yield member

    def peek(self, size: int) -> bytes:
        """The first bytes of the current member's content; at most BLOCK."""
        while len(self._buffer) - self._at < size:
            if not self._more():
                break
        return self._buffer[self._at : self._at + size]

    def content(self, member: Member) -> Iterator[bytes]:
        """The current member's bytes, holes as zeros. Raises CorruptInput when the tar ends before them."""
        stored = self._stored(member.stored)
        return stored if member.sparse is None else expanded(stored, member.sparse, member.size)

    def drain(self) -> None:
        """Read to the end of the stream, so that digests see every byte."""
        self._buffer, self._at = b"", 0
        for piece in self._pieces:
            self._offset += len(piece)

    def _stored(self, size: int) -> Iterator[bytes]:
        while size:
            if self._at >= len(self._buffer) and not self._more():
                raise CorruptInput(f"the tar ends inside a member's content, at byte {self._offset}")
            piece = self._buffer[self._at : self._at + size]
            self._at += len(piece)
            self._offset += len(piece)
            self._left -= len(piece)
            size -= len(piece)
            yield piece

    def _more(self) -> bool:
        for piece in self._pieces:
            rest = self._buffer[self._at :]
            self._buffer = rest + piece if rest else piece
            self._at = 0
            return True
        return False

    def _take(self, size: int) -> bytes:
        """Exactly so many bytes, or fewer at the end of the stream."""
        end = self._at + size
        while end > len(self._buffer):
            if not self._more():
                break
            end = self._at + size
        data = self._buffer[self._at : end]
        self._at += len(data)
        self._offset += len(data)
        return data

    def _skip(self, size: int) -> None:
        while size:
            here = len(self._buffer) - self._at
            if here > size:
                here = size
            elif not here and not self._more():
                raise CorruptInput(f"the tar ends inside a member's content, at byte {self._offset}")
            self._at += here
            self._offset += here
            size -= here

    def _header(self) -> bytes | None:
        """The next header block; None at the end of the archive or of the stream."""
        header = self._take(BLOCK)
        if not header or header == _ZERO:
            return None
        if len(header) < BLOCK:
            raise CorruptInput(f"the tar ends inside a header, at byte {self._offset}")
        if not _checksum_matches(header):
            raise CorruptInput(
                f"not a tar header at byte {self._offset - BLOCK}: its checksum is wrong",
                hint="It is not a tar in a known compression (none, gzip, zstd, bzip2, xz), or it is damaged.",
            )
        return header

    def _meta(self, size: int) -> bytes:
        if size > MAX_META:
            raise CorruptInput(f"a tar extension header of {size} bytes, at byte {self._offset}")
        data = self._take((size + BLOCK - 1) & -BLOCK)
        if len(data) < size:
            raise CorruptInput(f"the tar ends inside an extension header, at byte {self._offset}")
        return data[:size]

    def _member(self, header: bytes) -> Member | None:
        """The member that this header begins, its extension headers read."""
        name = link = b""
        pax = self._global
        while True:
            fields = _HEADER.unpack(header)
            flag = fields[7][0]
            if flag in b"xX":
                pax = {**pax, **pax_records(self._meta(_number(fields[4])))}
            elif flag == 0x67:  # g
                self._global = {**self._global, **pax_records(self._meta(_number(fields[4])))}
                pax = {**self._global, **pax}
            elif flag == 0x4C:  # L
                name = self._meta(_number(fields[4]))
            elif flag == 0x4B:  # K
                link = self._meta(_number(fields[4]))
            else:
                return self._described(fields, header, name, link, pax)
            following = self._header()
            if following is None:
                return None
            header = following

    def _described(
        self, fields: tuple[bytes, ...], header: bytes, name: bytes, link: bytes, pax: dict[bytes, bytes]
    ) -> Member:
        name = name or fields[0]
        if name is fields[0] and fields[9][:5] == b"ustar" and fields[9][5] == 0 and fields[15][0]:
            name = fields[15].partition(b"\0")[0] + b"/" + name
        link = link or fields[8]
        flag = fields[7][0] or 0x30
        size = _number(fields[4])
        uid, gid, capability = _number(fields[2]), _number(fields[3]), ""
        sparse: Segments | None = None
        if pax:
            name, link = pax.get(b"path", name), pax.get(b"linkpath", link)
            size = _decimal(pax, b"size", size)
            uid, gid = _decimal(pax, b"uid", uid), _decimal(pax, b"gid", gid)
            capability = pax.get(CAPABILITY, b"").hex()
        if flag in _NO_CONTENT:
            size = 0
        logical = stored = size
        if flag == 0x53:  # S: GNU sparse
            sparse, logical = gnu_segments(header, self._take)
            flag = 0x30
        elif pax and any(key.startswith(b"GNU.sparse.") for key in pax):
            name = pax.get(b"GNU.sparse.name", name)
            if pax.get(b"GNU.sparse.major") == b"1":
                sparse, used = text_map_segments(self._take, stored)
                stored -= used
            else:
                sparse = pax_segments(pax)
            logical = _decimal(pax, b"GNU.sparse.realsize", _decimal(pax, b"GNU.sparse.size", size))
        return Member(
            text(name), flag, _number(fields[1]) & 0o7777, uid, gid, logical, stored, text(link), capability, sparse
        )


def text(raw: bytes) -> str:
    """A name in text: UTF-8, or with `\\xNN` for the bytes that are not."""
    nul = raw.find(0)
    if nul >= 0:
        raw = raw[:nul]
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode(errors="backslashreplace")


@lru_cache(maxsize=1 << 12)
def _number(field: bytes) -> int:
    """Octal text, or GNU base-256; most are the same few. Raises CorruptInput for what no size, id or mode can be."""
    first = field[0]
    if first & 0x80:
        value = int.from_bytes(bytes((first & 0x7F,)) + field[1:], "big")
        if first & 0x40 or value >= 1 << 63:
            raise CorruptInput("a tar header with a negative or impossible number")
        return value
    digits = field.partition(b"\0")[0].strip()
    if not digits:
        return 0
    if digits.strip(b"01234567"):
        raise CorruptInput(f"a tar header with {digits[:16]!r} for a number")
    return int(digits, 8)


def _decimal(pax: dict[bytes, bytes], key: bytes, default: int) -> int:
    value = pax.get(key)
    if value is None:
        return default
    if not value.isdigit() or len(value) > 19:
        raise CorruptInput(f"a pax header with {value[:16]!r} for {key.decode()}")
    return int(value)


def _checksum_matches(header: bytes) -> bool:
    digits = header[148:156].strip(b"\0 ")
    if not digits or digits.strip(b"01234567"):
        return False
    stated = int(digits, 8)
    # adler32's low half is 1 + the byte sum mod 65521: fifteen times faster than sum()
    actual = (zlib.adler32(header) & 0xFFFF) - 1
    if (actual - sum(header[148:156]) + 256 - stated) % 65521 == 0:
        return True
    # some old tars added the bytes up as signed characters
    return 256 + sum(b - 256 if b > 127 else b for b in header[:148] + header[156:]) == stated


def pax_records(data: bytes) -> dict[bytes, bytes]:
    """`length key=value\\n`, repeated; sparse offsets and counts, which may repeat, are joined by commas."""
    records: dict[bytes, bytes] = {}
    pairs: list[bytes] = []
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 20)
        length = int(data[at:space]) if space > at and data[at:space].isdigit() else 0
        if not length and not data[at:].strip(b"\0"):
            break
        end = at + length
        key, equals, value = data[space + 1 : end - 1].partition(b"=")
        if space < 0 or end < space + 2 or data[end - 1 : end] != b"\n" or not equals:
            raise CorruptInput("a malformed pax header")
        if key in (b"GNU.sparse.offset", b"GNU.sparse.numbytes"):
            pairs.append(value)
        if key in _KEPT:
            records[key] = value
        at = end
    if pairs:
        records[b"GNU.sparse.map"] = b",".join(pairs)
    return records
