"""A tar of named files (an OCI or docker archive): where each stands, and each as a stream, nothing unpacked.

Only an archive that is compressed as a whole is spooled, to an unnamed temporary file, because its parts are
needed in another order than they stand in.
"""

from __future__ import annotations

import io
import os
import posixpath
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from sbomkit.errors import CannotCheck, CorruptInput
from sbomkit.streams.compression import decompressed, kind_of
from sbomkit.streams.tar import Member, TarReader

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_MEMBERS = 100_000
_PIECE = 1 << 16
_LINKS = (ord("1"), ord("2"))
_FILES = (ord("0"), ord("7"))


def open_file(path: Path) -> BinaryIO:
    """Raises CannotCheck, with the reason, when it cannot be opened."""
    try:
        return path.open("rb")
    except OSError as error:
        raise CannotCheck(f"{path}: {error.strerror or error}") from None


class SeekingTar(TarReader):
    """A tar reader over a plain file: contents that nobody reads are skipped by seeking."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(iter(lambda: file.read(_PIECE), b""))
        self._file = file
        self._end = file.seek(0, io.SEEK_END)
        file.seek(0)

    def _skip(self, size: int) -> None:
        here = min(size, len(self._buffer) - self._at)
        super()._skip(here)
        if size > here:
            target = self._file.tell() + size - here
            if target > self._end:
                raise CorruptInput(f"the tar ends inside a member's content, at byte {self._end}")
            self._file.seek(target)
            self._offset += size - here


class Archive:
    """The files of a tar by name. Hardlinks and symlinks between them are followed."""

    def __init__(self, path: Path, file: BinaryIO | None = None) -> None:
        """Of the file at `path`; or of an open one, which `path` then only names in messages."""
        self.path = path
        self._file = _seekable(path) if file is None else file
        self._places: dict[str, tuple[int, int]] = {}
        self._links: dict[str, str] = {}
        reader = SeekingTar(self._file)
        for count, member in enumerate(reader):
            if count >= MAX_MEMBERS:
                raise CorruptInput(f"{path}: more than {MAX_MEMBERS} files, which no image archive has")
            self._place(member, reader.offset)

    def _place(self, member: Member, offset: int) -> None:
        name = posixpath.normpath("/" + member.name)[1:]
        if member.type in _FILES and member.sparse is None:
            self._places[name] = (offset, member.size)
        elif member.type in _LINKS:
            base = posixpath.dirname("/" + name) if member.type == ord("2") else "/"
            self._links[name] = posixpath.normpath(posixpath.join(base, member.link))[1:]

    def __contains__(self, name: str) -> bool:
        return self._find(name) is not None

    def _find(self, name: str) -> tuple[int, int] | None:
        for _ in range(8):
            place = self._places.get(name)
            if place or name not in self._links:
                return place
            name = self._links[name]
        return None

    def open(self, name: str) -> BinaryIO:
        """One file's content. Raises CannotCheck when it is not there."""
        place = self._find(name)
        if place is None:
            raise CannotCheck(f"{self.path}: there is no {name} in the archive", hint="The archive is incomplete.")
        return io.BufferedReader(_Part(self._file, *place))

    def read(self, name: str, limit: int) -> bytes:
        """A small file whole. Raises CorruptInput when it is larger than `limit` bytes."""
        with self.open(name) as file:
            raw = file.read(limit + 1)
        if len(raw) > limit:
            raise CorruptInput(f"{self.path}: {name} is larger than {limit} bytes")
        return raw


def _seekable(path: Path) -> BinaryIO:
    """The archive itself, or, when it is compressed, its spooled content."""
    file = open_file(path)
    kind = kind_of(file.read(6))
    file.seek(0)
    if kind == "none":
        return file
    with file:
        whole = tempfile.TemporaryFile(prefix="sbomkit-")
        for piece in decompressed(file):
            whole.write(piece)
    return whole


class _Part(io.RawIOBase):
    """So many bytes of a file from an offset, with a position of its own, so that parts can be read side by side."""

    def __init__(self, file: BinaryIO, offset: int, size: int) -> None:
        self._file = file
        self._at = offset
        self._end = offset + size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer)
        data = os.pread(self._file.fileno(), min(len(view), self._end - self._at), self._at)
        view[: len(data)] = data
        self._at += len(data)
        return len(data)
