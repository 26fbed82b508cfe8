"""Real registries on loopback, and skopeo: what they write we read, and the other way round."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from sbomkit.errors import CannotCheck
from sbomkit.image.source import open_source
from sbomkit.layers.cache import RecordCache
from sbomkit.model.digest import Digest
from sbomkit.oci.access import Access
from sbomkit.oci.auth import Credential
from sbomkit.oci.manifest import Descriptor
from sbomkit.oci.push import Writer
from sbomkit.oci.reference import Reference
from sbomkit.oci.referrers import referrers
from sbomkit.oci.repository import Repository
from sbomkit.publish.attach import attach_document
from sbomkit.publish.place import open_place, read_blob
from sbomkit.scan.scan import scan
from tests.conftest import PROJECT
from tests.registry_service.access import access_to
from tests.registry_service.real import Real, certificate, docker_registry, go_registry, skopeo
from tests.registry_service.server import serving

LAYOUT = PROJECT / "fixtures" / "images" / "app"
USER = Credential("user", "correct horse")
HTPASSWD = "user:$2b$04$FOCsb/mwNjbuo4sBTo63.elVp5yfAyGmXw./yMkc4VOtua/w13i72"
SBOM = b'{"bomFormat": "CycloneDX"}'
Starter = Callable[[Path], AbstractContextManager[Real]]


@pytest.fixture(params=[docker_registry, go_registry], ids=["docker-registry", "go registry"])
def real(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Real]:
    start: Starter = request.param
    with start(tmp_path) as found:
        words = ["--preserve-digests", "--dest-tls-verify=false"]
        skopeo("copy", *words, f"oci:{LAYOUT}", f"docker://{found.host}/team/app:1")
        yield found


def test_what_skopeo_pushed_is_what_the_layout_holds(real: Real) -> None:
    there = scan(open_source(f"{real.host}/team/app:1", None, real.access()), name="app")
    here = scan(open_source(f"oci-dir:{LAYOUT}"), name="app")
    assert there == here
    assert there.packages


def test_skopeo_reads_what_we_attached(real: Real, tmp_path: Path) -> None:
    words = f"{real.host}/team/app:1"
    made = attach_document(open_place(words, real.access()), SBOM)
    skopeo("copy", "--src-tls-verify=false", f"docker://{real.host}/team/app@{made.digest}", f"dir:{tmp_path}/copy")
    assert Digest.of((tmp_path / "copy" / "manifest.json").read_bytes()) == made.digest
    assert any(path.read_bytes() == SBOM for path in (tmp_path / "copy").iterdir())


def test_what_is_attached_is_listed(real: Real) -> None:
    place = open_place(f"{real.host}/team/app:1", real.access())
    made = attach_document(place, SBOM)
    repository = Repository(Reference.parse(f"{real.host}/team/app:1"), real.access())
    assert [d.digest for d in referrers(repository, place.root().descriptor.digest)] == [made.digest]
    tagged = repository.find_manifest(f"sha256-{place.root().descriptor.digest.hex}")
    assert (tagged is None) == real.referrers_api


def big_blob(path: Path, size: int) -> Descriptor:
    path.write_bytes(os.urandom(size))
    return Descriptor("application/octet-stream", Digest.of(path.read_bytes()), size)


def test_a_blob_in_chunks(real: Real, tmp_path: Path) -> None:
    blob = big_blob(tmp_path / "blob", 5_000_000)
    repository = Repository(Reference.parse(f"{real.host}/team/app:1"), real.access())
    Writer(repository, chunk=1 << 20).push_blob(blob, lambda: (tmp_path / "blob").open("rb"))
    place = open_place(f"{real.host}/team/app:1", real.access())
    assert read_blob(place, blob) == (tmp_path / "blob").read_bytes()
    part = repository.read_range(blob, 1000, 50)
    assert part in (None, (tmp_path / "blob").read_bytes()[1000:1050])


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("secured", [False, True])
def test_htpasswd_and_tls(tmp_path: Path, tls: bool, secured: bool) -> None:
    pair = certificate(tmp_path) if tls else None
    with docker_registry(tmp_path, htpasswd=HTPASSWD if secured else "", tls=pair) as real:
        credential = USER if secured else None
        to = ["--dest-tls-verify=false"] + (["--dest-creds", "user:correct horse"] if secured else [])
        skopeo("copy", *to, f"oci:{LAYOUT}", f"docker://{real.host}/app:1")
        words = f"{real.host}/app:1"
        attach_document(open_place(words, real.access(credential)), SBOM)
        assert scan(open_source(words, None, real.access(credential))).packages
        if secured:
            for wrong in (None, Credential("user", "wrong")):
                with pytest.raises(CannotCheck, match="401"):
                    open_source(words, None, real.access(wrong))
        if tls:
            with pytest.raises(CannotCheck, match="TLS failed") as caught:
                open_source(words, None, Access(real.access(credential).keychain, proxies=False))
            assert "--ca-cert" in caught.value.hint


PUSHER = """
import sys
from pathlib import Path
from sbomkit.model.digest import Digest
from sbomkit.oci.access import Access
from sbomkit.oci.manifest import Descriptor
from sbomkit.oci.push import Writer
from sbomkit.oci.reference import Reference
from sbomkit.oci.repository import Repository

host, path = sys.argv[1:]
access = Access(plain_http=frozenset({host}), proxies=False)
writer = Writer(Repository(Reference.parse(f"{host}/killed:1"), access), chunk=1 << 16)
raw = Path(path).read_bytes()
config = writer.push_bytes(b"{}", "application/vnd.oci.empty.v1+json")
print("pushing", flush=True)
blob = Descriptor("application/octet-stream", Digest.of(raw), len(raw))
writer.push_blob(blob, lambda: Path(path).open("rb"))
manifest = '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"x/y",' \\
    f'"digest":"{config.digest}","size":2}},"layers":[{{"mediaType":"x/y","digest":"{blob.digest}","size":{blob.size}}}]}}'
writer.push_manifest(manifest.encode(), "application/vnd.oci.image.manifest.v1+json", "1")
"""


@pytest.mark.parametrize("after", [0.0, 0.05, 0.2])
def test_kill_9_during_a_push_and_again(tmp_path: Path, after: float) -> None:
    """Nothing half-written is ever visible under a tag, and a second run completes."""
    with docker_registry(tmp_path) as real:
        big_blob(tmp_path / "blob", 20_000_000)
        command = [sys.executable, "-c", PUSHER, real.host, str(tmp_path / "blob")]
        environ = {**os.environ, "PYTHONPATH": str(PROJECT)}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, env=environ)
        assert process.stdout is not None
        assert process.stdout.readline() == b"pushing\n"
        time.sleep(after)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        repository = Repository(Reference.parse(f"{real.host}/killed:1"), real.access())
        assert repository.find_manifest("1") is None
        subprocess.run(command, check=True, env=environ, capture_output=True)
        fetched = repository.manifest("1")
        layer = json.loads(fetched.raw)["layers"][0]
        found = Descriptor("x/y", Digest.parse(layer["digest"]), layer["size"])
        with repository.open_blob(found) as stream:
            assert Digest.of(stream.read()) == found.digest


REFERENCE = Path(os.environ.get("SBOMKIT_REFERENCE_IMAGE", "/tmp/ref/oci"))


@pytest.mark.slow
@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the big reference image is not here")
def test_the_reference_image_by_way_of_a_registry(tmp_path: Path) -> None:
    with ExitStack() as stack:
        real = stack.enter_context(docker_registry(tmp_path))
        skopeo("copy", "--dest-tls-verify=false", f"oci:{REFERENCE}:v1", f"docker://{real.host}/ref:v1")
        there = scan(open_source(f"{real.host}/ref:v1", None, real.access()), name="ref")
        assert there == scan(open_source(f"oci-dir:{REFERENCE}:v1"), name="ref")


@pytest.mark.slow
@pytest.mark.skipif(not REFERENCE.is_dir(), reason="the big reference image is not here")
def test_the_reference_images_second_version_costs_its_own_layer(tmp_path: Path) -> None:
    blobs = {f"sha256:{path.name}": path.read_bytes() for path in (REFERENCE / "blobs" / "sha256").iterdir()}
    with serving() as registry:
        registry.store.repository("ref").blobs = blobs
        for entry in json.loads((REFERENCE / "index.json").read_bytes())["manifests"]:
            tag = entry["annotations"]["org.opencontainers.image.ref.name"]
            registry.store.put_manifest("ref", tag, entry["mediaType"], blobs[entry["digest"]])
        images = [open_source(f"{registry.host}/ref:{tag}", None, access_to(registry)) for tag in ("v1", "v2")]
        cache = RecordCache(tmp_path)
        scan(images[0], name="ref", cache=cache)
        before = registry.bytes_of("/blobs/")
        found = scan(images[1], name="ref", cache=cache)
        known = {layer.descriptor.digest for layer in images[0].layers if layer.descriptor}
        own = [
            layer.descriptor for layer in images[1].layers if layer.descriptor and layer.descriptor.digest not in known
        ]
        assert registry.bytes_of("/blobs/") - before == sum(descriptor.size for descriptor in own)
        assert 0 < len(own) < len(images[1].layers)
    assert found == scan(open_source(f"oci-dir:{REFERENCE}:v2"), name="ref")


ATTACH_ROUNDS = 25


@pytest.mark.slow
def test_two_processes_that_attach_at_once_to_a_real_registry_lose_nothing(tmp_path: Path) -> None:
    with docker_registry(tmp_path) as real:
        skopeo("copy", "--dest-tls-verify=false", f"oci:{LAYOUT}", f"docker://{real.host}/app:1")
        environ = {**os.environ, "PYTHONPATH": str(PROJECT), "SBOMKIT_PLAIN_HTTP": real.host}
        for round in range(ATTACH_ROUNDS):
            running = []
            for writer in range(2):
                path = tmp_path / f"{writer}.json"
                path.write_text(f'{{"bomFormat": "CycloneDX", "serialNumber": "{round}-{writer}"}}')
                command = [sys.executable, "-m", "sbomkit", "attach", f"{real.host}/app:1", "--sbom", str(path), "-q"]
                running.append(subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL))
            assert [process.wait() for process in running] == [0, 0]
        repository = Repository(Reference.parse(f"{real.host}/app:1"), real.access())
        found = referrers(repository, repository.manifest("1").descriptor.digest)
        assert len(found) == 2 * ATTACH_ROUNDS
