"""Tables of contents of layers: eStargz and zstd:chunked. Where each file stands in the compressed blob.

https://github.com/containerd/stargz-snapshotter/blob/main/docs/estargz.md: a gzip member per file, a table in a tar
at the end, found by a footer of 51 bytes. zstd:chunked has the same table, as JSON in a skippable zstd frame.
Both are believed only by the digest in the layer's descriptor, which the image's own digest covers.
"""

from __future__ import annotations

import base64
import binascii
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import orjson
import zstandard

from sbomkit.errors import CorruptInput
from sbomkit.layers.collect import normalised
from sbomkit.layers.record import DIRECTORY, FILE, HARDLINK, OTHER, SYMLINK, Entry
from sbomkit.model.digest import Digest
from sbomkit.oci.manifest import Descriptor
from sbomkit.streams.compression import decompressed
from sbomkit.streams.tar import CAPABILITY, TarReader

ReadRange = Callable[[int, int], bytes | None]
"""(start, length) of the blob; None where its place does no ranges."""

ESTARGZ = "containerd.io/snapshot/stargz/toc.digest"
CHUNKED_DIGEST = "io.github.containers.zstd-chunked.manifest-checksum"
CHUNKED_PLACE = "io.github.containers.zstd-chunked.manifest-position"
_FOOTER_SIZE = 51
_FOOTER = re.compile(rb"\x1f\x8b.{10}SG\x16\x00([0-9a-f]{16})STARGZ", re.DOTALL)
_PLACE = re.compile(r"(\d{1,18}):(\d{1,18}):(\d{1,18}):1\Z")
_INDEX = "stargz.index.json"
_MAX_TABLE = 256 << 20
_MAX_STORED = 64 << 20
_KINDS = {"dir": DIRECTORY, "reg": FILE, "symlink": SYMLINK, "hardlink": HARDLINK}


@dataclass(frozen=True, slots=True)
class Stored:
    """A member of the layer, and where its content stands in the blob."""

    entry: Entry
    start: int = 0
    end: int = 0
    """The compressed bytes; nothing where the file is empty."""
    skip: int = 0
    """Uncompressed bytes of other files that stand before it there."""
    digest: Digest | None = None
    """Of the content."""


@dataclass(frozen=True, slots=True)
class Table:
    members: tuple[Stored, ...]
    """In tar order."""
    read: int
    """Bytes of the blob that were read for the table."""


def table_digest(descriptor: Descriptor) -> str:
    """The digest that the layer's table must have; empty where it says of none."""
    return descriptor.annotations.get(ESTARGZ) or descriptor.annotations.get(CHUNKED_DIGEST) or ""


def read_table(descriptor: Descriptor, read: ReadRange) -> Table | None:
    """The layer's table, verified; None where it has none, or no ranges can be read. Raises CorruptInput."""
    notes = descriptor.annotations
    if notes.get(CHUNKED_DIGEST) and notes.get(CHUNKED_PLACE):
        return _chunked(descriptor.size, notes, read)
    if notes.get(ESTARGZ):
        return _estargz(descriptor.size, notes[ESTARGZ], read)
    return None


def _estargz(size: int, promised: str, read: ReadRange) -> Table | None:
    footer = read(size - _FOOTER_SIZE, _FOOTER_SIZE) if size > _FOOTER_SIZE else None
    if footer is None:
        return None
    match = _FOOTER.match(footer)
    at = int(match[1], 16) if match else size
    if not 0 <= at < size - _FOOTER_SIZE or size - at > _MAX_STORED:
        raise CorruptInput("the layer's footer names no table of contents")
    stored = read(at, size - _FOOTER_SIZE - at)
    if stored is None:
        return None
    raw = _from_tar(stored)
    _check(raw, promised)
    return Table(_members(raw, at), len(stored) + _FOOTER_SIZE)


def _from_tar(stored: bytes) -> bytes:
    reader = TarReader(decompressed(_Bytes(stored)))
    for member in reader:
        if member.name == _INDEX:
            if member.size > _MAX_TABLE:
                break
            return b"".join(reader.content(member))
    raise CorruptInput("there is no table of contents where the layer's footer says")


class _Bytes:
    def __init__(self, raw: bytes) -> None:
        self._raw, self._at = raw, 0

    def read(self, size: int) -> bytes:
        data = self._raw[self._at : self._at + size]
        self._at += len(data)
        return data


def _chunked(size: int, notes: Mapping[str, str], read: ReadRange) -> Table | None:
    match = _PLACE.match(notes[CHUNKED_PLACE])
    at, length, whole = (int(match[n]) for n in (1, 2, 3)) if match else (0, 0, 0)
    if not length or at + length > size or length > _MAX_STORED or whole > _MAX_TABLE:
        raise CorruptInput("the layer's annotations name no possible table of contents")
    stored = read(at, length)
    if stored is None:
        return None
    _check(stored, notes[CHUNKED_DIGEST])
    try:
        raw = zstandard.ZstdDecompressor().decompressobj().decompress(stored) if whole <= _MAX_TABLE else b""
    except zstandard.ZstdError as error:
        raise CorruptInput(f"the table of contents is damaged: {error}") from None
    if len(raw) != whole:
        raise CorruptInput("the table of contents is not as long as promised")
    return Table(_members(raw, at), length)


def _check(raw: bytes, promised: str) -> None:
    try:
        digest = Digest.parse(promised)
    except ValueError as error:
        raise CorruptInput(f"the table of contents has no proper digest: {error}") from None
    if digest.algorithm not in ("sha256", "sha384", "sha512") or Digest.of(raw, digest.algorithm) != digest:
        raise CorruptInput("the table of contents has not the digest that the image promises")


def _members(raw: bytes, end: int) -> tuple[Stored, ...]:
    """The table's entries; `end` is where the layer's content ends in the blob."""
    try:
        value = orjson.loads(raw)
        items = value["entries"]
        if value.get("version") != 1:
            raise CorruptInput(f"a table of contents of version {value.get('version')!r}, which is not known")
        offsets = sorted({item["offset"] for item in items if item.get("offset")} | {end})
        if any(not isinstance(offset, int) or not 0 <= offset <= end for offset in offsets):
            raise CorruptInput("a table of contents that points outside of its layer")
        return tuple(_stored(item, last, offsets) for item, last in _grouped(items))
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise CorruptInput(f"a malformed table of contents: {type(error).__name__}") from None


def _grouped(items: list[dict[str, object]]) -> Iterator[tuple[dict[str, object], int]]:
    """Each member with the offset of its last chunk."""
    current: dict[str, object] | None = None
    last = 0
    for item in items:
        offset = item.get("offset") or 0
        if not isinstance(offset, int):
            raise TypeError
        if item["type"] == "chunk":
            last = max(last, offset)
            continue
        if current is not None:
            yield current, last
        current, last = item, offset
    if current is not None:
        yield current, last


def _stored(item: dict[str, object], last: int, offsets: list[int]) -> Stored:
    kind = _KINDS.get(str(item["type"]), OTHER)
    size = _number(item, "size") if kind == FILE else 0
    name = normalised(str(item["name"]))
    link = str(item.get("linkName") or "")
    capability = _capability(item.get("xattrs"))
    mode = _number(item, "mode") & 0o7777
    link = normalised(link) if kind == HARDLINK else link
    entry = Entry(name, kind, mode, _number(item, "uid"), _number(item, "gid"), size, link, capability)
    if not size:
        return Stored(entry)
    start = _number(item, "offset")
    end = _number(item, "endOffset") or offsets[bisect_right(offsets, last)]
    if not 0 < start < end <= offsets[-1]:
        raise CorruptInput("a table of contents that points outside of its layer")
    return Stored(entry, start, end, _number(item, "innerOffset"), Digest.parse(str(item["digest"])))


def _number(item: dict[str, object], key: str) -> int:
    value = item.get(key) or 0
    if not isinstance(value, int) or value < 0:
        raise TypeError
    return value


def _capability(attributes: object) -> str:
    """`xattrs` hold base64."""
    name = CAPABILITY.decode().removeprefix("SCHILY.xattr.")
    value = attributes.get(name) if isinstance(attributes, dict) else None
    try:
        return base64.b64decode(str(value), validate=True).hex() if value else ""
    except binascii.Error:
        raise CorruptInput("a table of contents with an attribute that is not base64") from None
