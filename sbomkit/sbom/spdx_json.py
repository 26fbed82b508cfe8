"""Format `spdx-json`: SPDX 2.2 and 2.3. https://spdx.github.io/spdx-spec/v2.3/

The root package is the image; the document DESCRIBES it, it CONTAINS every package, packages DEPENDS_ON each other. An
owner CONTAINS what it owns, with the comment `sbomkit:owned-by`. What SPDX 2 has no field for stands in one annotation
per element, of type OTHER by this tool, whose comment is `sbomkit:` and a JSON object under the model's own names; for
packages: purl (where it is no external reference), type, namespace, kind, cataloger, introduced_by, locations (path,
layer), source_name, source_version, supplier, homepage, cpes, technique, confidence, licenses, extra.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from typing import Any

import orjson

from sbomkit.errors import CorruptInput
from sbomkit.model.digest import Digest
from sbomkit.model.inventory import Inventory
from sbomkit.model.package import Package
from sbomkit.sbom import coverage, identity, licenses, spdx_read, text
from sbomkit.sbom.arrays import dump, plain, text_of
from sbomkit.sbom.format import Format, Meta
from sbomkit.sbom.graph import Graph, resolve
from sbomkit.sbom.reading import load_json
from sbomkit.sbom.spdx_terms import (
    ALGORITHMS,
    CONTAINED,
    FIELD,
    FIELDS,
    FIELDS_OF_23,
    NOASSERTION,
    NOTE,
    OWNED,
    PURPOSE,
    LicenseRefs,
    agent,
    cpe_type,
    is_locator,
    package_id,
)

Json = dict[str, Any]

VERSIONS = ("2.2", "2.3")
DOCUMENT = "SPDXRef-DOCUMENT"
ROOT = "SPDXRef-Root"
SYSTEM = "SPDXRef-OperatingSystem"
NAMESPACE = "https://spdx.org/spdxdocs/sbomkit/"


def encode(inventory: Inventory, meta: Meta, version: str) -> bytes:
    """The document, in UTF-8, compact, with a line end."""
    writer = Writer(inventory, meta, version)
    try:
        return dump(writer.document())
    except TypeError:  # orjson refuses lone surrogates, which hostile names bring; rare, so it is not looked for first
        return dump(text.plain_without_surrogates(plain(writer.document())))


class Writer:
    """Writes one inventory for one version of SPDX 2."""

    def __init__(self, inventory: Inventory, meta: Meta, version: str) -> None:
        self.inventory = inventory
        self.meta = meta
        self.version = version
        self.licenses = LicenseRefs()
        self.graph: Graph = resolve(inventory)
        self.ids = {package.purl: package_id(package) for package in inventory.packages}
        self.annotator = f"Tool: {meta.tool}-{meta.tool_version}"

    def document(self) -> Json:
        """The document as plain values; its long lists are iterators."""
        inventory, meta = self.inventory, self.meta
        packages = chain([self.root(), *self.system()], map(self.package, inventory.packages))
        name = inventory.subject.name
        serial = identity.content_uuid("spdx", self.version, inventory, meta)
        document: Json = {
            "spdxVersion": f"SPDX-{self.version}",
            "dataLicense": "CC0-1.0",
            "SPDXID": DOCUMENT,
            "name": name or "image",
            "documentNamespace": f"{NAMESPACE}{identity.slug(name) or 'image'}-{serial}",
            "creationInfo": {
                "created": meta.timestamp,
                "creators": [self.annotator],
                "licenseListVersion": licenses.list_version(),
            },
            "comment": "\n".join([f"SBOM type: {meta.lifecycle}.", *coverage.lines(inventory)]),
            "packages": packages,
            "relationships": self.relationships(),
        }
        note = self._document_note()
        document["annotations"] = [self.annotation(note)]
        document["hasExtractedLicensingInfos"] = self.licenses.extracted()  # last: the packages must be written first
        return document

    def annotation(self, note: Json) -> Json:
        return {
            "annotationDate": self.meta.timestamp,
            "annotationType": "OTHER",
            "annotator": self.annotator,
            "comment": NOTE + text_of(note),
        }

    def _document_note(self) -> Json:
        seen = self.inventory.coverage
        return {
            "coverage": {"status": seen.status, "reasons": seen.reasons, "ecosystems": seen.ecosystems},
            "issues": self.inventory.issues,
            "dangling": self.graph.dangling,
        }

    def _element(self, id: str, name: str, version: str, purpose: str) -> Json:
        """The fields that every package has, known or not."""
        element: Json = {"name": name or "unknown", "SPDXID": id}
        if version:
            element["versionInfo"] = version
        element["downloadLocation"] = NOASSERTION
        element["filesAnalyzed"] = False
        element["licenseConcluded"] = NOASSERTION
        element["licenseDeclared"] = NOASSERTION
        element["copyrightText"] = NOASSERTION
        if self.version != "2.2":
            element["primaryPackagePurpose"] = purpose
        return element

    def root(self) -> Json:
        """The image, or the root filesystem, that the document is about."""
        subject = self.inventory.subject
        purpose = "CONTAINER" if subject.kind == "container" else "FILE"
        root = self._element(ROOT, subject.name, identity.subject_version(subject), purpose)
        root["supplier"] = NOASSERTION
        if subject.digest is not None:
            root["checksums"] = checksums((subject.digest,))
            purl = identity.oci_purl(subject)
            if purl:
                root["externalRefs"] = [_purl_reference(purl)]
        note: Json = {
            "kind": subject.kind,
            "version": subject.version,
            "media_type": subject.media_type,
            "image_id": str(subject.image_id or ""),
            "platform": subject.platform,
            "created": subject.created,
            "layers": subject.layers,
            "config": subject.config,
        }
        root["annotations"] = [self.annotation({key: value for key, value in note.items() if value})]
        return root

    def system(self) -> list[Json]:
        """The operating system, where it is known."""
        distro = self.inventory.distro
        if not (distro.id or distro.name):
            return []
        system = self._element(SYSTEM, distro.id or distro.name, distro.version_id, "OPERATING_SYSTEM")
        system["supplier"] = NOASSERTION
        if distro.pretty_name:
            system["description"] = distro.pretty_name
        if distro.path:
            system["sourceInfo"] = f"identified by {distro.path}"
        system["annotations"] = [self.annotation({"distro": distro})]
        return [system]

    def package(self, package: Package) -> Json:
        """One package of the inventory."""
        element = self._element(self.ids[package.purl], package.name, package.version, PURPOSE[package.kind])
        element["supplier"] = agent(package.supplier) if package.supplier else NOASSERTION
        if package.homepage and text.is_url(package.homepage):
            element["homepage"] = package.homepage
        if package.description:
            element["description"] = package.description
        if package.licenses:
            declared = [license for license in package.licenses if not license.concluded]
            concluded = [license for license in package.licenses if license.concluded]
            element["licenseDeclared"] = self.licenses.expression(declared)
            element["licenseConcluded"] = self.licenses.expression(concluded)
        if package.hashes:
            element["checksums"] = checksums(package.hashes)
        located = is_locator(package.purl)
        references = [_purl_reference(package.purl)] if located else []
        for cpe in package.cpes:
            kind = cpe_type(cpe)
            if kind:
                references.append({"referenceCategory": "SECURITY", "referenceType": kind, "referenceLocator": cpe})
        if references:
            element["externalRefs"] = references
        if package.locations:
            element["sourceInfo"] = _places(package)
        note = _note(package, located)
        if package.licenses and not self.licenses.keeps(package.licenses):
            note["licenses"] = package.licenses
        element["annotations"] = [self.annotation(note)]
        if package.extra:
            self._put_back(element, package)
        return element

    def _put_back(self, element: Json, package: Package) -> None:
        """What a document that was read said in fields that the model has no place for."""
        for key, value in package.extra:
            name = key.removeprefix(FIELD)
            if key.startswith(FIELD) and name in FIELDS and (self.version != "2.2" or name not in FIELDS_OF_23):
                with suppress(orjson.JSONDecodeError):  # only our own reader writes these; a forgery is dropped
                    element[name] = orjson.loads(value)

    def relationships(self) -> Iterator[Json]:
        """Everything with both ends in the document, each said once."""
        ids, graph = self.ids, self.graph
        yield _relationship(DOCUMENT, "DESCRIBES", ROOT)
        if self.inventory.distro.id or self.inventory.distro.name:
            yield _relationship(ROOT, "CONTAINS", SYSTEM)
        for id in ids.values():
            yield _relationship(ROOT, "CONTAINS", id)
        for source, targets in graph.depends_on.items():
            start = ids[source]
            for target in targets:
                yield _relationship(start, "DEPENDS_ON", ids[target])
        said: set[tuple[str, str]] = set()
        for kind, edges in ((CONTAINED, graph.contains), (OWNED, graph.owned_by)):
            for source, targets in edges.items():
                for target in targets:
                    owner, owned = (source, target) if kind == CONTAINED else (target, source)
                    if (owner, owned) not in said:
                        said.add((owner, owned))
                        yield _relationship(ids[owner], "CONTAINS", ids[owned]) | {"comment": kind}


def checksums(digests: tuple[Digest, ...]) -> list[Json]:
    return [{"algorithm": ALGORITHMS[digest.algorithm], "checksumValue": digest.hex} for digest in digests]


def _purl_reference(purl: str) -> Json:
    return {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}


def _relationship(source: str, kind: str, target: str) -> Json:
    return {"spdxElementId": source, "relationshipType": kind, "relatedSpdxElement": target}


def _places(package: Package) -> str:
    """Where it was found, for people; the annotation says it for machines."""
    locations = package.locations
    places = "; ".join([f"{x.path} (layer {x.layer})" if x.layer else x.path for x in locations[:8]])
    more = f"; and {len(locations) - 8} more places" if len(locations) > 8 else ""
    return f"found by {package.technique} in {places}{more}"


def _note(package: Package, located: bool) -> Json:
    """What SPDX 2 has no field for, or would not give back as it was. `located`: a reference holds the purl."""
    note: Json = {"type": package.type} if located else {"type": package.type, "purl": package.purl}
    if package.namespace:
        note["namespace"] = package.namespace
    if package.cataloger:
        note["cataloger"] = package.cataloger
    if package.introduced_by:
        note["introduced_by"] = package.introduced_by
    if package.source_name:
        note["source_name"] = package.source_name
    if package.source_version:
        note["source_version"] = package.source_version
    if package.supplier:
        note["supplier"] = package.supplier
    if package.locations:
        note["locations"] = package.locations
    if package.extra:
        note["extra"] = package.extra
    if package.kind != "library":
        note["kind"] = package.kind
    if package.homepage and not text.is_url(package.homepage):
        note["homepage"] = package.homepage
    if package.technique != "manifest-analysis":
        note["technique"] = package.technique
    if package.confidence != 1.0:
        note["confidence"] = package.confidence
    if package.cpes:
        cpes = [cpe for cpe in package.cpes if not cpe_type(cpe)]
        if cpes:
            note["cpes"] = cpes
    return note


def decode(raw: bytes) -> Inventory:
    """The inventory of a document of any maker. Raises CorruptInput where it is not SPDX 2 at all."""
    document = load_json(raw, "SPDX")
    if not str(document.get("spdxVersion", "")).startswith("SPDX-2"):
        raise CorruptInput("the document is not SPDX 2: spdxVersion is missing", hint="See the file's first lines.")
    return spdx_read.read(document)


def decode_value(document: dict[str, Any], known: object = None) -> Inventory:
    """As `decode`, of parsed JSON that was recognised. `known` is not used."""
    return spdx_read.read(document)


FORMAT = Format(
    "spdx-json", "application/spdx+json", encode, VERSIONS, "2.3", read=decode, read_value=decode_value,
    summary="SPDX 2 in JSON",
)  # fmt: skip
