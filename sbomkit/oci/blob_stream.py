"""A blob's bytes from a registry: when the connection breaks, the rest is asked for by range.

RFC 9110 section 14 (ranges). The digest is checked by whoever reads, so a resumed stream that was stitched
together from two different contents cannot pass.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Protocol

from sbomkit.errors import CannotCheck
from sbomkit.oci.access import Patience
from sbomkit.oci.manifest import Descriptor
from sbomkit.oci.wire import broken_errors, reason_of

if TYPE_CHECKING:
    import requests
    from _typeshed import WriteableBuffer

_MAX_RESUMES = 100
"""Per blob: a server that gives a byte at a time must not hold us forever."""


class Opener(Protocol):
    """What can open a blob at an offset."""

    name: str

    def open_at(self, descriptor: Descriptor, offset: int) -> requests.Response: ...


class BlobStream(io.RawIOBase):
    """Opened at once, so that what is missing is known at once."""

    def __init__(self, opener: Opener, descriptor: Descriptor, patience: Patience) -> None:
        self._opener = opener
        self._descriptor = descriptor
        self._patience = patience
        self._at = 0
        self._resumes = 0
        self._failures = 0
        self._response: requests.Response | None = opener.open_at(descriptor, 0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Raises CannotCheck when the blob breaks off, and goes on doing so."""
        view = memoryview(buffer)
        while True:
            data, reason = self._read(len(view))
            if data:
                view[: len(data)] = data
                self._at += len(data)
                self._failures = 0
                return len(data)
            if self._at >= self._descriptor.size:
                return 0
            self._resume(reason)

    def _read(self, size: int) -> tuple[bytes, str]:
        if self._response is None:
            return b"", "it broke off"
        try:
            # one byte more than promised is enough for the reader to see that it is too much
            data: bytes = self._response.raw.read(size, decode_content=False)
        except broken_errors() as error:
            return b"", reason_of(error)
        return data, "" if data else "it ended too early"

    def _resume(self, reason: str) -> None:
        if self._response is not None:
            self._response.close()
            self._response = None
        what = f"{self._opener.name}: blob {self._descriptor.digest}"
        if self._failures >= self._patience.tries or self._resumes >= _MAX_RESUMES:
            raise CannotCheck(f"{what}: broke off at byte {self._at} of {self._descriptor.size}: {reason}")
        self._patience.sleep(self._patience.wait(self._failures))
        self._failures += 1
        self._resumes += 1
        response = self._opener.open_at(self._descriptor, self._at)
        self._response = response
        if response.status_code != 206:
            self._skip(response)

    def _skip(self, response: requests.Response) -> None:
        """The server does no ranges and began anew: read up to where we were."""
        left = self._at
        try:
            while left:
                data = response.raw.read(min(left, 1 << 17), decode_content=False)
                if not data:
                    break
                left -= len(data)
        except broken_errors():
            left = -1
        if left:
            response.close()
            self._response = None

    def close(self) -> None:
        if not self.closed and self._response is not None:
            self._response.close()
            self._response = None
        super().close()
