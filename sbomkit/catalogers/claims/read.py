"""SBOM documents found inside an image, read leniently: packages that somebody claims to be there.

Formats: SPDX 2.x and 3.0 JSON (https://spdx.github.io/spdx-spec/), CycloneDX JSON (https://cyclonedx.org/docs/).
What is double, nameless or odd is passed over; a document that is broken in one place still says the rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from packageurl import PackageURL

from sbomkit.catalogers.base import Package, ParseError
from sbomkit.catalogers.reading.values import entries, mapping, text
from sbomkit.model import purl
from sbomkit.model.digest import Digest
from sbomkit.model.package import Kind, License, Technique

MAX_DEPTH = 64
_KINDS: dict[str, Kind] = {
    "application": "application",
    "framework": "framework",
    "operating-system": "operating-system",
    "machine-learning-model": "machine-learning-model",
    "firmware": "firmware",
}
_SPDX_KINDS: dict[str, Kind] = {"APPLICATION": "application", "FRAMEWORK": "framework", "FIRMWARE": "firmware"}
_NOTHING = ("", "NOASSERTION", "NONE")
_ALGORITHMS = {"SHA1": "sha1", "SHA256": "sha256", "SHA512": "sha512", "MD5": "md5", "SHA384": "sha384"}
_NOT_PACKAGES = frozenset(("oci", "docker"))


@dataclass(frozen=True, slots=True)
class _Said:
    """One component, whatever the format."""

    name: str
    version: str
    url: str = ""
    kind: Kind = "library"
    licenses: tuple[str, ...] = ()
    supplier: str = ""
    homepage: str = ""
    description: str = ""
    hashes: tuple[Digest, ...] = ()
    cpes: tuple[str, ...] = ()


def claimed(value: object, cataloger: str, *, level: str, technique: Technique, confidence: float) -> Iterator[Package]:
    """The document's packages, each purl once. Raises ParseError for what is no SBOM."""
    document = mapping(value)
    if document.get("bomFormat") == "CycloneDX" or "components" in document:
        said = _cyclonedx(document)
    elif "spdxVersion" in document or "SPDXID" in document:
        said = _spdx2(document)
    elif "@graph" in document:
        said = _spdx3(document)
    else:
        raise ParseError("an SBOM in no format that is known")
    seen = set()
    for part in said:
        package = _package(part, cataloger, level, technique, confidence)
        if package and package.purl not in seen:
            seen.add(package.purl)
            yield package


def _package(said: _Said, cataloger: str, level: str, technique: Technique, confidence: float) -> Package | None:
    if not said.name:
        return None
    known = parsed_purl(said.url)
    if known is None:
        if not said.version:
            return None
        known = PackageURL("generic", None, said.name, said.version)
    if known.type in _NOT_PACKAGES or (known.type == "generic" and re.match(r"sha256[:-][0-9a-f]{64}\Z", said.name)):
        return None  # the image itself, or a layer of it
    return Package(
        known.to_string(),
        known.type,
        known.name,
        known.version or said.version,
        namespace=known.namespace or "",
        kind=said.kind,
        cataloger=cataloger,
        licenses=tuple(License(value) for value in said.licenses),
        supplier=said.supplier,
        homepage=said.homepage,
        description=said.description,
        hashes=said.hashes,
        cpes=said.cpes,
        technique=technique,
        confidence=confidence,
        extra=(("claim:level", level),),
    )


def parsed_purl(url: str) -> PackageURL | None:
    try:
        return PackageURL.from_string(url) if url else None
    except ValueError:
        return None


def _cyclonedx(document: dict[str, object]) -> Iterator[_Said]:
    """All components, those within others too; the one the document is about is not among them."""
    pending = [(item, 0) for item in reversed(entries(document.get("components")))]
    while pending:
        value, depth = pending.pop()
        item = mapping(value)
        if depth < MAX_DEPTH:
            pending += [(child, depth + 1) for child in reversed(entries(item.get("components")))]
        group, name = text(item.get("group")), text(item.get("name"))
        if item.get("type") in ("file", "container", "cryptographic-asset"):
            continue
        references = {
            text(mapping(r).get("type")): text(mapping(r).get("url")) for r in entries(item.get("externalReferences"))
        }
        url = text(item.get("purl"))
        if not url and group:
            url = purl.make("generic", name, text(item.get("version")), namespace=group) if name else ""
        yield _Said(
            name,
            text(item.get("version")),
            url,
            _KINDS.get(text(item.get("type")), "library"),
            tuple(_cyclonedx_licenses(item)),
            text(mapping(item.get("supplier")).get("name")) or text(item.get("publisher")) or text(item.get("author")),
            references.get("website", ""),
            text(item.get("description")),
            tuple(_digests((mapping(h).get("alg"), mapping(h).get("content")) for h in entries(item.get("hashes")))),
            (text(item["cpe"]),) if text(item.get("cpe")) else (),
        )


def _cyclonedx_licenses(item: dict[str, object]) -> Iterator[str]:
    for choice in map(mapping, entries(item.get("licenses"))):
        license = mapping(choice.get("license"))
        value = text(choice.get("expression")) or text(license.get("id")) or text(license.get("name"))
        if value not in _NOTHING:
            yield value


def _digests(pairs: Iterator[tuple[object, object]]) -> Iterator[Digest]:
    for algorithm, value in pairs:
        name = _ALGORITHMS.get(text(algorithm).upper().replace("-", ""))
        try:
            if name:
                yield Digest(name, text(value).lower())
        except ValueError:
            continue


def _spdx2(document: dict[str, object]) -> Iterator[_Said]:
    described = {text(item) for item in entries(document.get("documentDescribes"))}
    for item in map(mapping, entries(document.get("packages"))):
        references: dict[str, list[str]] = {}
        for reference in map(mapping, entries(item.get("externalRefs"))):
            references.setdefault(text(reference.get("referenceType")), []).append(
                text(reference.get("referenceLocator"))
            )
        kind = text(item.get("primaryPackagePurpose"))
        whole = text(item.get("SPDXID")) in described and not references.get("purl")
        if kind in ("CONTAINER", "FILE", "SOURCE", "ARCHIVE") or whole:
            continue
        stated = [text(item.get(key)) for key in ("licenseDeclared", "licenseConcluded")]
        homepage = text(item.get("homepage"))
        yield _Said(
            text(item.get("name")),
            text(item.get("versionInfo")),
            next(iter(references.get("purl", ())), ""),
            _SPDX_KINDS.get(kind, "library"),
            tuple(value for value in stated[:1] if value not in _NOTHING)
            or tuple(v for v in stated[1:] if v not in _NOTHING),
            re.sub(
                r"^(?:Organization|Person|Tool):\s*|NOASSERTION",
                "",
                text(item.get("supplier")) or text(item.get("originator")),
            ),
            homepage if homepage not in _NOTHING else "",
            text(item.get("description")) or text(item.get("summary")),
            tuple(
                _digests(
                    (mapping(c).get("algorithm"), mapping(c).get("checksumValue"))
                    for c in entries(item.get("checksums"))
                )
            ),
            tuple(references.get("cpe23Type", ())),
        )


def _spdx3(document: dict[str, object]) -> Iterator[_Said]:
    for item in map(mapping, entries(document.get("@graph"))):
        if text(item.get("type")).rpartition("/")[2] != "software_Package":
            continue
        kind = text(item.get("software_primaryPurpose"))
        if kind in ("container", "file", "source", "archive"):
            continue
        yield _Said(
            text(item.get("name")),
            text(item.get("software_packageVersion")),
            text(item.get("software_packageUrl")) or _spdx3_purl(item),
            _KINDS.get(kind, "library"),
            homepage=text(item.get("software_homePage")),
            description=text(item.get("description")) or text(item.get("summary")),
        )


def _spdx3_purl(item: dict[str, object]) -> str:
    for identifier in map(mapping, entries(item.get("externalIdentifier"))):
        if text(identifier.get("externalIdentifierType")) == "packageUrl":
            return text(identifier.get("identifier"))
    return ""
