"""Reading a layer by its table of contents: only the files that some parser wants, by range.

Each file is verified by its digest in the table, and the table by its digest in the image's manifest. What remains
unproven is that table and layer agree: an image may be made to show scanners less than it runs. That is said.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from sbomkit.errors import CorruptInput
from sbomkit.image.image import Layer
from sbomkit.layers.collect import Collector, Content, Wanted, learn_as
from sbomkit.layers.record import FILE, Facts, LayerRecord
from sbomkit.layers.select import Matcher, Parser
from sbomkit.layers.toc import ReadRange, Stored, Table, read_table
from sbomkit.model.digest import Digest
from sbomkit.model.inventory import Issue
from sbomkit.streams.compression import decompressed
from sbomkit.streams.verify import Hasher

_GAP = 32 << 10
"""Bytes that are rather read along than asked for around."""
_WINDOW = 8 << 20
"""Bytes asked for at a time: what bounds the memory."""
_WORTH = 0.6
"""Of the blob; a plan that reads more of it reads all of it."""
_HEAD = 16
_HEAD_STORED = 512
"""Compressed bytes that hold a file's first 16."""


class TableLies(Exception):
    """The table of contents is not what the layer, or the image, says: read the whole instead."""


def read_partly(layer: Layer, matcher: Matcher) -> LayerRecord | None:
    """The layer's record by way of its table; None where it has none or that would save nothing. Raises TableLies."""
    opened = _open(layer)
    if opened is None:
        return None
    table, ranges = opened
    collector = Collector(matcher)
    wanted: dict[str, Stored] = {}
    for member in table.members:
        if collector.add(member.entry):
            wanted.pop(member.entry.path, None)
            if member.entry.kind == FILE:
                wanted[member.entry.path] = member
    try:
        chosen = _selected(wanted, collector, ranges)
        if chosen is None or not ranges.plan([member for member, _ in chosen]):
            return None
        for member, parsers in chosen:
            entry = member.entry
            collector.parse(Content(entry.path, entry.size, entry.mode, _content(member, ranges)), parsers)
    except CorruptInput as error:
        raise TableLies(error.message) from None
    record = collector.record(str(layer.diff_id))
    return replace(record, issues=(*record.issues, _unproven(layer, ranges.fetched)))


def read_again_partly(layer: Layer, wanted: Wanted) -> tuple[dict[str, Facts], list[Issue]] | None:
    """As `read_again` of `read`, by the table. None where that cannot be."""
    opened = _open(layer)
    if opened is None:
        return None
    table, ranges = opened
    last = {member.entry.path: member for member in table.members if member.entry.kind == FILE}
    members = [(last[path], names) for path, names in wanted.items() if path in last]
    if not ranges.plan([member for member, _ in members]):
        return None
    facts: dict[str, Facts] = {}
    issues: list[Issue] = []
    try:
        for member, names in members:
            learn_as(names, member.entry, partial(_content, member, ranges), facts, issues)
    except CorruptInput as error:
        raise TableLies(error.message) from None
    return facts, issues


def _open(layer: Layer) -> tuple[Table, Ranges] | None:
    if layer.read_range is None or layer.descriptor is None or layer.diff_id is None:
        return None
    try:
        table = read_table(layer.descriptor, layer.read_range)
    except CorruptInput as error:
        raise TableLies(error.message) from None
    return (table, Ranges(layer.read_range, layer.descriptor.size, table.read)) if table else None


def _unproven(layer: Layer, read: int) -> Issue:
    size = layer.descriptor.size if layer.descriptor else 0
    return Issue(
        "",
        f"the layer was read by its table of contents, {read} of {size} bytes; that the table names everything in the "
        "layer was not verified (--full reads all of it)",
        str(layer.diff_id),
    )


def _selected(
    files: Mapping[str, Stored], collector: Collector, ranges: Ranges
) -> list[tuple[Stored, Sequence[Parser]]] | None:
    """The files to read, in the blob's order; None where finding out would read too much."""
    matcher = collector.matcher
    least = min((p.selects.min_size for p in matcher.parsers if p.selects.magics), default=0)
    unknown = [m for m in files.values() if matcher.wants_magic and m.entry.size and m.entry.size >= least]
    heads = _heads(unknown, ranges)
    if heads is None:
        return None
    chosen = []
    for path, member in files.items():
        parsers = collector.selected(member.entry, heads.get(path, b""))
        if parsers:
            chosen.append((member, parsers))
    return sorted(chosen, key=lambda each: (each[0].start, each[0].skip))


def _heads(members: Sequence[Stored], ranges: Ranges) -> dict[str, bytes] | None:
    """The first bytes of files, for parsers that go by them."""
    members = sorted(members, key=lambda m: m.start)
    if not ranges.plan([replace(m, end=min(m.end, m.start + _HEAD_STORED)) for m in members if not m.skip]):
        return None
    found = {}
    for member in members:
        if member.skip:
            return None  # many small files in one compressed member: their heads are no cheaper than they are
        stored = ranges.at(member.start, min(member.end - member.start, _HEAD_STORED))
        found[member.entry.path] = _first(stored)
    return found


def _first(stored: bytes) -> bytes:
    """The first uncompressed bytes of a compressed piece that may end anywhere."""
    found = b""
    try:
        for piece in decompressed(_Once(stored)):
            found += piece
            if len(found) >= _HEAD:
                break
    except CorruptInput:
        return found[:_HEAD]  # cut off, as expected; what came out before is right or will fail its digest
    return found[:_HEAD]


class _Once:
    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def read(self, size: int) -> bytes:
        data, self._raw = self._raw[:size], self._raw[size:]
        return data


class Ranges:
    """Reads planned parts of a blob in few requests, each byte once, a window at a time."""

    def __init__(self, read: ReadRange, size: int, fetched: int) -> None:
        self._read = read
        self._size = size
        self.fetched = fetched
        """Bytes so far."""
        self._windows: list[tuple[int, int]] = []
        self._at = -1
        self._held = b""

    def plan(self, members: Sequence[Stored]) -> bool:
        """Settle what will be asked for; False when it is so much that the whole is better."""
        merged: list[tuple[int, int]] = []
        for start, end in sorted((m.start, m.end) for m in members if m.end):
            if merged and start <= merged[-1][1] + _GAP:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        self._windows = [(at, min(at + _WINDOW, end)) for start, end in merged for at in range(start, end, _WINDOW)]
        self._at, self._held = -1, b""
        return self.fetched + sum(end - start for start, end in merged) <= self._size * _WORTH

    def at(self, start: int, length: int) -> bytes:
        """Planned bytes, or what of them is in one window: at least one."""
        index = bisect_right(self._windows, start, key=lambda window: window[0]) - 1
        begin, end = self._windows[index]
        if index != self._at:
            held = self._read(begin, end - begin)
            if held is None:
                raise CorruptInput("the registry stopped to serve ranges")
            self.fetched += len(held)
            self._at, self._held = index, held
        return self._held[start - begin : min(start + length, end) - begin]


class _Span:
    """A part of the blob as a stream."""

    def __init__(self, ranges: Ranges, start: int, end: int) -> None:
        self._ranges, self._at, self._end = ranges, start, end

    def read(self, size: int) -> bytes:
        if self._at >= self._end:
            return b""
        data = self._ranges.at(self._at, min(size, self._end - self._at))
        self._at += len(data)
        return data


def _content(member: Stored, ranges: Ranges) -> Iterator[bytes]:
    """A file's bytes, verified at their end. Raises CorruptInput."""
    left, skip = member.entry.size, member.skip
    if not left:
        return
    hasher = Hasher(member.digest.algorithm) if member.digest else None
    try:
        for piece in decompressed(_Span(ranges, member.start, member.end)):
            data = piece[skip : skip + left]
            skip = max(0, skip - len(piece))
            left -= len(data)
            if data and hasher:
                hasher.update(data)
            if data:
                yield data
            if not left:
                break
        actual: Digest | None = hasher.digest() if hasher else None
    finally:
        if hasher:
            hasher.close()
    if left or actual != member.digest:
        raise CorruptInput(f"{member.entry.path}: not what the table of contents promises")
