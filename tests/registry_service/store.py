"""What the test registry keeps, and the rules by which it takes things in."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import uuid
from dataclasses import dataclass, field

DIGEST = re.compile(r"sha256:[0-9a-f]{64}\Z")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")


def digest_of(raw: bytes) -> str:
    return "sha256:" + hashlib.sha256(raw).hexdigest()


class Rejected(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code


@dataclass
class Repository:
    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    uploads: dict[str, bytearray] = field(default_factory=dict)


class Store:
    """Thread-safe: one lock for all of it, held per step, so that races between requests stay possible."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.repositories: dict[str, Repository] = {}

    def repository(self, name: str) -> Repository:
        with self.lock:
            return self.repositories.setdefault(name, Repository())

    def manifest(self, name: str, wanted: str) -> tuple[str, str, bytes]:
        """(digest, media type, bytes)"""
        with self.lock:
            repository = self.repositories.get(name, Repository())
            digest = wanted if ":" in wanted else repository.tags.get(wanted, "")
            if digest not in repository.manifests:
                raise Rejected(404, "MANIFEST_UNKNOWN")
            return digest, *repository.manifests[digest]

    def put_manifest(self, name: str, wanted: str, media_type: str, raw: bytes) -> str:
        digest = digest_of(raw)
        with self.lock:
            repository = self.repository(name)
            try:
                value = json.loads(raw)
            except ValueError:
                raise Rejected(400, "MANIFEST_INVALID") from None
            if value.get("mediaType", media_type) != media_type:
                raise Rejected(400, "MANIFEST_INVALID")
            if ":" in wanted and wanted != digest:
                raise Rejected(400, "DIGEST_INVALID")
            if ":" not in wanted and not TAG.match(wanted):
                raise Rejected(400, "TAG_INVALID")
            needed = [value["config"], *value["layers"]] if "config" in value else []
            if any(blob["digest"] not in repository.blobs for blob in needed):
                raise Rejected(400, "MANIFEST_BLOB_UNKNOWN")
            repository.manifests[digest] = (media_type, raw)
            if ":" not in wanted:
                repository.tags[wanted] = digest
        return digest

    def begin_upload(self, name: str) -> str:
        identity = uuid.uuid4().hex
        self.repository(name).uploads[identity] = bytearray()
        return identity

    def upload(self, name: str, identity: str) -> bytearray:
        found = self.repository(name).uploads.get(identity)
        if found is None:
            raise Rejected(404, "BLOB_UPLOAD_UNKNOWN")
        return found

    def finish_upload(self, name: str, identity: str, digest: str) -> None:
        raw = bytes(self.upload(name, identity))
        if not DIGEST.match(digest) or digest_of(raw) != digest:
            raise Rejected(400, "DIGEST_INVALID")
        with self.lock:
            repository = self.repository(name)
            repository.blobs[digest] = raw
            del repository.uploads[identity]

    def referrers(self, name: str, subject: str) -> list[dict[str, object]]:
        found: list[dict[str, object]] = []
        with self.lock:
            items = sorted(self.repository(name).manifests.items())
        for digest, (media_type, raw) in items:
            value = json.loads(raw)
            if (value.get("subject") or {}).get("digest") != subject:
                continue
            entry = {"mediaType": media_type, "digest": digest, "size": len(raw)}
            entry["artifactType"] = value.get("artifactType") or value.get("config", {}).get("mediaType", "")
            entry["annotations"] = value.get("annotations", {})
            found.append(entry)
        return found
