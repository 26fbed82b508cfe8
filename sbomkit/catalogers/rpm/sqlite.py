"""SQLite files, just enough of them to read the blobs of one table: `rpmdb.sqlite`.

https://www.sqlite.org/fileformat2.html

Read by our own code rather than by the library: a database that is cut short still gives the rows that are whole,
a hostile schema has no SQL engine to talk to, and a file in WAL mode needs no files beside it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from sbomkit.catalogers.rpm.damage import Damage
from sbomkit.layers.select import ParseError

MAGIC = b"SQLite format 3\0"

_TABLE = "packages"
_HEADER_SIZE = 100
_INTERIOR, _LEAF = 0x05, 0x0D
_ENCODINGS = {0: "utf-8", 1: "utf-8", 2: "utf-16-le", 3: "utf-16-be"}
_INTEGER_SIZES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_MAX_VARINT = 9

Value = int | str | bytes | None


class _Broken(Exception):
    """A page, cell or record that contradicts the format."""


class _File:
    """The pages of one database; each is given out once, which ends cycles and shared chains."""

    def __init__(self, database: BinaryIO, size: int) -> None:
        head = database.read(_HEADER_SIZE)
        if len(head) < _HEADER_SIZE or not head.startswith(MAGIC):
            raise ParseError("not an SQLite database, or cut within its first bytes")
        page_size, reserved = int.from_bytes(head[16:18]), head[20]
        self.page_size = 65536 if page_size == 1 else page_size
        self.usable = self.page_size - reserved
        if self.page_size < 512 or self.page_size & (self.page_size - 1) or self.usable < 480:
            raise ParseError(f"an SQLite database with pages of {page_size} bytes, {reserved} of them reserved")
        self.claimed = int.from_bytes(head[28:32])
        """Pages; only worth anything where the file was last written by an SQLite since 3.7.0."""
        if head[24:28] != head[92:96]:
            self.claimed = 0
        self.count = -(-size // self.page_size)
        self.encoding = _ENCODINGS.get(int.from_bytes(head[56:60]), "utf-8")
        self._database = database
        self._taken: set[int] = set()

    def page(self, number: int) -> bytes:
        if number in self._taken:
            raise _Broken(f"page {number} is used twice")
        self._taken.add(number)
        if not 0 < number <= self.count:
            raise _Broken(f"page {number} is not in the database")
        self._database.seek((number - 1) * self.page_size)
        raw = self._database.read(self.page_size)
        if len(raw) < self.page_size:
            raise _Broken(f"page {number} is cut short")
        return raw

    def payloads(self, root: int, damage: Damage) -> Iterator[bytes]:
        """The rows of the table whose tree starts at this page, in order of their keys."""
        stack = [root]
        while stack:
            number = stack.pop()
            try:
                raw = self.page(number)
                at = _HEADER_SIZE if number == 1 else 0
                kind, cells = raw[at], int.from_bytes(raw[at + 3 : at + 5])
                pointers_at = at + (12 if kind == _INTERIOR else 8)
                if kind not in (_INTERIOR, _LEAF) or pointers_at + 2 * cells > self.usable:
                    raise _Broken(f"page {number} is no page of a table")
                pointers = struct.unpack_from(f">{cells}H", raw, pointers_at)
                if kind == _INTERIOR:
                    children = [*self._children(raw, pointers), int.from_bytes(raw[at + 8 : at + 12])]
                    if len(stack) + len(children) > self.count:
                        raise _Broken(f"page {number} has more children than there are pages")
                    stack += reversed(children)
            except _Broken as error:
                damage.note(str(error))
                continue
            if kind == _LEAF:
                yield from self._cells(number, raw, pointers, damage)

    def _children(self, raw: bytes, pointers: tuple[int, ...]) -> list[int]:
        if pointers and max(pointers) > self.usable - 4:
            raise _Broken("a cell outside its page")
        return [int.from_bytes(raw[at : at + 4]) for at in pointers]

    def _cells(self, number: int, raw: bytes, pointers: tuple[int, ...], damage: Damage) -> Iterator[bytes]:
        space = self.usable
        for at in pointers:
            try:
                length, start = _varint(raw, at)
                _, start = _varint(raw, start)
                local = self._local(length)
                # Cells never share bytes; this also keeps the work in proportion to the file.
                space -= start - at + local
                if start + local > self.usable or space < 0:
                    raise _Broken(f"page {number} has a cell outside its bounds")
                payload = raw[start : start + local]
                if local < length:
                    payload += self._overflow(raw[start + local : start + local + 4], length - local)
            except _Broken as error:
                damage.note(str(error))
            else:
                yield payload

    def _local(self, length: int) -> int:
        """How many bytes of a payload stand in the leaf itself."""
        if length <= self.usable - 35:
            return length
        least = (self.usable - 12) * 32 // 255 - 23
        kept = least + (length - least) % (self.usable - 4)
        return kept if kept <= self.usable - 35 else least

    def _overflow(self, first: bytes, length: int) -> bytes:
        parts = []
        number = int.from_bytes(first)
        while length > 0:
            raw = self.page(number)
            part = raw[4 : min(self.usable, 4 + length)]
            parts.append(part)
            length -= len(part)
            number = int.from_bytes(raw[:4])
        return b"".join(parts)


def read_blobs(database: BinaryIO, size: int, damage: Damage) -> Iterator[bytes]:
    """The blobs of the table `Packages`. Raises ParseError where there is none; smaller harm goes to `damage`."""
    file = _File(database, size)
    if file.claimed * file.page_size > size:
        damage.note(f"the database is cut short: {file.claimed} pages of {file.page_size} bytes in {size} bytes")
    root = _root(file, damage)
    if root is None:
        raise ParseError("an SQLite database without a table Packages" + (f" ({damage})" if damage else ""))
    for payload in file.payloads(root, damage):
        try:
            blobs = [value for value in _record(payload, file.encoding) if isinstance(value, bytes)]
        except _Broken as error:
            damage.note(str(error))
            continue
        if len(blobs) == 1:
            yield blobs[0]
        else:
            damage.note(f"a row of the table Packages has {len(blobs)} blobs")


def _root(file: _File, damage: Damage) -> int | None:
    """The root page of the table, by the schema: type, name, table name, root page, SQL."""
    for payload in file.payloads(1, damage):
        try:
            row = list(_record(payload, file.encoding))
        except _Broken as error:
            damage.note(str(error))
            continue
        if len(row) >= 4 and row[0] == "table" and isinstance(row[1], str) and row[1].lower() == _TABLE:
            return row[3] if isinstance(row[3], int) else None
    return None


def _record(payload: bytes, encoding: str) -> Iterator[Value]:
    """The columns of a row."""
    size, at = _varint(payload, 0)
    if not at <= size <= len(payload):
        raise _Broken("a row whose header does not fit it")
    body = size
    while at < size:
        kind, at = _varint(payload, at)
        length = _column_size(kind)
        if body + length > len(payload):
            raise _Broken("a row shorter than its columns")
        raw = payload[body : body + length]
        body += length
        if kind >= 12:
            yield raw.decode(encoding, errors="replace") if kind % 2 else raw
        elif kind in _INTEGER_SIZES:
            yield int.from_bytes(raw, signed=True)
        else:
            yield {8: 0, 9: 1}.get(kind)  # NULL, and no float matters here


def _column_size(kind: int) -> int:
    if kind >= 12:
        return (kind - 12) // 2
    if kind in (10, 11):
        raise _Broken("a column of a reserved type")
    return 8 if kind == 7 else _INTEGER_SIZES.get(kind, 0)


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where it ends."""
    value = 0
    for index, byte in enumerate(raw[at : at + _MAX_VARINT]):
        if index == _MAX_VARINT - 1:
            return value << 8 | byte, at + _MAX_VARINT
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + index + 1
    raise _Broken("a number that does not end")
