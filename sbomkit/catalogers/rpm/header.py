"""The rpm header: an index of typed tags over a store of bytes, big-endian whatever the machine.

https://rpm-software-management.github.io/rpm/manual/format_header.html
"""

from __future__ import annotations

import struct
from bisect import bisect_right

MAX_TAGS = 0xFFFF
MAX_STORE = 256 << 20
"""Bytes; both are rpm's own limits."""
MAX_ITEMS = 1 << 20
"""Items of one array. The largest packages have some hundred thousand files."""

_INTRO = struct.Struct(">II")
_ENTRY = struct.Struct(">IIII")
_MAGIC = b"\x8e\xad\xe8\x01\0\0\0\0"

_REGION_TAGS = range(61, 64)
_IMMUTABLE = 63
_INTEGERS = {1: "B", 2: "B", 3: "H", 4: "I", 5: "Q"}
"""Type to struct code: char, int8, int16, int32, int64."""
_STRING, _BINARY, _STRING_ARRAY, _I18N_STRING = 6, 7, 8, 9


class HeaderError(Exception):
    """The header, or one tag of it, points outside its bounds or has the wrong type."""


class Header:
    """One package's header as the database keeps it. Nothing is decoded before it is asked for."""

    __slots__ = ("_data", "_entries", "_offsets", "_store", "_store_end")

    _entries: dict[int, tuple[int, int, int]]
    """Tag to type, offset in the store, and count of items."""

    def __init__(self, data: bytes) -> None:
        """Raises HeaderError where index and store do not fit the bytes."""
        if len(data) < _INTRO.size:
            raise HeaderError("header shorter than its introduction")
        tags: int
        size: int
        tags, size = _INTRO.unpack_from(data)
        store = _INTRO.size + tags * _ENTRY.size
        if not 0 < tags <= MAX_TAGS or size > MAX_STORE or store + size > len(data):
            raise HeaderError(f"header claims {tags} tags and {size} bytes of data, but has {len(data)} bytes")
        self._data = data
        self._store = store
        self._store_end = store + size
        self._entries = {}
        offsets: set[int] = set()
        # What was added after the package was built stands behind the signed region, and wins over it.
        for tag, type, offset, count in _ENTRY.iter_unpack(data[_INTRO.size : store]):
            if tag not in _REGION_TAGS:
                self._entries[tag] = (type, offset, count)
                offsets.add(offset)
        self._offsets = sorted(offsets)

    @property
    def size(self) -> int:
        """Bytes of index and store."""
        return self._store_end

    def __contains__(self, tag: int) -> bool:
        return tag in self._entries

    def text(self, tag: int) -> str:
        """The string, or the untranslated first one of an i18n string; "" without the tag."""
        if tag not in self._entries:
            return ""
        type, offset, count = self._entries[tag]
        if type not in (_STRING, _STRING_ARRAY, _I18N_STRING) or not count:
            raise HeaderError(f"tag {tag} is not a string (type {type}, {count} items)")
        start = self._at(tag, offset)
        end = self._data.find(b"\0", start, self._store_end)
        if end < 0:
            raise HeaderError(f"string of tag {tag} has no end")
        return _decode(self._data[start:end])

    def texts(self, tag: int) -> tuple[str, ...]:
        """The strings of an array, as the layer's file names are decoded; () without the tag."""
        if tag not in self._entries:
            return ()
        type, offset, count = self._entries[tag]
        if type not in (_STRING, _STRING_ARRAY, _I18N_STRING):
            raise HeaderError(f"tag {tag} is not an array of strings (type {type})")
        if count > MAX_ITEMS:
            raise HeaderError(f"tag {tag} claims {count} strings")
        start = self._at(tag, offset)
        # Data normally ends where the next tag's data begins; only a strange header needs the rest of the store.
        for end in (self._next_offset(offset), self._store_end):
            strings = self._data[start:end].split(b"\0", count)
            if len(strings) > count:
                # One call for all strings: names come by the ten thousand.
                joined = b"\0".join(strings[:count]).decode(errors="backslashreplace")
                return tuple(joined.split("\0")) if count else ()
        raise HeaderError(f"tag {tag} claims {count} strings and has fewer")

    def numbers(self, tag: int) -> tuple[int, ...]:
        """The unsigned integers, of whatever width; () without the tag."""
        if tag not in self._entries:
            return ()
        type, offset, count = self._entries[tag]
        code = _INTEGERS.get(type)
        if code is None:
            raise HeaderError(f"tag {tag} is not a number (type {type})")
        start = self._at(tag, offset)
        if count > MAX_ITEMS or count * struct.calcsize(">" + code) > self._store_end - start:
            raise HeaderError(f"tag {tag} claims {count} numbers")
        return struct.unpack_from(f">{count}{code}", self._data, start)

    def binary(self, tag: int) -> bytes:
        """The bytes; b"" without the tag."""
        if tag not in self._entries:
            return b""
        type, offset, count = self._entries[tag]
        start = self._at(tag, offset)
        if type != _BINARY or count > self._store_end - start:
            raise HeaderError(f"tag {tag} is not binary data of its size (type {type}, {count} bytes)")
        return self._data[start : start + count]

    def signed_region(self) -> bytes | None:
        """The header as it was when the package was built, over which its digests were made; None without a region.

        https://rpm-software-management.github.io/rpm/manual/hregions.html
        """
        tag, type, offset, count = _ENTRY.unpack_from(self._data, _INTRO.size)
        if (tag, type, count) != (_IMMUTABLE, _BINARY, _ENTRY.size):
            return None
        trailer = self._store + offset
        if trailer + _ENTRY.size > self._store_end:
            raise HeaderError("the signed region ends outside the header")
        closing, _, back, _ = struct.unpack_from(">IIiI", self._data, trailer)
        entries = -back // _ENTRY.size
        if closing != _IMMUTABLE or -back % _ENTRY.size or not 0 < entries <= (self._store - 8) // _ENTRY.size:
            raise HeaderError("the signed region has no sound trailer")
        index = self._data[_INTRO.size : _INTRO.size + entries * _ENTRY.size]
        store = self._data[self._store : trailer + _ENTRY.size]
        return _MAGIC + _INTRO.pack(entries, len(store)) + index + store

    def _at(self, tag: int, offset: int) -> int:
        if offset > self._store_end - self._store:
            raise HeaderError(f"tag {tag} points outside the header")
        return self._store + offset

    def _next_offset(self, offset: int) -> int:
        at = bisect_right(self._offsets, offset)
        return min(self._store + self._offsets[at], self._store_end) if at < len(self._offsets) else self._store_end


def _decode(raw: bytes) -> str:
    """UTF-8; what is not is Latin-1, which is what packages used before."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
