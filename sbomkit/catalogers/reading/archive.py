"""Zip archives, read leanly: the central directory in one walk, single members on demand, everything bounded.

Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT (4.3: zip64 included, encryption and spanning not).
An image of a Java server has hundreds of thousands of members, of which a few per archive matter.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from sbomkit.catalogers.base import ParseError
from sbomkit.catalogers.reading.content import Buffer

_END, _END64, _LOCATOR64 = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07"
_ENTRY = struct.Struct("<4s2xxxHH4xIIIHHHxxxxxxxxI")
_LOCAL = struct.Struct("<4s22xHH")
_MAX_DIRECTORY = 256 << 20
_MAX_MEMBERS = 20_000
"""Of interest, in one archive; the largest servers have a thousand jars."""
_MAX_RATIO = 200
"""Deflate's own limit is 1032; jars and texts stay under 20."""
STORED, DEFLATED = 0, 8


class ZipMember(NamedTuple):
    name: str
    flags: int
    method: int
    crc: int
    packed: int
    size: int
    """Bytes when unpacked, as stated; what comes out may lie about it and is bounded by the reader."""
    offset: int
    """Of its local header in the file."""


class Zip:
    """The members whose names are `wanted`, in the order of the central directory; of repeated names, the last.

    Raises ParseError for what is no zip archive.
    """

    def __init__(self, data: Buffer, wanted: Callable[[bytes], bool]) -> None:
        self.data = data
        self.directory, shift = self._directory()
        self.members = {member.name: member for member in self._walk(wanted, shift)}

    def _directory(self) -> tuple[bytes, int]:
        """The central directory, and how many bytes stand before the archive in the file."""
        length = len(self.data)
        at = self.data.rfind(_END, max(0, length - 65557))
        if at < 0 or at + 22 > length:
            raise ParseError("not a zip archive, or cut off: it has no central directory")
        count, size, offset = struct.unpack_from("<HII", self.data, at + 10)
        end = at
        if count == 0xFFFF or size == 0xFFFFFFFF or offset == 0xFFFFFFFF:
            found = self._directory64(at)
            if found:
                end, count, size, offset = found
        start = end - size
        if start < 0 or size > _MAX_DIRECTORY:
            raise ParseError("a zip archive whose central directory lies outside of it")
        directory = bytes(self.data[start:end])
        if count and directory[:4] != b"PK\x01\x02":
            raise ParseError("a zip archive whose central directory is not where it says")
        return directory, start - offset

    def _directory64(self, at: int) -> tuple[int, int, int, int] | None:
        if at < 20 or bytes(self.data[at - 20 : at - 16]) != _LOCATOR64:
            return None
        end = self.data.rfind(_END64, max(0, at - 20 - 4096), at - 20)
        if end < 0 or end + 56 > at:
            return None
        count, size, offset = struct.unpack_from("<QQQ", self.data, end + 32)
        return end, count, size, offset

    def _walk(self, wanted: Callable[[bytes], bool], shift: int) -> Iterator[ZipMember]:
        directory, at, left = self.directory, 0, _MAX_MEMBERS
        while at + 46 <= len(directory):
            magic, flags, method, crc, packed, size, named, extra, comment, offset = _ENTRY.unpack_from(directory, at)
            if magic != b"PK\x01\x02":
                raise ParseError("a zip archive whose central directory is damaged")
            raw = directory[at + 46 : at + 46 + named]
            if wanted(raw):
                left -= 1
                if not left:
                    raise ParseError(f"a zip archive with more than {_MAX_MEMBERS} members of interest")
                if 0xFFFFFFFF in (packed, size, offset):
                    more = directory[at + 46 + named : at + 46 + named + extra]
                    packed, size, offset = _wide(more, packed, size, offset)
                yield ZipMember(_name(raw), flags, method, crc, packed, size, offset + shift)
            at += 46 + named + extra + comment

    def read(self, member: ZipMember, limit: int) -> bytes:
        """The member's bytes. Raises ParseError for more than `limit`, encryption, a strange method or damage."""
        if member.flags & 1:
            raise ParseError(f"{member.name[:200]} is encrypted")
        local = bytes(self.data[member.offset : member.offset + 30]) if member.offset >= 0 else b""
        if len(local) < 30 or local[:4] != b"PK\x03\x04":
            raise ParseError(f"{member.name[:200]} is not where the archive says")
        _, named, extra = _LOCAL.unpack(local)
        start = member.offset + 30 + named + extra
        if member.size > 1 << 20 and member.size > _MAX_RATIO * member.packed:
            raise ParseError(f"{member.name[:200]} unpacks {member.packed} bytes to {member.size}: a zip bomb")
        if member.size > limit:
            raise ParseError(f"{member.name[:200]} has {member.size} bytes, more than the {limit} that are read of it")
        packed = bytes(self.data[start : start + min(member.packed, limit + 65536)])
        plain = self._unpacked(member, packed, limit)
        if len(plain) != member.size or zlib.crc32(plain) != member.crc:
            raise ParseError(f"{member.name[:200]} is damaged: its size or checksum is wrong")
        return plain

    def _unpacked(self, member: ZipMember, packed: bytes, limit: int) -> bytes:
        if member.method == STORED:
            return packed
        if member.method != DEFLATED:
            raise ParseError(f"{member.name[:200]} is compressed by method {member.method}, which is not read")
        inflate = zlib.decompressobj(-15)
        try:
            plain = inflate.decompress(packed, min(limit, member.size) + 1)
        except zlib.error as error:
            raise ParseError(f"{member.name[:200]} is damaged: {error}") from None
        if len(plain) > member.size:
            raise ParseError(f"{member.name[:200]} is larger than the {member.size} bytes that the archive states")
        return plain


def _wide(more: bytes, packed: int, size: int, offset: int) -> tuple[int, int, int]:
    """Zip64: the values that do not fit stand in an extra field, in this order, each only where it is needed."""
    at = 0
    while at + 4 <= len(more):
        tag, length = struct.unpack_from("<HH", more, at)
        if tag == 1:
            numbers = iter([n for (n,) in struct.iter_unpack("<Q", more[at + 4 : at + 4 + (length & ~7)])])
            size = next(numbers, size) if size == 0xFFFFFFFF else size
            packed = next(numbers, packed) if packed == 0xFFFFFFFF else packed
            offset = next(numbers, offset) if offset == 0xFFFFFFFF else offset
            break
        at += 4 + length
    return packed, size, offset


def _name(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp437")
