"""A file's bytes for searching, without holding a large one in memory."""

from __future__ import annotations

import io
import mmap
from collections.abc import Iterator

from sbomkit.layers.select import LayerFile, shared

Buffer = bytes | mmap.mmap
IN_MEMORY = 16 << 20
"""Bytes up to which a file is at hand as a whole; a larger one stands in a temporary file and is mapped."""


def buffer(file: LayerFile) -> Buffer:
    """The whole content: slices, `find` and regular expressions work on it. Shared by the file's parsers."""
    return shared(file, "buffer", _buffer)


def _buffer(file: LayerFile) -> Buffer:
    if file.size <= IN_MEMORY:
        return file.read()
    stream = file.open()
    try:
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    except (io.UnsupportedOperation, OSError, ValueError):
        return file.read()


_WINDOW = 16 << 20
_OVERLAP = 4096


def windows(data: Buffer) -> Iterator[tuple[int, int]]:
    """Ranges to search one after the other, overlapping by 4 KiB; pages of a mapped file are let go behind them."""
    for start in range(0, len(data) or 1, _WINDOW):
        yield start, min(start + _WINDOW + _OVERLAP, len(data))
        if isinstance(data, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            data.madvise(mmap.MADV_DONTNEED, start, min(_WINDOW, len(data) - start))
