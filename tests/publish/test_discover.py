"""Finding what other tools attached, and not believing what a registry says of it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from sbomkit.errors import CannotCheck
from sbomkit.model.digest import Digest
from sbomkit.publish.attach import attach_document
from sbomkit.publish.discover import discover
from sbomkit.publish.download import find, read_statement
from sbomkit.publish.kinds import DSSE, IN_TOTO, SIMPLE_SIGNING
from sbomkit.publish.place import Place, open_place
from tests.publish.test_attach import CYCLONEDX, SPDX, envelope, statement
from tests.registry_service.access import access_to
from tests.registry_service.faults import Fault
from tests.registry_service.images import INDEX, MANIFEST, debian_layer, described, put_image, put_index
from tests.registry_service.server import Registry, put_blob, serving


@pytest.fixture
def registry() -> Iterator[Registry]:
    with serving() as found:
        yield found


@pytest.fixture
def image(registry: Registry) -> Digest:
    return put_image(registry, "app", "1", [debian_layer("a=1")])


def place(registry: Registry) -> Place:
    return open_place(f"{registry.host}/app:1", access_to(registry))


def put_manifest(
    registry: Registry, tag: str, layers: list[tuple[str, bytes, dict[str, str]]], **more: object
) -> Digest:
    listed = [
        {"mediaType": kind, "digest": put_blob(registry, "app", raw), "size": len(raw), "annotations": notes}
        for kind, raw, notes in layers
    ]
    config = {
        "mediaType": "application/vnd.oci.image.config.v1+json",
        "digest": put_blob(registry, "app", b"{}"),
        "size": 2,
    }
    raw = json.dumps({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": listed, **more}).encode()
    return Digest.parse(registry.store.put_manifest("app", tag or str(Digest.of(raw)), MANIFEST, raw))


def test_tags_of_cosign(registry: Registry, image: Digest) -> None:
    raw = json.dumps(envelope(statement("https://cyclonedx.org/bom", {"bomFormat": "CycloneDX"}))).encode()
    other = json.dumps(envelope(statement("https://spdx.dev/Document", {"spdxVersion": "x"}))).encode()
    put_manifest(
        registry, f"sha256-{image.hex}.sig", [(SIMPLE_SIGNING, b"{}", {"dev.cosignproject.cosign/signature": "x"})]
    )
    put_manifest(
        registry,
        f"sha256-{image.hex}.att",
        [(DSSE, raw, {"predicateType": "https://cyclonedx.org/bom"}), (DSSE, other, {})],
    )
    put_manifest(registry, f"sha256-{image.hex}.sbom", [("text/spdx+json", SPDX, {})])
    node = discover(place(registry))
    assert [(a.way, a.carries_signature, len(a.payloads)) for a in node.attachments] == [
        ("cosign tag", True, 1), ("cosign tag", True, 2), ("cosign tag", False, 1),
    ]  # fmt: skip
    assert [f.stated_type for f in find(place(registry), node, "cyclonedx")] == ["https://cyclonedx.org/bom"]
    assert [f.stated_type for f in find(place(registry), node, "spdx")] == [
        "https://spdx.dev/Document",
        "text/spdx+json",
    ]


def test_attestations_of_buildkit(registry: Registry) -> None:
    digest = put_image(registry, "app", "", [debian_layer("a=1")])
    spdx = statement("https://spdx.dev/Document", {"spdxVersion": "SPDX-2.3"})
    made = put_manifest(registry, "", [(IN_TOTO, spdx, {"in-toto.io/predicate-type": "https://spdx.dev/Document"})])
    about = {"vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": str(digest)}
    entry = described(registry, "app", made, "unknown")
    entry.update(platform={"os": "unknown", "architecture": "unknown"}, annotations=about)
    put_index(registry, "app", "1", [described(registry, "app", digest), entry])
    node = discover(place(registry))
    (platform,) = node.platforms
    (found,) = platform.attachments
    assert (found.way, found.subject, found.carries_signature) == ("BuildKit", digest, False)
    assert [json.loads(f.content) for f in find(place(registry), node, "spdx")] == [{"spdxVersion": "SPDX-2.3"}]


class TestLies:
    def test_a_referrer_that_refers_to_something_else(self, registry: Registry, image: Digest) -> None:
        other = put_image(registry, "app", "2", [debian_layer("b=1")])
        lie = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [described(registry, "app", other)]})
        registry.faults += [Fault("GET .*/referrers/", "body", times=99, body=lie.encode())]
        node = discover(place(registry))
        assert node.attachments == ()
        assert "does not refer to it" in node.problems[0]

    def test_a_referrer_that_is_not_there(self, registry: Registry, image: Digest) -> None:
        entry = {"mediaType": MANIFEST, "digest": str(Digest.of(b"gone")), "size": 5}
        lie = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]})
        registry.faults += [Fault("GET .*/referrers/", "body", times=99, body=lie.encode())]
        node = discover(place(registry))
        assert node.attachments == ()
        assert "404" in node.problems[0]

    def test_a_referrer_whose_bytes_were_changed(self, registry: Registry, image: Digest) -> None:
        made = attach_document(place(registry), CYCLONEDX)
        registry.faults += [Fault(f"GET .*/manifests/{made.digest}", "corrupt", times=99)]
        node = discover(place(registry))
        assert node.attachments == ()
        assert "digest" in node.problems[0]

    def test_a_blob_whose_bytes_were_changed(self, registry: Registry, image: Digest) -> None:
        attach_document(place(registry), CYCLONEDX)
        node = discover(place(registry))
        registry.faults += [Fault("GET .*/blobs/", "corrupt", times=99)]
        with pytest.raises(CannotCheck, match="digest"):
            list(find(place(registry), node, "cyclonedx"))

    def test_a_blob_of_a_size_nobody_reads(self, registry: Registry, image: Digest) -> None:
        attach_document(place(registry), CYCLONEDX)
        raw = next(raw for _, raw in registry.store.repository("app").manifests.values() if b'"subject"' in raw)
        value = json.loads(raw)
        value["layers"][0]["size"] = 1 << 40
        registry.store.put_manifest("app", "x", MANIFEST, json.dumps(value).encode())
        with pytest.raises(CannotCheck, match="more than"):
            list(find(place(registry), discover(place(registry)), "cyclonedx"))

    def test_attestations_of_attestations_end(self, registry: Registry, image: Digest) -> None:
        subject = image
        for at in range(10):
            subject = attach_document(place(registry), CYCLONEDX, title=str(at), subject=subject).digest
        assert len(list(discover(place(registry)).walk())) == 3


@pytest.mark.parametrize(
    "raw",
    [b"", b"[]", b"{", b'{"dsseEnvelope": 3}', b'{"payload": 3, "payloadType": "application/vnd.in-toto+json"}',
     b'{"payload": "%", "payloadType": "application/vnd.in-toto+json"}', b'{"payload": "e30=", "payloadType": "x"}',
     b'{"predicateType": 3}', b"[" * 10_000, b'{"payload": "W10=", "payloadType": "application/vnd.in-toto+json"}'],
)  # fmt: skip
def test_what_is_no_statement(raw: bytes) -> None:
    try:
        found = read_statement(raw, "x")
    except CannotCheck as error:
        found, told = None, error.message
    else:
        told = "x"
    assert found is None
    assert told.startswith("x")
