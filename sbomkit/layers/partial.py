"""Reading a layer by its table of contents: only the files that some parser wants, by range.

Each file is verified by its digest in the table, and the table by its digest in the image's manifest. What remains
unproven is that table and layer agree: an image may be made to show scanners less than it runs. That is said.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from sbomkit.errors import CorruptInput
from sbomkit.image.image import Layer
from sbomkit.layers.collect import Collector, Content, Wanted, learn_as
from sbomkit.layers.record import FILE, Entry, Facts, LayerRecord
from sbomkit.layers.select import Matcher
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
_LIBRARY = re.compile(r"\.(so(\.[0-9.]+)?|dylib|a|la)\Z")
_RUNS = re.compile(r"\.(exe|dll|node)\Z")
"""Code that needs no permission to run."""


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
        chosen = _candidates(wanted, collector)
        if not ranges.plan(chosen):
            return None
        for member in chosen:
            entry = member.entry
            content = Content(entry.path, entry.size, entry.mode, _bounded(member, matcher, ranges))
            parsers = collector.selected(entry, _head(content) if matcher.wants_magic else b"")
            if parsers:
                collector.parse(content, parsers)
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
        "layer was not verified, and shared libraries were not looked into (--full reads all of it)",
        str(layer.diff_id),
    )


def _candidates(files: Mapping[str, Stored], collector: Collector) -> list[Stored]:
    """The files to read, in the blob's order: those wanted by name, and those that may be wanted for what they are.

    What a file begins with costs nearly as much to find out as the file. So of the files that nobody wants by name
    programs are looked into, and shared libraries and data are not: see `_unproven`.
    """
    matcher = collector.matcher
    by_magic = [p.selects for p in matcher.parsers if p.selects.magics]
    least = min((s.min_size for s in by_magic), default=0)
    most = max((s.max_size for s in by_magic), default=-1)
    found = []
    for path, member in files.items():
        entry = member.entry
        program = least <= entry.size <= most and _is_program(entry)
        if program or matcher.match(path):
            found.append(member)
    return sorted(found, key=lambda member: (member.start, member.skip))


def _is_program(entry: Entry) -> bool:
    name = entry.path.rpartition("/")[2]
    return bool(_RUNS.search(name)) or (bool(entry.mode & 0o111) and not _LIBRARY.search(name))


def _head(content: Content) -> bytes:
    return content.open().read(_HEAD)


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


def _bounded(member: Stored, matcher: Matcher, ranges: Ranges) -> Iterator[bytes]:
    """A file's bytes; none of one that is larger than any parser takes, which `selected` makes an issue."""
    largest = max((p.selects.max_size for p in matcher.parsers), default=0)
    return _content(member, ranges) if member.entry.size <= largest else iter(())


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
