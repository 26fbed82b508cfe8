"""Attaching, finding and taking out again: the same tests in every kind of place."""

from __future__ import annotations

import base64
import json

import pytest

from sbomkit.errors import UsageError
from sbomkit.oci.platform import Platform
from sbomkit.publish.attach import attach, attach_bundle, attach_document
from sbomkit.publish.discover import discover
from sbomkit.publish.download import find
from sbomkit.publish.kinds import BUNDLE, CYCLONEDX_JSON, DSSE, IN_TOTO, SPDX_JSON
from sbomkit.publish.platforms import digest_for, node_for
from tests.publish.conftest import Opener

CYCLONEDX = b'{"bomFormat": "CycloneDX", "specVersion": "1.6"}'
SPDX = b'{"spdxVersion": "SPDX-2.3"}'


def statement(predicate_type: str, predicate: object) -> bytes:
    return json.dumps({"_type": "x", "subject": [], "predicateType": predicate_type, "predicate": predicate}).encode()


def envelope(raw: bytes) -> dict[str, object]:
    return {"payloadType": IN_TOTO, "payload": base64.b64encode(raw).decode(), "signatures": []}


def bundle(predicate_type: str, predicate: object) -> bytes:
    return json.dumps({"mediaType": BUNDLE, "dsseEnvelope": envelope(statement(predicate_type, predicate))}).encode()


def test_a_document_is_attached_found_and_taken_out(opener: Opener) -> None:
    made = attach_document(opener(), CYCLONEDX, title="app.cdx.json", created="2026-01-01T00:00:00Z")
    node = discover(opener())
    (found,) = node.attachments
    assert (found.manifest.digest, found.way, found.carries_signature) == (made.digest, "referrer", False)
    assert (found.artifact_type, found.size, found.created) == (CYCLONEDX_JSON, len(CYCLONEDX), "2026-01-01T00:00:00Z")
    assert [f.content for f in find(opener(), node, "cyclonedx")] == [CYCLONEDX]
    assert list(find(opener(), node, "spdx")) == []


def test_the_same_again_is_the_same(opener: Opener) -> None:
    assert attach_document(opener(), SPDX) == attach_document(opener(), SPDX)
    assert len(discover(opener()).attachments) == 1


def test_to_one_platform_of_an_index(opener: Opener) -> None:
    arm = Platform.parse("linux/arm64")
    attach_document(opener(), SPDX, subject=digest_for(opener(), arm))
    node = discover(opener())
    assert node.attachments == ()
    assert [len(below.attachments) for below in node.platforms] == [0, 1]
    assert [f.content for f in find(opener(), node_for(node, arm, "x"), "spdx")] == [SPDX]
    assert list(find(opener(), node_for(node, Platform.parse("linux/amd64"), "x"), "spdx")) == []
    with pytest.raises(UsageError, match="linux/amd64, linux/arm64"):
        digest_for(opener(), Platform.parse("linux/s390x"))


def test_the_image_stays_what_it_was(opener: Opener) -> None:
    before = opener().root()
    attach_document(opener(), SPDX)
    assert opener().root() == before


def test_a_bundle_is_taken_apart(opener: Opener) -> None:
    kind = "https://cyclonedx.org/bom/v1.6"
    attach_bundle(opener(), bundle(kind, {"bomFormat": "CycloneDX"}), predicate_type=kind)
    node = discover(opener())
    assert node.attachments[0].carries_signature
    assert node.attachments[0].payloads[0].contents == kind
    (found,) = find(opener(), node, "cyclonedx")
    assert (found.content, found.stated_type) == (b'{"bomFormat":"CycloneDX"}', kind)
    (whole,) = find(opener(), node, kind)
    assert json.loads(whole.content)["bomFormat"] == "CycloneDX"


def test_the_type_inside_counts_and_not_the_label(opener: Opener) -> None:
    raw = bundle("https://evil.example/other", {"x": 1})
    attach_bundle(opener(), raw, predicate_type="https://cyclonedx.org/bom")
    assert list(find(opener(), discover(opener()), "cyclonedx")) == []


def test_a_statement_of_another_kind_is_written_whole(opener: Opener) -> None:
    kind = "https://slsa.dev/provenance/v1"
    attach_bundle(opener(), bundle(kind, {"buildDefinition": {}}), predicate_type=kind)
    (found,) = find(opener(), discover(opener()), "provenance")
    assert json.loads(found.content)["predicateType"] == kind


def test_a_signature_on_an_attestation_is_found(opener: Opener) -> None:
    """As Docker Hardened Images do: the attestation refers to the image, the signature to the attestation."""
    raw = statement("https://spdx.dev/Document", {"spdxVersion": "SPDX-2.3"})
    label = {"in-toto.io/predicate-type": "https://spdx.dev/Document"}
    attestation = attach(opener(), raw, IN_TOTO, IN_TOTO, label)
    kind = "application/vnd.dev.cosign.artifact.sig.v1+json"
    attach(opener(), b"{}", "application/vnd.dev.cosign.simplesigning.v1+json", kind, {}, attestation.digest)
    (found,) = discover(opener()).attachments
    assert found.carries_signature
    assert [below.artifact_type for below in found.attached] == [kind]
    assert [json.loads(f.content) for f in find(opener(), discover(opener()), "spdx")] == [{"spdxVersion": "SPDX-2.3"}]


def test_newest_first(opener: Opener) -> None:
    for year in (2024, 2026, 2025):
        raw = json.dumps({"bomFormat": "CycloneDX", "year": year}).encode()
        attach_document(opener(), raw, created=f"{year}-01-01T00:00:00Z")
    found = [json.loads(f.content)["year"] for f in find(opener(), discover(opener()), "cyclonedx")]
    assert found == [2026, 2025, 2024]


def test_what_is_no_document_needs_a_media_type(opener: Opener) -> None:
    with pytest.raises(UsageError, match="known format"):
        attach_document(opener(), b"hello")
    attach_document(opener(), b"hello", media_type="text/plain")
    (found,) = find(opener(), discover(opener()), "text/plain")
    assert found.content == b"hello"


@pytest.mark.parametrize("data", [{"Data": '{"x": 1}', "Timestamp": "t"}, '{"x": 1}'])
def test_predicates_of_old_cosign_and_spdx_text(opener: Opener, data: object) -> None:
    raw = json.dumps(envelope(statement("https://spdx.dev/Document", data))).encode()
    attach(opener(), raw, DSSE, DSSE, {})
    (found,) = find(opener(), discover(opener()), "spdx")
    assert found.content == b'{"x": 1}'


def test_media_types_are_recognised() -> None:
    from sbomkit.publish.kinds import media_type_of

    assert media_type_of(SPDX) == SPDX_JSON
    assert media_type_of(b'<?xml version="1.0"?>\n<bom xmlns="http://cyclonedx.org/schema/bom/1.6">').endswith("+xml")
    assert media_type_of(b"SPDXVersion: SPDX-2.3\n") == "text/spdx"
    assert media_type_of(b"{}") == media_type_of(b"") == media_type_of(b"hello") == ""
