"""The document about a multi-platform image: its parts are the images of each platform, each with its own document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from sbomkit.model.digest import Digest
from sbomkit.model.inventory import Coverage, CoverageStatus, EcosystemCoverage, Inventory, Subject
from sbomkit.model.package import Package
from sbomkit.sbom.identity import oci_purl

_WORST: tuple[CoverageStatus, ...] = ("none", "partial", "full")


@dataclass(frozen=True, slots=True)
class Part:
    """The document of one platform's image."""

    inventory: Inventory
    raw: bytes
    file: str
    """Its file's name, without folders; empty where it went elsewhere."""


def index_inventory(name: str, digest: Digest, media_type: str, parts: Sequence[Part]) -> Inventory:
    """What an index holds: one container per platform, bound to its manifest's digest and to its document's."""
    created = max((part.inventory.subject.created for part in parts), default="")
    subject = Subject(name, digest=digest, media_type=media_type, created=created)
    packages = {package.purl: package for package in map(_package, parts)}
    return Inventory(
        subject,
        tuple(packages[purl] for purl in sorted(packages)),
        coverage=_coverage(parts),
    )


def document_id(raw: bytes) -> str:
    """How another document names this one: CycloneDX's BOM-Link, or SPDX's namespace; empty for other formats.

    https://cyclonedx.org/capabilities/bomlink/
    """
    try:
        value = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return ""
    if not isinstance(value, dict):
        return ""
    serial = value.get("serialNumber")
    if isinstance(serial, str):
        return f"urn:cdx:{serial.removeprefix('urn:uuid:')}/{value.get('version', 1)}"
    namespace = value.get("documentNamespace")
    return namespace if isinstance(namespace, str) else ""


def _package(part: Part) -> Package:
    subject = part.inventory.subject
    extra = {
        "document:file": part.file,
        "document:id": document_id(part.raw),
        "document:sha256": Digest.of(part.raw).hex,
        "oci:platform": subject.platform,
        "oci:packages": str(len(part.inventory.packages)),
    }
    return Package(
        oci_purl(subject),
        "oci",
        subject.name,
        str(subject.digest or ""),
        kind="container",
        hashes=(subject.digest,) if subject.digest else (),
        extra=tuple(sorted((key, value) for key, value in extra.items() if value)),
    )


def _coverage(parts: Sequence[Part]) -> Coverage:
    """As bad as the worst of them, with each one's reasons under its platform."""
    statuses = {part.inventory.coverage.status for part in parts}
    status = next((status for status in _WORST if status in statuses), _WORST[0])
    reasons = [
        f"{part.inventory.subject.platform}: {reason}" for part in parts for reason in part.inventory.coverage.reasons
    ]
    ecosystems = tuple(
        EcosystemCoverage(part.inventory.subject.platform, len(part.inventory.packages), part.inventory.coverage.status)
        for part in parts
    )
    return Coverage(status, tuple(reasons), ecosystems)
