"""rpm's own database, `Packages.db`: slots that point to blobs, counted in blocks of 16 bytes, little-endian.

Format: rpm's lib/backend/ndb/rpmpkg.c, which is its only description.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from sbomkit.catalogers.rpm.damage import Damage
from sbomkit.layers.select import ParseError

MAGIC = b"RpmP"

_BLOCK = 16
_PAGE = 4096
_HEADER = struct.Struct("<4sIIII")
_HEADER_SIZE = 32
_SLOT = struct.Struct("<4sIII")
_HEAD = struct.Struct("<4sIII")
_TAIL = struct.Struct("<II4s")


def read_blobs(database: BinaryIO, size: int, damage: Damage) -> Iterator[bytes]:
    """The header blobs, in file order. Raises ParseError where it is no such file; smaller harm goes to `damage`."""
    head = database.read(_HEADER_SIZE)
    if len(head) < _HEADER_SIZE or not head.startswith(MAGIC):
        raise ParseError("not an rpm ndb database, or cut within its first bytes")
    _, version, _, pages, _ = _HEADER.unpack_from(head)
    if version != 0:
        raise ParseError(f"rpm ndb database of unknown version {version}")
    if pages * _PAGE > size:
        damage.note(f"the slots should take {pages} pages, but the database has {size} bytes")
        pages = size // _PAGE + 1
    end = 0
    for offset, blocks, index in _slots(database, pages, damage):
        # Blobs never share blocks; this also keeps the work in proportion to the file.
        if offset < end:
            damage.note(f"package {index} overlaps another one")
            continue
        end = offset + blocks * _BLOCK
        if end > size:
            damage.note(f"package {index} lies beyond the end: the database is cut short")
            end = offset
            continue
        blob = _blob(database, offset, blocks, index, damage)
        if blob is not None:
            yield blob


def _slots(database: BinaryIO, pages: int, damage: Damage) -> list[tuple[int, int, int]]:
    """(offset in bytes, blocks, package index) of the slots in use, by offset."""
    slots = []
    table = database.read(pages * _PAGE - _HEADER_SIZE)
    for magic, index, offset, blocks in _SLOT.iter_unpack(table[: len(table) // _SLOT.size * _SLOT.size]):
        if magic != b"Slot":
            damage.note("a slot without its mark")
        elif offset and (not index or not blocks or offset * _BLOCK < pages * _PAGE):
            damage.note(f"slot of package {index} makes no sense")
        elif offset:
            slots.append((offset * _BLOCK, blocks, index))
    return sorted(slots)


def _blob(database: BinaryIO, offset: int, blocks: int, index: int, damage: Damage) -> bytes | None:
    database.seek(offset)
    raw = database.read(blocks * _BLOCK)
    if len(raw) < _HEAD.size + _TAIL.size:
        damage.note(f"package {index} is too small")
        return None
    magic, owner, _, length = _HEAD.unpack_from(raw)
    checksum, length_again, end = _TAIL.unpack_from(raw, len(raw) - _TAIL.size)
    if magic != b"BlbS" or owner != index or length > len(raw) - _HEAD.size - _TAIL.size:
        damage.note(f"package {index} is not where its slot points")
        return None
    # rpm reads the blob without looking at its checksum, so a wrong one must not hide a package either.
    if end != b"BlbE" or length_again != length or zlib.adler32(raw[: -_TAIL.size]) != checksum:
        damage.note(f"checksum of package {index} does not match")
    return raw[_HEAD.size : _HEAD.size + length]
