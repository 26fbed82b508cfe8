"""Format `spdx3-json`: SPDX 3.0.1 in JSON-LD. https://spdx.github.io/spdx-spec/v3.0.1/

What is said is what our SPDX 2.3 says, element by element, in the words of the new graph; so both are made of the same
values, and both are read by the same reader. One CreationInfo is shared by all elements.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from sbomkit.errors import CorruptInput
from sbomkit.model.inventory import Inventory
from sbomkit.sbom import spdx_read, text
from sbomkit.sbom.arrays import dump, plain
from sbomkit.sbom.format import Format, Meta
from sbomkit.sbom.reading import Reader, load_json
from sbomkit.sbom.spdx_json import DOCUMENT, ROOT, Writer

Json = dict[str, Any]

VERSIONS = ("3.0.1",)
CONTEXT = "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
_CREATION = "_:creationinfo"
_KINDS = {
    "DEPENDS_ON": "dependsOn",
    "CONTAINS": "contains",
    "OTHER": "other",
    "DYNAMIC_LINK": "hasDynamicLink",
    "STATIC_LINK": "hasStaticLink",
    "HAS_PREREQUISITE": "hasPrerequisite",
}
_PURPOSES = {
    "LIBRARY": "library",
    "APPLICATION": "application",
    "FRAMEWORK": "framework",
    "OPERATING_SYSTEM": "operatingSystem",
    "CONTAINER": "container",
    "FIRMWARE": "firmware",
    "FILE": "file",
    "ARCHIVE": "archive",
    "INSTALL": "install",
    "SOURCE": "source",
    "DEVICE": "device",
    "OTHER": "other",
}
_SBOM_TYPES = {"design": "design", "pre-build": "source", "build": "build", "operations": "deployed"}
_REFERENCES = {"purl": "packageUrl", "cpe23Type": "cpe23", "cpe22Type": "cpe22"}
_LICENSE_REF = re.compile(r"LicenseRef-[A-Za-z0-9.-]+")
_LICENSES = {"hasDeclaredLicense": "licenseDeclared", "hasConcludedLicense": "licenseConcluded"}


def encode(inventory: Inventory, meta: Meta, version: str) -> bytes:
    """The document, in UTF-8, compact, with a line end."""
    document = plain(Writer(inventory, meta, "2.3").document())
    document["documentNamespace"] += f"-{version}"
    graph = {"@context": CONTEXT, "@graph": _Graph(document, inventory, meta, version).elements()}
    try:
        return dump(graph)
    except TypeError:  # lone surrogates, of names that are not UTF-8
        document = text.plain_without_surrogates(document)
        graph = {"@context": CONTEXT, "@graph": _Graph(document, inventory, meta, version).elements()}
        return dump(text.plain_without_surrogates(plain(graph)))


class _Graph:
    """Turns an SPDX 2.3 document into the elements of a graph."""

    def __init__(self, document: Json, inventory: Inventory, meta: Meta, version: str) -> None:
        self.document = document
        self.meta = meta
        self.version = version
        self.full = inventory.coverage.status == "full"
        self.base = document["documentNamespace"]
        self.texts = {info["licenseId"]: info for info in document["hasExtractedLicensingInfos"]}
        self.expressions: dict[str, str] = {}
        self.agents: dict[str, str] = {}
        self.licensed: dict[tuple[str, str], list[str]] = {}
        self.elements_seen: list[str] = []

    def iri(self, id: str) -> str:
        return f"{self.base}#{id}"

    def element(self, type: str, id: str, **fields: Any) -> Json:
        iri = self.iri(id)
        self.elements_seen.append(iri)
        return {"type": type, "spdxId": iri, "creationInfo": _CREATION, **fields}

    def elements(self) -> Iterator[Json]:
        """Everything; the document last, for it lists the others."""
        document = self.document
        yield {
            "type": "CreationInfo",
            "@id": _CREATION,
            "specVersion": self.version,
            "created": document["creationInfo"]["created"],
            "createdBy": [self.iri("Agent-tool")],
            "createdUsing": [self.iri("Tool")],
        }
        name = f"{self.meta.tool}-{self.meta.tool_version}"
        yield self.element("SoftwareAgent", "Agent-tool", name=self.meta.tool)
        yield self.element("Tool", "Tool", name=name)
        for package in document["packages"]:
            yield from self._package(package)
        yield from self._annotations(document, DOCUMENT)
        yield from self._licenses()
        yield from self._relationships()
        sbom_type = _SBOM_TYPES.get(self.meta.lifecycle, "analyzed")
        held = list(self.elements_seen)
        yield self.element(
            "software_Sbom",
            "Sbom",
            rootElement=[self.iri(ROOT)],
            element=held,
            software_sbomType=[sbom_type],
        )
        yield {
            "type": "SpdxDocument",
            "spdxId": self.iri(DOCUMENT),
            "creationInfo": _CREATION,
            "name": document["name"],
            "comment": document["comment"],
            "profileConformance": ["core", "software", "simpleLicensing"],
            "rootElement": [self.iri("Sbom")],
            "element": [self.iri("Sbom")],
        }

    def _package(self, package: Json) -> Iterator[Json]:
        id = package["SPDXID"]
        fields: Json = {"name": package["name"]}
        if "description" in package:
            fields["description"] = package["description"]
        identifiers = [
            {
                "type": "ExternalIdentifier",
                "externalIdentifierType": _REFERENCES[reference["referenceType"]],
                "identifier": reference["referenceLocator"],
            }
            for reference in package.get("externalRefs", ())
        ]
        if identifiers:
            fields["externalIdentifier"] = identifiers
        if "checksums" in package:
            fields["verifiedUsing"] = [
                {"type": "Hash", "algorithm": item["algorithm"].lower(), "hashValue": item["checksumValue"]}
                for item in package["checksums"]
            ]
        if package.get("supplier", "NOASSERTION") != "NOASSERTION":
            agent = package["supplier"]
            if agent not in self.agents:
                self.agents[agent] = f"Agent-{len(self.agents)}"
                yield self.element("Organization", self.agents[agent], name=agent.removeprefix("Organization: "))
            fields["suppliedBy"] = self.iri(self.agents[agent])
        fields["software_primaryPurpose"] = _PURPOSES[package["primaryPackagePurpose"]]
        for key, name in _PLAIN_FIELDS.items():
            if key in package and package[key] != "NOASSERTION":
                fields[name] = package[key]
        purls = [i["identifier"] for i in identifiers if i["externalIdentifierType"] == "packageUrl"]
        if purls:
            fields["software_packageUrl"] = purls[0]
        yield self.element("software_Package", id, **fields)
        yield from self._annotations(package, id)
        for kind, key in _LICENSES.items():
            if package[key] != "NOASSERTION":
                expression = self.expressions.setdefault(package[key], f"License-{len(self.expressions)}")
                self.licensed.setdefault((kind, expression), []).append(id)

    def _annotations(self, entry: Json, id: str) -> Iterator[Json]:
        for annotation in entry.get("annotations", ()):
            yield self.element(
                "Annotation",
                f"{id}-Annotation",
                annotationType="other",
                subject=self.iri(id),
                statement=annotation["comment"],
            )

    def _licenses(self) -> Iterator[Json]:
        for id, info in self.texts.items():
            yield self.element(
                "simplelicensing_SimpleLicensingText",
                id,
                name=info["name"],
                simplelicensing_licenseText=info["extractedText"],
            )
        for expression, id in self.expressions.items():
            fields: Json = {"simplelicensing_licenseExpression": expression}
            refs = sorted({ref for ref in _LICENSE_REF.findall(expression) if ref in self.texts})
            if refs:
                fields["simplelicensing_customIdToUri"] = [
                    {"type": "DictionaryEntry", "key": ref, "value": self.iri(ref)} for ref in refs
                ]
            yield self.element("simplelicensing_LicenseExpression", id, **fields)

    def _relationships(self) -> Iterator[Json]:
        """One element for each source and kind, as the model has it: a relationship leads to many."""
        grouped: dict[tuple[str, str, str], list[str]] = {}
        for edge in self.document["relationships"]:
            if edge["relationshipType"] in _KINDS:
                key = (edge["spdxElementId"], edge["relationshipType"], edge.get("comment", ""))
                grouped.setdefault(key, []).append(self.iri(edge["relatedSpdxElement"]))
        number = 0
        for (source, kind, comment), targets in grouped.items():
            fields: Json = {"comment": comment} if comment else {}
            if source == ROOT and kind == "CONTAINS":
                fields["completeness"] = "complete" if self.full else "incomplete"
            yield self._relationship(number, source, _KINDS[kind], targets, fields)
            number += 1
        for (kind, expression), packages in self.licensed.items():
            for id in packages:
                yield self._relationship(number, id, kind, [self.iri(expression)], {})
                number += 1

    def _relationship(self, number: int, source: str, kind: str, targets: list[str], fields: Json) -> Json:
        start = self.iri(source)
        return self.element(
            "Relationship",
            f"Relationship-{number}",
            **{"from": start, "relationshipType": kind, "to": targets},
            **fields,
        )


_PLAIN_FIELDS = {
    "versionInfo": "software_packageVersion",
    "homepage": "software_homePage",
    "downloadLocation": "software_downloadLocation",
    "sourceInfo": "software_sourceInfo",
    "copyrightText": "software_copyrightText",
    "summary": "summary",
    "comment": "comment",
}


def decode(raw: bytes) -> Inventory:
    """The inventory of a document of any maker. Raises CorruptInput where it is not SPDX 3 at all."""
    document = load_json(raw, "SPDX 3")
    if "@graph" not in document and "spdx.org/rdf/3" not in str(document.get("@context")):
        raise CorruptInput("the document is not SPDX 3: there is no @graph", hint="See the file's first lines.")
    return spdx_read.read(_flat(document))


def _flat(document: Json) -> Json:
    """The graph as an SPDX 2 document, so that one reader knows both."""
    reader = Reader()
    by_type: dict[str, list[Json]] = {}
    elements: dict[str, Json] = {}
    for place, element in reader.objects(document, "@graph", ""):
        by_type.setdefault(reader.text(element, "type", place), []).append(element)
        id = element.get("spdxId") or element.get("@id")
        if isinstance(id, str):
            elements[id] = element
    packages = {
        str(entry.get("spdxId")): _flat_package(entry, elements) for entry in by_type.get("software_Package", ())
    }
    result: Json = {"packages": list(packages.values()), "relationships": [], "annotations": []}
    for entry in by_type.get("SpdxDocument", ()):
        result["name"] = entry.get("name")
    described = [root for entry in by_type.get("software_Sbom", ()) for root in _ids(entry.get("rootElement"))]
    result["documentDescribes"] = [root for root in described if root in packages]
    for entry in by_type.get("Annotation", ()):
        holder = packages.get(str(entry.get("subject")), result)
        holder.setdefault("annotations", []).append({"comment": entry.get("statement")})
    result["hasExtractedLicensingInfos"] = _flat_texts(by_type, elements)
    result["files"] = [{"SPDXID": id} for id, entry in elements.items() if id not in packages]
    for kind in ("Relationship", "LifecycleScopedRelationship"):
        for entry in by_type.get(kind, ()):
            _flat_relationship(entry, packages, elements, result["relationships"])
    return result


def _ids(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _objects(value: object) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _flat_package(entry: Json, elements: dict[str, Json]) -> Json:
    package: Json = {"SPDXID": entry.get("spdxId"), "name": entry.get("name")}
    package |= {key: entry[name] for key, name in _PLAIN_FIELDS.items() if name in entry}
    if "description" in entry:
        package["description"] = entry["description"]
    purposes = {name: purpose for purpose, name in _PURPOSES.items()}
    package["primaryPackagePurpose"] = purposes.get(str(entry.get("software_primaryPurpose")))
    kinds = {name: kind for kind, name in _REFERENCES.items()}
    references = [
        {
            "referenceType": kinds.get(str(item.get("externalIdentifierType")), ""),
            "referenceLocator": item.get("identifier"),
        }
        for item in _objects(entry.get("externalIdentifier"))
    ]
    purl = entry.get("software_packageUrl")
    if isinstance(purl, str):
        references.insert(0, {"referenceType": "purl", "referenceLocator": purl})
    package["externalRefs"] = references
    package["checksums"] = [
        {"algorithm": item.get("algorithm"), "checksumValue": item.get("hashValue")}
        for item in _objects(entry.get("verifiedUsing"))
        if item.get("type") == "Hash"
    ]
    supplier = elements.get(str(entry.get("suppliedBy")), {}).get("name")
    if isinstance(supplier, str):
        package["supplier"] = f"Organization: {supplier}"
    return package


def _flat_texts(by_type: dict[str, list[Json]], elements: dict[str, Json]) -> list[Json]:
    """The texts of LicenseRefs, under the names that expressions give them."""
    found = []
    for expression in by_type.get("simplelicensing_LicenseExpression", ()):
        for item in _objects(expression.get("simplelicensing_customIdToUri")):
            named = elements.get(str(item.get("value")), {})
            content = named.get("simplelicensing_licenseText")
            found.append({"licenseId": item.get("key"), "name": named.get("name"), "extractedText": content})
    return found


def _flat_relationship(entry: Json, packages: dict[str, Json], elements: dict[str, Json], result: list[Json]) -> None:
    kind, source = str(entry.get("relationshipType")), str(entry.get("from"))
    kinds = {name: old for old, name in _KINDS.items()}
    for target in _ids(entry.get("to")):
        if kind in _LICENSES:
            expression = elements.get(target, {}).get("simplelicensing_licenseExpression")
            if source in packages and isinstance(expression, str):
                packages[source][_LICENSES[kind]] = expression
        elif kind in kinds:
            edge: Json = {"spdxElementId": source, "relationshipType": kinds[kind], "relatedSpdxElement": target}
            if "comment" in entry:
                edge["comment"] = entry["comment"]
            result.append(edge)


FORMAT = Format(
    "spdx3-json", "application/spdx+json", encode, VERSIONS, "3.0.1", read=decode, aliases=("spdx-3-json",),
    summary="SPDX 3 in JSON-LD",
)  # fmt: skip
