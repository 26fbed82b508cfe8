"""Digests of bytes as they flow, computed beside the reading (hashlib releases the interpreter's lock)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from queue import SimpleQueue
from threading import BoundedSemaphore, Thread

from sbomkit.errors import CorruptInput
from sbomkit.model.digest import Digest
from sbomkit.streams.compression import Readable

_AHEAD = 8
"""Pieces that may wait for the hashing thread: bounds the memory."""


class Hasher:
    """Hashes pieces in a thread of its own, in order. Close it, whatever happens."""

    def __init__(self, algorithm: str = "sha256") -> None:
        self.algorithm = algorithm
        self.size = 0
        self._hash = hashlib.new(algorithm)
        self._pieces: SimpleQueue[bytes] = SimpleQueue()
        self._room = BoundedSemaphore(_AHEAD)
        self._thread = Thread(target=self._run, name="sbomkit-hash", daemon=True)
        self._thread.start()

    def update(self, data: bytes) -> None:
        if data:
            self.size += len(data)
            self._room.acquire()
            self._pieces.put(data)

    def _run(self) -> None:
        while data := self._pieces.get():
            self._hash.update(data)
            self._room.release()

    def digest(self) -> Digest:
        """Of all that was given. Ends the thread."""
        self.close()
        return Digest(self.algorithm, self._hash.hexdigest())

    def close(self) -> None:
        self._pieces.put(b"")
        self._thread.join()


class VerifyingReader:
    """A blob's bytes, which must turn out to have the digest and size that were promised."""

    def __init__(self, source: Readable, digest: Digest, size: int | None, name: str) -> None:
        self._source = source
        self._digest = digest
        self._size = size
        self._name = name
        self._hasher = Hasher(digest.algorithm)

    def read(self, size: int) -> bytes:
        data = self._source.read(size)
        if data:
            self._hasher.update(data)
            if self._size is not None and self._hasher.size > self._size:
                self._refuse_size("more than")
        return data

    def finish(self) -> None:
        """Read what is left and check it. Raises CorruptInput."""
        while self.read(1 << 20):
            pass
        if self._size is not None and self._hasher.size != self._size:
            self._refuse_size(f"{self._hasher.size} bytes instead of")
        actual = self._hasher.digest()
        if actual != self._digest:
            raise CorruptInput(
                f"{self._name}: its content has the digest {actual}, not the promised {self._digest}",
                hint="The blob is damaged or was replaced; fetch the image again.",
            )

    def _refuse_size(self, words: str) -> None:
        raise CorruptInput(
            f"{self._name}: the blob holds {words} the promised {self._size} bytes",
            hint="The blob is damaged or was replaced; fetch the image again.",
        )

    def close(self) -> None:
        self._hasher.close()


def hashed(pieces: Iterator[bytes], hasher: Hasher) -> Iterator[bytes]:
    """The same pieces, seen by the hasher on their way."""
    for piece in pieces:
        hasher.update(piece)
        yield piece
