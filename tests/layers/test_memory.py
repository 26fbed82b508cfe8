"""The memory a scan takes does not grow with its layers."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import zlib
from pathlib import Path

import pytest

from tests.conftest import PROJECT
from tests.registry_service.images import debian_layer
from tests.registry_service.server import Registry, put_blob, serving
from tests.registry_service.store import digest_of

MIB = 1 << 20
SIZE = 2048 * MIB
LIMIT = 150 * MIB
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
SCAN = """
import sys
from sbomkit.image.source import open_source
from sbomkit.oci.access import Access
from sbomkit.scan.scan import scan
found = scan(open_source(sys.argv[1], None, Access(plain_http=frozenset(sys.argv[2:]), proxies=False)))
# not ru_maxrss: that of a forked process begins with its parent's
peak = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(len(found.packages), int(peak) * 1024)
"""


def scanned(source: str, *plain: str) -> tuple[int, int]:
    """(packages, most bytes of memory) of a scan in a process of its own."""
    environ = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [sys.executable, "-c", SCAN, source, *plain], capture_output=True, text=True, env=environ, check=True
    )
    packages, memory = done.stdout.split()
    return int(packages), int(memory)


def header(size: int) -> bytes:
    member = tarfile.TarInfo("usr/share/huge")
    member.size = size
    return member.tobuf(tarfile.GNU_FORMAT)


def put(registry: Registry, blob: bytes, diff_id: str) -> None:
    config = json.dumps({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": [diff_id]}}).encode()
    described = [
        {"mediaType": "x/y", "digest": put_blob(registry, "app", raw), "size": len(raw)} for raw in (config, blob)
    ]
    value = {"schemaVersion": 2, "mediaType": MANIFEST, "config": described[0], "layers": described[1:]}
    registry.store.put_manifest("app", "1", MANIFEST, json.dumps(value).encode())


@pytest.mark.slow
def test_a_compressed_layer_of_2_gb_from_a_registry() -> None:
    pieces, digest = [], hashlib.sha256()
    packer = zlib.compressobj(1, zlib.DEFLATED, 31)
    zeros = bytes(16 * MIB)
    for data in (header(SIZE), *([zeros] * (SIZE // len(zeros))), debian_layer("a=1")):
        digest.update(data)
        pieces.append(packer.compress(data))
    blob = b"".join((*pieces, packer.flush()))
    with serving() as registry:
        put(registry, blob, f"sha256:{digest.hexdigest()}")
        packages, memory = scanned(f"{registry.host}/app:1", registry.host)
    assert packages == 1
    assert memory < LIMIT


@pytest.mark.slow
def test_a_plain_layer_of_2_gb_in_a_layout(tmp_path: Path) -> None:
    blobs = tmp_path / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    path = tmp_path / "layer"
    with path.open("wb") as file:
        file.write(header(SIZE))
        file.seek(SIZE, io.SEEK_CUR)  # a hole: it costs no disk
        file.write(debian_layer("a=1"))
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    size = path.stat().st_size
    path.rename(blobs / digest)
    config = json.dumps({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": [f"sha256:{digest}"]}}).encode()
    value = {
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": "x/y", "digest": digest_of(config), "size": len(config)},
        "layers": [{"mediaType": "x/y", "digest": f"sha256:{digest}", "size": size}],
    }  # fmt: skip
    manifest = json.dumps(value).encode()
    for raw in (config, manifest):
        (blobs / digest_of(raw)[7:]).write_bytes(raw)
    entry = {"mediaType": MANIFEST, "digest": digest_of(manifest), "size": len(manifest)}
    (tmp_path / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    packages, memory = scanned(f"oci-dir:{tmp_path}")
    assert packages == 1
    assert memory < LIMIT


def test_a_small_layer_takes_little() -> None:
    tar = debian_layer("a=1")
    with serving() as registry:
        put(registry, gzip.compress(tar, mtime=0), digest_of(tar))
        packages, memory = scanned(f"{registry.host}/app:1", registry.host)
    assert packages == 1
    assert memory < LIMIT
