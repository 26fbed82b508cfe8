"""Python's cyclic collector, paused while one big tree of plain values is built.

It walks the growing tree again and again and finds nothing: more than half the time of reading a 30 MB statement.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_BIG = 1 << 20


@contextmanager
def paused_for(size: int) -> Iterator[None]:
    """Pause for inputs of a megabyte and more; whoever had switched the collector off finds it off."""
    if size < _BIG or not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
