"""Sparse files in tars: the four ways to write where the data is, and putting the holes back.

https://www.gnu.org/software/tar/manual/html_node/Sparse-Formats.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sbomkit.errors import CorruptInput

Segments = tuple[tuple[int, int], ...]
"""(offset, length) of each run of data."""

MAX_SEGMENTS = 100_000
_HOLE = bytes(1 << 16)
Take = Callable[[int], bytes]


def gnu_segments(header: bytes, take: Take) -> tuple[Segments, int]:
    """Old GNU format: four pairs in the header, 21 in each extension block; and the real size."""
    found: list[tuple[int, int]] = []
    size = _octal(header[483:495])
    block, at, pairs, more = header, 386, 4, header[482]
    while True:
        for i in range(pairs):
            start = at + 24 * i
            length = block[start + 12 : start + 24]
            if block[start : start + 24].strip(b"\0 "):
                found.append((_octal(block[start : start + 12]), _octal(length)))
        if not more:
            return _checked(found, size), size
        block = take(512)
        if len(block) < 512 or len(found) > MAX_SEGMENTS:
            raise CorruptInput("a sparse file's map in the tar does not end")
        at, pairs, more = 0, 21, block[504]


def pax_segments(pax: dict[bytes, bytes]) -> Segments:
    """Pax formats 0.0 and 0.1: `offset,length,offset,length...` (0.0's repeated keys are joined by the reader)."""
    numbers = [_plain(n) for n in pax.get(b"GNU.sparse.map", b"").split(b",") if n]
    return _paired(numbers)


def text_map_segments(take: Take, stored: int) -> tuple[Segments, int]:
    """Pax format 1.0: the map stands before the data, decimal lines in whole blocks. Also the bytes it took."""
    block, used = take(512), 512
    lines = block.split(b"\n")
    count = _plain(lines[0])
    if count > MAX_SEGMENTS:
        raise CorruptInput("a sparse file in the tar with more runs than can be")
    while block.count(b"\n") < 2 * count + 1:
        more = take(512)
        used += 512
        if len(more) < 512 or used > stored:
            raise CorruptInput("a sparse file's map in the tar does not end")
        block += more
    return _paired([_plain(n) for n in block.split(b"\n")[1 : 2 * count + 1]]), used


def expanded(stored: Iterator[bytes], segments: Segments, size: int) -> Iterator[bytes]:
    """The file with its holes as zeros, in bounded pieces."""
    buffer, at = b"", 0
    for offset, length in (*segments, (size, 0)):
        while at < offset:
            hole = _HOLE[: offset - at]
            yield hole
            at += len(hole)
        while length:
            buffer = buffer or next(stored, b"")
            if not buffer:
                raise CorruptInput("a sparse file in the tar has less data than its map says")
            piece, buffer = buffer[:length], buffer[length:]
            yield piece
            at += len(piece)
            length -= len(piece)


def _paired(numbers: list[int]) -> Segments:
    if len(numbers) % 2 or len(numbers) > 2 * MAX_SEGMENTS:
        raise CorruptInput("a sparse file in the tar with a malformed map")
    return _checked(list(zip(numbers[::2], numbers[1::2], strict=True)), None)


def _checked(found: list[tuple[int, int]], size: int | None) -> Segments:
    end = 0
    for offset, length in found:
        if offset < end:
            raise CorruptInput("a sparse file in the tar with overlapping runs")
        end = offset + length
    if size is not None and end > size:
        raise CorruptInput("a sparse file in the tar with runs beyond its end")
    return tuple(found)


def _octal(field: bytes) -> int:
    if field[0] & 0x80:
        return int.from_bytes(bytes((field[0] & 0x7F,)) + field[1:], "big")
    return _base(field.strip(b"\0 "), 8)


def _plain(field: bytes) -> int:
    return _base(field, 10)


def _base(digits: bytes, base: int) -> int:
    try:
        if len(digits) > 20:
            raise ValueError
        value = int(digits or b"0", base)
        if value < 0:
            raise ValueError
    except ValueError:
        raise CorruptInput(f"a sparse file in the tar with {digits[:24]!r} for a number") from None
    return value
