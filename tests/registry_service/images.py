"""Small images made by hand, put straight into a test registry."""

from __future__ import annotations

import gzip
import io
import json
import tarfile

from sbomkit.model.digest import Digest
from tests.registry_service.server import Registry, put_blob
from tests.registry_service.store import digest_of

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
STATUS = "Package: {0}\nStatus: install ok installed\nVersion: {1}\nArchitecture: amd64\nMaintainer: A <a@b.c>\n\n"
OS_RELEASE = b'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian 12"\n'


def tar_of(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, raw in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(raw)
            archive.addfile(member, io.BytesIO(raw))
    return out.getvalue()


def debian_layer(*packages: str, padding: int = 0) -> bytes:
    """A layer with os-release and these packages, `name=version` each."""
    status = "".join(STATUS.format(*package.split("=")) for package in packages).encode()
    files = {"etc/os-release": OS_RELEASE, "var/lib/dpkg/status": status}
    if padding:
        # hashes do not compress, so the blob grows by about as much
        files["usr/share/noise"] = b"".join(digest_of(str(i).encode()).encode() for i in range(padding // 71 + 1))
    return tar_of(files)


def put_image(
    registry: Registry, name: str, tag: str, tars: list[bytes], *, architecture: str = "amd64", extra: bytes = b""
) -> Digest:
    """An image of these layers; its manifest's digest."""
    layers, diff_ids = [], []
    for tar in tars:
        blob = gzip.compress(tar, 6, mtime=0)
        layers.append({"mediaType": LAYER, "digest": put_blob(registry, name, blob), "size": len(blob)})
        diff_ids.append(digest_of(tar))
    config = json.dumps(
        {"os": "linux", "architecture": architecture, "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    ).encode() + extra  # fmt: skip
    described = {
        "mediaType": "application/vnd.oci.image.config.v1+json",
        "digest": put_blob(registry, name, config),
        "size": len(config),
    }
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": described, "layers": layers}
    raw = json.dumps(manifest).encode()
    return Digest.parse(registry.store.put_manifest(name, tag or digest_of(raw), MANIFEST, raw))


def put_index(registry: Registry, name: str, tag: str, manifests: list[dict[str, object]]) -> Digest:
    raw = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).encode()
    return Digest.parse(registry.store.put_manifest(name, tag, INDEX, raw))


def described(registry: Registry, name: str, digest: Digest, architecture: str = "amd64") -> dict[str, object]:
    _, media_type, raw = registry.store.manifest(name, str(digest))
    platform = {"os": "linux", "architecture": architecture}
    return {"mediaType": media_type, "digest": str(digest), "size": len(raw), "platform": platform}
