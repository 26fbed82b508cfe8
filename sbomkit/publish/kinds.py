"""Media types and predicate types of what is attached to images: reading them, and choosing them for a document."""

from __future__ import annotations

from collections.abc import Mapping

from sbomkit.oci.manifest import Descriptor

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
DSSE = "application/vnd.dsse.envelope.v1+json"
SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json"
IN_TOTO = "application/vnd.in-toto+json"
CYCLONEDX_JSON = "application/vnd.cyclonedx+json"
CYCLONEDX_XML = "application/vnd.cyclonedx+xml"
SPDX_JSON = "application/spdx+json"
SPDX_TEXT = "text/spdx"
SYFT_JSON = "application/vnd.syft+json"

BUNDLES = "application/vnd.dev.sigstore.bundle"
_PREDICATE_HINTS = ("dev.sigstore.bundle.predicateType", "in-toto.io/predicate-type", "predicateType")
_ALIASES = {
    "cyclonedx": ("https://cyclonedx.org/bom", "application/vnd.cyclonedx"),
    "spdx": ("https://spdx.dev/Document", "application/spdx", "text/spdx"),
    "provenance": ("https://slsa.dev/provenance",),
    "slsaprovenance": ("https://slsa.dev/provenance",),
    "vsa": ("https://slsa.dev/verification_summary",),
    "openvex": ("https://openvex.dev/ns",),
    "vulns": ("https://in-toto.io/attestation/vulns", "https://cosign.sigstore.dev/attestation/vuln"),
}


def contents_of(layer: Descriptor, manifest_annotations: Mapping[str, str]) -> str:
    """The predicate type that the layer, or its manifest, says it holds; else its media type. Only a hint."""
    for notes in (layer.annotations, manifest_annotations):
        for key in _PREDICATE_HINTS:
            if notes.get(key):
                return notes[key]
    return layer.media_type


def holds_signature(layer: Descriptor) -> bool:
    return layer.media_type.startswith(BUNDLES) or layer.media_type in (DSSE, SIMPLE_SIGNING)


def is_envelope(media_type: str) -> bool:
    """Whether a statement has to be taken out of it."""
    return media_type.startswith(BUNDLES) or media_type in (DSSE, IN_TOTO)


def matches(wanted: str, stated: str) -> bool:
    """Whether a predicate type or media type is of the kind that was asked for: an alias, or a URI of any version."""
    for prefix in _ALIASES.get(wanted.lower(), (wanted,)):
        rest = stated[len(prefix) :]
        if stated.startswith(prefix) and (not rest or rest[0] in "/+.;-"):
            return True
    return False


def wants_document(wanted: str) -> bool:
    """Whether the predicate itself, not the statement around it, is what people mean."""
    return any(matches(alias, wanted) or wanted.lower() == alias for alias in ("cyclonedx", "spdx"))


def media_type_of(raw: bytes) -> str:
    """The media type of an SBOM document by its first bytes; empty for what is none that is known."""
    head = raw[:65536].lstrip(b"\xef\xbb\xbf \t\r\n")
    if head.startswith(b"{"):
        if b'"bomFormat"' in raw and b'"CycloneDX"' in raw:
            return CYCLONEDX_JSON
        if b'"spdxVersion"' in raw or b"spdx.org/rdf/3" in raw:
            return SPDX_JSON
        if b"anchore/syft" in raw:
            return SYFT_JSON
    if head.startswith(b"<") and b"cyclonedx.org/schema/bom" in head:
        return CYCLONEDX_XML
    if head.startswith((b"SPDXVersion:", b"#")) and b"SPDXVersion:" in head:
        return SPDX_TEXT
    return ""
