"""Attaching a file to an image: a manifest with the image for its subject (OCI 1.1, artifact guidance).

https://github.com/opencontainers/image-spec/blob/main/manifest.md#guidelines-for-artifact-usage
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from sbomkit.errors import UsageError
from sbomkit.model.digest import Digest
from sbomkit.oci import manifest as oci
from sbomkit.oci.manifest import Descriptor
from sbomkit.publish.kinds import BUNDLE, media_type_of
from sbomkit.publish.place import Place

_EMPTY, _EMPTY_TYPE = b"{}", "application/vnd.oci.empty.v1+json"
_CREATED = "org.opencontainers.image.created"
_TITLE = "org.opencontainers.image.title"


def attach_document(
    place: Place, raw: bytes, *, media_type: str = "", title: str = "", created: str = "", subject: Digest | None = None
) -> Descriptor:
    """Attach a plain, unsigned document; `subject`: a platform's manifest rather than what the place means.

    `created` is RFC 3339, given by the caller: the same call makes the same manifest. Raises UsageError.
    """
    kind = media_type or media_type_of(raw)
    if not kind:
        raise UsageError("the file is no SBOM of a known format", hint="Say what it is with --media-type.")
    annotations = {key: value for key, value in ((_CREATED, created), (_TITLE, title)) if value}
    return attach(place, raw, kind, kind, annotations, subject)


def attach_bundle(
    place: Place, raw: bytes, *, predicate_type: str, created: str = "", subject: Digest | None = None
) -> Descriptor:
    """Attach a Sigstore bundle, as cosign v3 and its kin do."""
    annotations = {
        "dev.sigstore.bundle.content": "dsse-envelope",
        "dev.sigstore.bundle.predicateType": predicate_type,
    }
    if created:
        annotations[_CREATED] = created
    return attach(place, raw, BUNDLE, BUNDLE, annotations, subject)


def attach(
    place: Place,
    raw: bytes,
    media_type: str,
    artifact_type: str,
    annotations: Mapping[str, str],
    subject: Digest | None = None,
) -> Descriptor:
    """Store the blob, then the manifest that ties it to its subject; the manifest's descriptor."""
    target = (place.manifest(subject) if subject else place.root()).descriptor
    stated = _media_type(place, target)
    empty = place.push_blob(_EMPTY, _EMPTY_TYPE)
    blob = place.push_blob(raw, media_type)
    manifest: dict[str, object] = {
        "schemaVersion": 2,
        "mediaType": oci.MANIFEST,
        "artifactType": artifact_type,
        "config": _entry(empty),
        "layers": [_entry(blob)],
        "subject": {"mediaType": stated, "digest": str(target.digest), "size": target.size},
    }
    if annotations:
        manifest["annotations"] = dict(sorted(annotations.items()))
    return place.push_referrer(orjson.dumps(manifest), oci.MANIFEST, target.digest)


def _media_type(place: Place, target: Descriptor) -> str:
    """As the manifest itself says; a header may have been rewritten on its way."""
    return oci.parse(place.manifest(target.digest).raw, f"{place.name}: {target.digest}").media_type


def _entry(descriptor: Descriptor) -> dict[str, object]:
    return {"mediaType": descriptor.media_type, "digest": str(descriptor.digest), "size": descriptor.size}
