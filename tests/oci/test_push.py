from __future__ import annotations

import io
import json

import pytest

from sbomkit.errors import CannotCheck, CorruptInput
from sbomkit.model.digest import Digest
from sbomkit.oci.auth import Credential
from sbomkit.oci.manifest import MANIFEST, Descriptor
from sbomkit.oci.push import Writer
from sbomkit.oci.reference import Reference
from sbomkit.oci.repository import Repository
from tests.registry_service.access import access_to
from tests.registry_service.faults import Fault
from tests.registry_service.server import Registry

RAW = bytes(range(256)) * 100
BLOB = Descriptor("application/octet-stream", Digest.of(RAW), len(RAW))
USER = Credential("user", "correct horse")


def writer(registry: Registry, chunk: int = 10_000, credential: Credential | None = None) -> Writer:
    reference = Reference.parse(f"{registry.host}/team/app:1")
    return Writer(Repository(reference, access_to(registry, credential=credential)), chunk)


def push(registry: Registry, chunk: int = 10_000, credential: Credential | None = None) -> None:
    writer(registry, chunk, credential).push_blob(BLOB, lambda: io.BytesIO(RAW))
    assert registry.store.repository("team/app").blobs[str(BLOB.digest)] == RAW


@pytest.mark.parametrize(("chunk", "patches"), [(1 << 20, 0), (10_000, 3), (len(RAW), 0), (len(RAW) - 1, 2)])
def test_small_blobs_go_whole_and_large_ones_in_chunks(registry: Registry, chunk: int, patches: int) -> None:
    push(registry, chunk)
    assert registry.count("PATCH", "/uploads/") == patches


def test_what_is_there_is_not_sent_again(registry: Registry) -> None:
    push(registry)
    before = len(registry.seen)
    push(registry)
    assert [s.method for s in registry.seen[before:]] == ["HEAD"]


def test_a_registry_without_chunks_gets_it_whole(registry: Registry) -> None:
    registry.behaviour.chunks = False
    push(registry)


@pytest.mark.parametrize("how", ["basic", "token"])
def test_writing_needs_the_wider_scope(registry: Registry, how: str) -> None:
    registry.behaviour.auth = how
    push(registry, credential=USER)
    with pytest.raises(CannotCheck, match="401"):
        push(registry, credential=Credential("user", "wrong"))


def test_token_expiry_in_mid_push(registry: Registry) -> None:
    registry.behaviour.auth = "token"
    registry.faults += [Fault("PATCH", "expire", times=2)]
    push(registry, credential=USER)


@pytest.mark.parametrize("method", ["HEAD", "POST", "PATCH", "PUT"])
@pytest.mark.parametrize("action", ["drop", "status", "arrived-then-drop"])
def test_connection_cut_in_each_phase_of_a_push_is_outlived(registry: Registry, method: str, action: str) -> None:
    registry.faults += [Fault(f"^{method} ", action, times=2)]
    push(registry)


def test_an_upload_is_resumed_where_it_broke(registry: Registry) -> None:
    registry.faults += [Fault("^PATCH", "arrived-then-drop", times=1)]
    push(registry)
    starts = [s.headers["content-range"] for s in registry.seen if s.method == "PATCH"]
    assert starts == ["0-9999", "10000-19999", "20000-25599"]


def test_an_upload_that_was_forgotten_is_begun_anew(registry: Registry) -> None:
    registry.faults += [Fault("^PATCH", "drop", times=1), Fault("^GET .*/uploads/", "status", status=404, times=1)]
    push(registry)
    assert registry.count("POST", "/uploads/") == 2


def test_a_registry_that_never_takes_it_is_given_up(registry: Registry) -> None:
    registry.faults += [Fault("^PATCH", "status", status=503, times=10_000)]
    with pytest.raises(CannotCheck, match="503"):
        push(registry)


def test_a_blob_that_is_not_what_it_says_is_refused(registry: Registry) -> None:
    wrong = Descriptor("x", Digest.of(b"other"), len(RAW))
    with pytest.raises(CannotCheck, match="400"):
        writer(registry).push_blob(wrong, lambda: io.BytesIO(RAW))
    with pytest.raises(CorruptInput, match="bytes"):
        writer(registry).push_blob(Descriptor("x", BLOB.digest, len(RAW) + 1), lambda: io.BytesIO(RAW))
    assert registry.store.repository("team/app").blobs == {}


@pytest.mark.parametrize("location", ["", "ftp://x/y", "http://["])
def test_an_upload_without_a_place_is_an_error(registry: Registry, location: str) -> None:
    registry.faults += [Fault("^POST", "status", status=202, headers={"Location": location}, times=100)]
    with pytest.raises(CannotCheck, match="where to upload"):
        push(registry)


def manifest(registry: Registry) -> bytes:
    empty = writer(registry).push_bytes(b"{}", "application/vnd.oci.empty.v1+json")
    blob = {"mediaType": empty.media_type, "digest": str(empty.digest), "size": 2}
    return json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": blob, "layers": [blob]}).encode()


def test_a_manifest_under_a_tag(registry: Registry) -> None:
    raw = manifest(registry)
    pushed = writer(registry).push_manifest(raw, MANIFEST, "v1")
    assert registry.store.repository("team/app").tags == {"v1": str(pushed.descriptor.digest)}


def test_a_manifest_whose_blobs_are_missing_is_refused(registry: Registry) -> None:
    raw = manifest(registry)
    registry.store.repository("team/app").blobs.clear()
    with pytest.raises(CannotCheck, match="400"):
        writer(registry).push_manifest(raw, MANIFEST, "v1")
    assert registry.store.repository("team/app").tags == {}


def test_a_registry_that_took_something_else_is_found_out(registry: Registry) -> None:
    raw = manifest(registry)
    lie = {"Docker-Content-Digest": str(Digest.of(b"lie"))}
    registry.faults += [Fault("^PUT .*/manifests/", "status", status=201, headers=lie)]
    with pytest.raises(CorruptInput, match="took it for"):
        writer(registry).push_manifest(raw, MANIFEST, "v1")
