"""A file's bytes for searching, without holding a large one in memory."""

from __future__ import annotations

import io
import mmap

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
