"""Berkeley DB hash files, as rpm wrote them for twenty years: `Packages`.

Format: Berkeley DB's dbinc/db_page.h. Every page is visited in turn, rather than bucket by bucket: it needs neither
the hash function nor an undamaged bucket map, and freed pages say that they are free.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from sbomkit.catalogers.rpm.damage import Damage
from sbomkit.layers.select import ParseError

MAGIC = 0x00061561
MAGIC_AT = 12

_VERSIONS = range(8, 11)
_META = "III BBBB II"
"""Magic, version, page size; encryption, type, flags, unused; free list, last page."""
_META_SIZE = 512
_PAGE_HEADER = "III HH BB"
"""Number, previous, next; entries, free offset (an overflow page's length); level, type."""
_PAGE_HEADER_AT = 8
_PAGE_OVERHEAD = 26
_HASH_META, _OVERFLOW = 8, 7
_HASH_PAGES = (2, 13)
_INLINE, _OFF_PAGE = 1, 3
_OFF_PAGE_ITEM_SIZE = 12


def byte_order(head: bytes) -> str:
    """The order this file's numbers are in, as `struct` writes it; "" where it is no Berkeley DB hash."""
    magic = head[MAGIC_AT : MAGIC_AT + 4]
    return {MAGIC.to_bytes(4, "little"): "<", MAGIC.to_bytes(4, "big"): ">"}.get(magic, "")


@dataclass(frozen=True, slots=True)
class _Page:
    raw: bytes
    next: int
    entries: int
    length: int
    type: int


class _Pages:
    """The pages of one file; each overflow page is given out once, which ends cycles and shared chains."""

    def __init__(self, database: BinaryIO, order: str, size: int) -> None:
        self._database = database
        head = database.read(_META_SIZE)
        if len(head) < _META_SIZE:
            raise ParseError("a Berkeley DB file cut within its first bytes")
        _, version, page_size, encryption, type, _, _, _, last = struct.unpack_from(order + _META, head, MAGIC_AT)
        if version not in _VERSIONS or type != _HASH_META:
            raise ParseError(f"a Berkeley DB file of version {version} and type {type}, not a hash of version 8 to 10")
        if encryption:
            raise ParseError("the Berkeley DB file is encrypted")
        if not 512 <= page_size <= 65536 or page_size & (page_size - 1):
            raise ParseError(f"a Berkeley DB file with pages of {page_size} bytes")
        self.page_size = page_size
        self.claimed = last + 1
        self.count = min(self.claimed, -(-size // page_size))
        self.order = order
        self._header = struct.Struct(order + _PAGE_HEADER)
        self._taken: set[int] = set()

    def __getitem__(self, number: int) -> _Page | None:
        """None beyond the end, and for a page that is only partly there."""
        if not 0 < number < self.count:
            return None
        self._database.seek(number * self.page_size)
        raw = self._database.read(self.page_size)
        if len(raw) < self.page_size:
            return None
        _, _, next, entries, length, _, type = self._header.unpack_from(raw, _PAGE_HEADER_AT)
        return _Page(raw, next, entries, length, type)

    def chain(self, number: int, length: int) -> bytes | None:
        """A big item of `length` bytes from its chain of overflow pages; None where the chain is broken."""
        parts: list[bytes] = []
        while length > 0:
            page = None if number in self._taken else self[number]
            if page is None or page.type != _OVERFLOW or not 0 < page.length <= self.page_size - _PAGE_OVERHEAD:
                return None
            self._taken.add(number)
            parts.append(page.raw[_PAGE_OVERHEAD : _PAGE_OVERHEAD + page.length])
            length -= page.length
            number = page.next
        return b"".join(parts) if length == 0 else None


def read_blobs(database: BinaryIO, size: int, damage: Damage) -> Iterator[bytes]:
    """The header blobs, in file order. Raises ParseError where it is no such file; smaller harm goes to `damage`."""
    order = byte_order(database.read(16))
    database.seek(0)
    pages = _Pages(database, order or "<", size)
    if pages.claimed * pages.page_size > size:
        damage.note(f"the database is cut short: {pages.claimed} pages of {pages.page_size} bytes in {size} bytes")
    for number in range(1, pages.count):
        page = pages[number]
        if page is not None and page.type in _HASH_PAGES:
            yield from _values(pages, page, number, damage)


def _values(pages: _Pages, page: _Page, number: int, damage: Damage) -> Iterator[bytes]:
    """The values of one hash page, where keys and values take turns and are laid out from the page's end backwards."""
    if page.entries % 2 or page.entries > (pages.page_size - _PAGE_OVERHEAD) // 2:
        damage.note(f"page {number} claims {page.entries} entries")
        return
    starts = struct.unpack_from(f"{pages.order}{page.entries}H", page.raw, _PAGE_OVERHEAD)
    end = pages.page_size
    key = b""
    for index, start in enumerate(starts):
        if not _PAGE_OVERHEAD + 2 * page.entries <= start < end:
            damage.note(f"page {number} has an entry outside its bounds")
            return
        item, end = page.raw[start:end], start
        if index % 2 == 0:
            key = item
        # The entry with key 0 is rpm's counter of packages.
        elif key != bytes([_INLINE, 0, 0, 0, 0]):
            value = _value(pages, item)
            if value is None:
                damage.note(f"an item of page {number} is broken")
            else:
                yield value


def _value(pages: _Pages, item: bytes) -> bytes | None:
    if item[0] == _INLINE:
        return item[1:]
    if item[0] == _OFF_PAGE and len(item) == _OFF_PAGE_ITEM_SIZE:
        number, length = struct.unpack_from(pages.order + "II", item, 4)
        return pages.chain(number, length)
    return None
