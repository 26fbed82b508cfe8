"""Writing to a repository: blobs first, then manifests, so that nothing half-written is ever visible under a tag.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md#push
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import urlencode

from sbomkit.errors import CannotCheck, CorruptInput
from sbomkit.model.digest import Digest
from sbomkit.oci.http import HttpError
from sbomkit.oci.manifest import Descriptor
from sbomkit.oci.repository import Repository
from sbomkit.oci.wire import joined

CHUNK = 8 << 20
"""Bytes; a blob that is no larger goes in one request."""
_MAX_CHUNK = 64 << 20
_RANGE = re.compile(r"(?:bytes=)?0-(\d{1,18})\Z")
_NO_CHUNKS = (405, 411, 415, 501)
"""Answers to a chunk from registries that take blobs whole only."""

Open = Callable[[], BinaryIO]
"""A fresh, seekable stream over the blob."""


@dataclass(frozen=True, slots=True)
class Pushed:
    descriptor: Descriptor
    subject_header: str = ""
    """OCI-Subject: the registry says that it took note of the manifest's subject."""


class Conflict(CannotCheck):
    """Somebody else changed the tag meanwhile."""


class Writer:
    """Pushes to the registry itself; mirrors are never written to."""

    def __init__(self, repository: Repository, chunk: int = CHUNK) -> None:
        self._repository = repository
        self._http = repository.own
        self._chunk = chunk
        self._api = repository.own.endpoint.api
        self._scope = f"repository:{repository.reference.repository}:pull,push"
        self._patience = repository.access.patience

    def has_blob(self, digest: Digest) -> bool:
        url = f"{self._api}/blobs/{digest}"
        with self._http.send("HEAD", url, scope=self._scope, accept=(200, 404)) as response:
            return response.status_code == 200

    def push_bytes(self, raw: bytes, media_type: str) -> Descriptor:
        """A small blob."""
        found = Descriptor(media_type, Digest.of(raw), len(raw))
        self.push_blob(found, lambda: io.BytesIO(raw))
        return found

    def push_blob(self, descriptor: Descriptor, open: Open) -> None:
        """Upload it unless it is there; begun anew when an upload cannot be resumed. Raises CannotCheck."""
        for attempt in range(self._patience.tries):
            if self.has_blob(descriptor.digest):
                return
            try:
                self._upload(descriptor, open)
            except CorruptInput:
                raise
            except CannotCheck as error:
                final = isinstance(error, HttpError) and error.status < 500 and error.status not in (404, 416)
                if final or attempt + 1 == self._patience.tries:
                    raise
                self._patience.sleep(self._patience.wait(attempt))
            else:
                return

    def _upload(self, descriptor: Descriptor, open: Open) -> None:
        url = f"{self._api}/blobs/uploads/"
        headers = {"Content-Length": "0"}
        with self._http.send("POST", url, scope=self._scope, headers=headers, accept=(202, 201)) as response:
            location = self._location(response.url, response.headers.get("Location", ""))
            least = response.headers.get("OCI-Chunk-Min-Length", "")
        chunk = max(self._chunk, min(int(least), _MAX_CHUNK)) if least.isascii() and least.isdigit() else self._chunk
        chunked = descriptor.size > chunk
        if chunked:
            try:
                location = self._chunks(location, descriptor, open, chunk)
            except HttpError as error:
                if error.status not in _NO_CHUNKS:
                    raise
                chunked = False
        self._finish(location, descriptor, None if chunked else open)

    def _chunks(self, location: str, descriptor: Descriptor, open: Open, chunk: int) -> str:
        """Send all of it in pieces; where a piece fails, ask how far the registry got. Gives the last location."""
        at, failures = 0, 0
        with open() as stream:
            while at < descriptor.size:
                stream.seek(at)
                data = stream.read(chunk)
                if not data:
                    raise CorruptInput(f"{descriptor.digest}: only {at} bytes, not the promised {descriptor.size}")
                headers = {
                    "Content-Type": "application/octet-stream",
                    "Content-Range": f"{at}-{at + len(data) - 1}",
                    "Content-Length": str(len(data)),
                }
                try:
                    response = self._http.send(
                        "PATCH", location, scope=self._scope, headers=headers, body=data, accept=(202,), again=False
                    )
                except CannotCheck as error:
                    resumable = not isinstance(error, HttpError) or error.status in (416, 429, 500, 502, 503, 504)
                    failures += 1
                    if not resumable or failures >= self._patience.tries:
                        raise
                    self._patience.sleep(self._patience.wait(failures - 1))
                    location, at = self._progress(location)
                    continue
                with response:
                    location = self._location(response.url, response.headers.get("Location", ""))
                at += len(data)
        return location

    def _progress(self, location: str) -> tuple[str, int]:
        """Where to go on, and from which byte. Raises HttpError (404) when the upload was forgotten."""
        with self._http.send("GET", location, scope=self._scope, accept=(204, 202)) as response:
            match = _RANGE.match(response.headers.get("Range", "").strip())
            new = response.headers.get("Location", "")
            following = self._location(response.url, new) if new else location
        # "0-0" is said both for one byte and for none: begin at 0 would be refused for the former, so start anew
        done = int(match[1]) + 1 if match else 0
        return following, done if done > 1 else 0

    def _finish(self, location: str, descriptor: Descriptor, open: Open | None) -> None:
        url = location + ("&" if "?" in location else "?") + urlencode({"digest": str(descriptor.digest)})
        headers = {"Content-Type": "application/octet-stream"}
        headers["Content-Length"] = str(descriptor.size) if open else "0"
        self._http.send(
            "PUT", url, scope=self._scope, headers=headers, body=open, accept=(201, 204), again=False
        ).close()  # fmt: skip

    def _location(self, url: str, location: str) -> str:
        target = joined(url, location) if location else ""
        if not target.startswith(("https://", "http://")) or (url.startswith("https:") and target.startswith("http:")):
            raise CannotCheck(f"{self._repository.name}: the registry did not say where to upload to")
        return target

    def push_manifest(self, raw: bytes, media_type: str, tag: str = "", *, if_match: str | None = None) -> Pushed:
        """Under a tag, else under its digest. `if_match`: the ETag it must still have there, "" for none at all.

        Raises Conflict where the registry minds the condition and it does not hold.
        """
        digest = Digest.of(raw)
        headers = {"Content-Type": media_type}
        if if_match:
            headers["If-Match"] = if_match
        elif if_match is not None:
            headers["If-None-Match"] = "*"
        url = f"{self._api}/manifests/{tag or digest}"
        try:
            response = self._http.send("PUT", url, scope=self._scope, headers=headers, body=raw, accept=(201, 200, 202))
        except HttpError as error:
            if error.status in (409, 412) and if_match is not None:
                raise Conflict(error.message) from None
            raise
        with response:
            stated = response.headers.get("Docker-Content-Digest", "")
            if stated and stated != str(digest):
                raise CorruptInput(f"{self._repository.name}: pushed {digest}, the registry took it for {stated[:200]}")
            return Pushed(Descriptor(media_type, digest, len(raw)), response.headers.get("OCI-Subject", ""))
