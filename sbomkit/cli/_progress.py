"""Progress on standard error: one line that is rewritten, only for a person at a terminal."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType

_EVERY = 0.1
"""Seconds between two drawings."""


class ProgressLine:
    """Counts bytes of layers from any thread. Silent unless standard error is a terminal."""

    def __init__(self, total: int, layers: int, *, quiet: bool) -> None:
        self._total = total
        self._layers = layers
        self._done = 0
        self._drawn = 0.0
        self._lock = threading.Lock()
        self._active = not quiet and sys.stderr.isatty()

    def __call__(self, count: int) -> None:
        with self._lock:
            self._done += count
            now = time.monotonic()
            if self._active and now - self._drawn >= _EVERY:
                self._drawn = now
                self._draw()

    def _draw(self) -> None:
        share = f" of {_size(self._total)} ({min(100, 100 * self._done // self._total)} %)" if self._total else ""
        layers = f"{self._layers} layer{'s' if self._layers != 1 else ''}"
        sys.stderr.write(f"\r\x1b[Kreading {layers}: {_size(self._done)}{share}")
        sys.stderr.flush()

    def __enter__(self) -> ProgressLine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._active and self._drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _size(count: int) -> str:
    """Bytes for people: 1.5 MB."""
    value = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
