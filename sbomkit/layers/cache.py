"""Layer records kept on disk, so that a layer is read once on this machine.

An entry is named by the layer's diffID and everything that decides what is learned from it: the parsers' names,
versions and selectors, and this program's version. It is written whole and put in place by a rename, so that any
number of processes may share the directory; read back, it is checked, and dropped when it is damaged. The
directory is the user's own: whoever can write to it can also replace the program.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import zstandard

from sbomkit import __version__
from sbomkit.layers.codec import NotStorable, decode, encode
from sbomkit.layers.record import LayerRecord
from sbomkit.layers.select import Parser
from sbomkit.model.digest import Digest

DEFAULT_LIMIT = 1 << 30
"""Bytes that all entries together may take."""

_MAGIC = b"sbomkit layer record 1\n"
_SUFFIX = ".record"
_PARTIAL = ".partial"
_STALE = 3600.0
"""Seconds after which what a killed process left half-written is swept away."""
_MAX_RECORD = 1 << 30


@dataclass(frozen=True, slots=True)
class CacheInfo:
    directory: Path
    entries: int
    size: int
    """Bytes on disk."""
    limit: int


def default_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """$SBOMKIT_CACHE_DIR, else where the user's caches are (XDG base directories)."""
    if environ.get("SBOMKIT_CACHE_DIR"):
        return Path(environ["SBOMKIT_CACHE_DIR"]) / "layers"
    home = environ.get("XDG_CACHE_HOME", "")
    return (Path(home) if Path(home).is_absolute() else Path.home() / ".cache") / "sbomkit" / "layers"


def fingerprint(parsers: Sequence[Parser]) -> str:
    """Of everything but the layer that decides what a record holds."""
    words = [f"{p.name}\0{p.version}\0{p.selects!r}" for p in sorted(parsers, key=lambda p: p.name)]
    return hashlib.sha256("\1".join([__version__, *words]).encode()).hexdigest()


class RecordStore(Protocol):
    """Where a reader finds the records of layers that were read before, and leaves those that it read."""

    def get(self, diff_id: Digest, parsers: str) -> LayerRecord | None: ...
    def put(self, diff_id: Digest, parsers: str, record: LayerRecord) -> None: ...


class SharedRecords:
    """Records kept in memory while several images are read that have layers in common; before another store."""

    def __init__(self) -> None:
        self._known: dict[tuple[Digest, str], LayerRecord] = {}

    def before(self, other: RecordStore | None) -> RecordStore:
        """A store that asks these records first, then the other."""
        return _Chain(self._known, other)


class _Chain:
    def __init__(self, known: dict[tuple[Digest, str], LayerRecord], other: RecordStore | None) -> None:
        self._known = known
        self._other = other

    def get(self, diff_id: Digest, parsers: str) -> LayerRecord | None:
        found = self._known.get((diff_id, parsers))
        if found is None and self._other is not None:
            found = self._other.get(diff_id, parsers)
        return found

    def put(self, diff_id: Digest, parsers: str, record: LayerRecord) -> None:
        self._known[diff_id, parsers] = record
        if self._other is not None:
            self._other.put(diff_id, parsers, record)


class RecordCache:
    """Never raises for what is wrong with the disk: a cache that fails only costs time. `say` is told."""

    def __init__(
        self, directory: Path, limit: int = DEFAULT_LIMIT, say: Callable[[str], None] = lambda message: None
    ) -> None:
        self.directory = directory
        self.limit = limit
        self._say = say
        self._complained = False

    def get(self, diff_id: Digest, parsers: str) -> LayerRecord | None:
        """The record of the layer, if it is kept for parsers of this fingerprint."""
        path = self._path(diff_id, parsers)
        try:
            raw = path.read_bytes()
        except OSError:
            return None
        try:
            record = _opened(raw)
            if record.diff_id != str(diff_id):
                raise NotStorable(f"it is the record of {record.diff_id}")
        except NotStorable as error:
            self._say(f"a damaged cache entry for layer {diff_id} was dropped: {error}")
            path.unlink(missing_ok=True)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return record

    def put(self, diff_id: Digest, parsers: str, record: LayerRecord) -> None:
        """Keep it. What does not fit, or cannot be written, is not kept."""
        try:
            raw = _closed(record)
        except NotStorable:
            return
        if len(raw) > self.limit:
            return
        path = self._path(diff_id, parsers)
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, suffix=_PARTIAL, delete=False) as file:
                try:
                    file.write(raw)
                    file.close()
                    Path(file.name).replace(path)
                except OSError:
                    Path(file.name).unlink(missing_ok=True)
                    raise
        except OSError as error:
            if not self._complained:
                self._say(f"layers are not cached: {self.directory}: {error.strerror or error}")
            self._complained = True
            return
        self.prune(self.limit)

    def info(self) -> CacheInfo:
        found = list(self._entries())
        return CacheInfo(self.directory, len(found), sum(size for _, size, _ in found), self.limit)

    def prune(self, limit: int) -> int:
        """Drop what was used longest ago until no more than `limit` bytes are left; how many entries went."""
        found = sorted(self._entries(), key=lambda entry: entry[2])
        total = sum(size for _, size, _ in found)
        dropped = 0
        for path, size, _ in found:
            if total <= limit:
                break
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
                dropped += 1
            total -= size
        return dropped

    def clear(self) -> int:
        """Drop everything; how many entries went."""
        return self.prune(-1)

    def _path(self, diff_id: Digest, parsers: str) -> Path:
        name = hashlib.sha256(f"{diff_id}\0{parsers}".encode()).hexdigest()
        return self.directory / name[:2] / (name + _SUFFIX)

    def _entries(self) -> Iterator[tuple[Path, int, float]]:
        """(path, bytes, last used); half-written ones of dead processes are swept on the way."""
        for path in self.directory.glob("??/*"):
            try:
                status = path.lstat()
                if path.suffix == _SUFFIX:
                    yield path, status.st_size, status.st_mtime
                elif path.suffix == _PARTIAL and time.time() - status.st_mtime > _STALE:
                    path.unlink()
            except OSError:
                continue  # another process was faster


def _closed(record: LayerRecord) -> bytes:
    packed = zstandard.ZstdCompressor(level=3).compress(encode(record))
    return _MAGIC + hashlib.sha256(packed).digest() + packed


def _opened(raw: bytes) -> LayerRecord:
    start = len(_MAGIC)
    digest, packed = raw[start : start + 32], raw[start + 32 :]
    if not raw.startswith(_MAGIC) or hashlib.sha256(packed).digest() != digest:
        raise NotStorable("its content is not what was written")
    try:
        frame = zstandard.get_frame_parameters(packed)
        if frame.content_size > _MAX_RECORD:
            raise NotStorable("it is too large")
        return decode(zstandard.ZstdDecompressor().decompress(packed))
    except zstandard.ZstdError as error:
        raise NotStorable(str(error)) from None
