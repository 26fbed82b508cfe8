"""One repository of a registry, for reading: manifests, blobs, ranges of blobs.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pull
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from sbomkit.errors import CannotCheck, CorruptInput
from sbomkit.model.digest import Digest
from sbomkit.oci import manifest as oci
from sbomkit.oci.access import Access, Endpoint
from sbomkit.oci.blob_stream import BlobStream
from sbomkit.oci.http import Http, HttpError
from sbomkit.oci.manifest import Descriptor
from sbomkit.oci.reference import Reference

if TYPE_CHECKING:
    import requests

T = TypeVar("T")
MANIFESTS = (oci.INDEX, oci.MANIFEST, oci.DOCKER_LIST, oci.DOCKER_MANIFEST)
_ACCEPT = ", ".join((*MANIFESTS, "*/*;q=0.1"))
_SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+"
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(?:\d+|\*)\Z")


@dataclass(frozen=True, slots=True)
class Fetched:
    """A manifest as it was served, its digest computed here."""

    raw: bytes
    descriptor: Descriptor
    etag: str = ""


class Repository:
    """Reads from the mirrors first, where there are any, then from the registry. Thread-safe."""

    def __init__(self, reference: Reference, access: Access) -> None:
        self.reference = reference
        self.name = reference.name
        self.access = access
        self.pull_scope = f"repository:{reference.repository}:pull"
        self.own = Http(access, access.endpoint(reference), access.keychain.find(reference))
        self._readers = [*(self._mirror(e) for e in access.mirrors_of(reference)), self.own]

    def _mirror(self, endpoint: Endpoint) -> Http:
        place = Reference(endpoint.host, endpoint.repository)
        return Http(self.access, endpoint, self.access.keychain.find(place))

    def _scope(self, http: Http) -> str:
        return f"repository:{http.endpoint.repository}:pull"

    def _first(self, read: Callable[[Http], T]) -> T:
        """The first reader's answer that is one; the registry's own error where none is."""
        for http in self._readers[:-1]:
            try:
                return read(http)
            except CannotCheck:
                continue  # a mirror may lack it, be down, or lie: the registry decides
        return read(self._readers[-1])

    def manifest(self, wanted: str) -> Fetched:
        """The manifest or index under a tag or digest, verified. Raises HttpError (404: none), CorruptInput."""
        return self._first(lambda http: self._manifest(http, wanted))

    def _manifest(self, http: Http, wanted: str) -> Fetched:
        url = f"{http.endpoint.api}/manifests/{wanted}"
        response, raw = http.fetch(url, oci.MAX_MANIFEST, scope=self._scope(http), headers={"Accept": _ACCEPT})
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        what = f"{self.name}: manifest {wanted}"
        if kind.startswith(_SCHEMA_1):
            raise CannotCheck(
                f"{what}: an image of Docker's schema 1, which has no digests to stand on",
                hint="Push it again with any tool of the last years.",
            )
        promised = self._promised(wanted, response.headers.get("Docker-Content-Digest", ""), what)
        actual = Digest.of(raw, promised.algorithm if promised else "sha256")
        if promised and actual != promised:
            raise CorruptInput(
                f"{what}: its content has the digest {actual}, not the promised {promised}",
                hint="The registry or a proxy before it changed it; do not trust it.",
            )
        return Fetched(raw, Descriptor(kind, actual, len(raw)), response.headers.get("ETag", ""))

    def _promised(self, wanted: str, header: str, what: str) -> Digest | None:
        """The digest asked for; for a tag the one that the registry states, if any."""
        if ":" in wanted:
            return oci.digest(wanted, what)
        return oci.digest(header, f"{what}: Docker-Content-Digest") if header else None

    def find_manifest(self, wanted: str) -> Fetched | None:
        """As `manifest`; None where there is none."""
        try:
            return self.manifest(wanted)
        except HttpError as error:
            if error.status == 404:
                return None
            raise

    def own_manifest(self, wanted: str) -> Fetched | None:
        """As `find_manifest`, from the registry itself: what is to be changed must not come from a mirror."""
        try:
            return self._manifest(self.own, wanted)
        except HttpError as error:
            if error.status == 404:
                return None
            raise

    def open_blob(self, descriptor: Descriptor) -> BinaryIO:
        """The blob as a stream that survives broken connections. Whoever reads it verifies it."""
        if descriptor.media_type in MANIFESTS:
            return io.BytesIO(self.manifest(str(descriptor.digest)).raw)
        stream = BlobStream(self, descriptor, self.access.patience)
        return io.BufferedReader(stream, 1 << 16)

    def open_at(self, descriptor: Descriptor, offset: int) -> requests.Response:
        """An answer whose body is the blob from this byte on."""
        return self._first(lambda http: self._open_at(http, descriptor, offset))

    def _open_at(self, http: Http, descriptor: Descriptor, offset: int) -> requests.Response:
        url = f"{http.endpoint.api}/blobs/{descriptor.digest}"
        headers = {"Range": f"bytes={offset}-"} if offset else {}
        accept = (200, 206) if offset else (200,)
        response = http.send("GET", url, scope=self._scope(http), headers=headers, accept=accept)
        start = 0
        if response.status_code == 206:
            start = _start_of(response)
        length = response.headers.get("Content-Length", "")
        what = f"{self.name}: blob {descriptor.digest}"
        if start != offset and start:
            response.close()
            raise CannotCheck(f"{what}: asked for byte {offset} on, the registry answered from {start} on")
        if length.isascii() and length.isdigit() and start + int(length[:19]) != descriptor.size:
            response.close()
            raise CorruptInput(
                f"{what}: the registry has {start + int(length[:19])} bytes, not the promised {descriptor.size}",
                hint="The blob is damaged or was replaced; push the image again.",
            )
        return response

    def read_range(self, descriptor: Descriptor, start: int, length: int) -> bytes | None:
        """Exactly these bytes; None where the registry does not do ranges. Nothing is verified."""
        return self._first(lambda http: self._read_range(http, descriptor, start, length))

    def _read_range(self, http: Http, descriptor: Descriptor, start: int, length: int) -> bytes | None:
        url = f"{http.endpoint.api}/blobs/{descriptor.digest}"
        headers = {"Range": f"bytes={start}-{start + length - 1}"}
        # a server that ignores the range would send the whole: one byte more than asked for is enough to know
        try:
            response, raw = http.fetch(url, length, scope=self._scope(http), headers=headers, accept=(206, 200, 416))
        except CorruptInput:
            return None
        return raw if response.status_code == 206 and _start_of(response) == start and len(raw) == length else None


def _start_of(response: requests.Response) -> int:
    """The first byte of a 206; -1 where it does not say."""
    match = _CONTENT_RANGE.match(response.headers.get("Content-Range", "").strip())
    return int(match[1]) if match else -1
