"""A package as a CycloneDX component, in the shape that each version of the specification gives it."""

from __future__ import annotations

import re
from typing import Any

import orjson

from sbomkit.model.digest import Digest
from sbomkit.model.package import License, Location, Package
from sbomkit.sbom import licenses, text
from sbomkit.sbom.arrays import text_of
from sbomkit.sbom.graph import Graph

Json = dict[str, Any]

ALGORITHMS = {"md5": "MD5", "sha1": "SHA-1", "sha256": "SHA-256", "sha384": "SHA-384", "sha512": "SHA-512"}
"""Ours to CycloneDX's (hash-alg); sha224 has no name there."""

_VERSION_LENGTH = 1024
"""The schema's limit on versions, from 1.6 on."""


_BOM_LINK = re.compile(r"urn:cdx:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/[1-9][0-9]{0,8}\Z")
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")
"""Documents that were read may claim anything, so what is written is checked."""

PROPERTY = "cyclonedx:property:"
FIELD = "cyclonedx:field:"
"""Keys of `extra` under which the reader keeps what only CycloneDX has; written back as what they were."""

_FIELDS = {
    "1.4": (
        "author",
        "copyright",
        "externalReferences",
        "mime-type",
        "modified",
        "pedigree",
        "publisher",
        "scope",
        "swid",
    ),
    "1.5": ("data", "modelCard"),
    "1.6": ("authors", "cryptoProperties", "manufacturer", "omniborId", "swhid", "tags"),
}
"""The fields that are put back, by the version that brought them."""


def prop(name: str, value: str) -> Json:
    return {"name": name, "value": value}


def hashes(digests: tuple[Digest, ...]) -> list[Json]:
    return [{"alg": ALGORITHMS[d.algorithm], "content": d.hex} for d in digests if d.algorithm in ALGORITHMS]


def _references(package: Package) -> list[Json]:
    """Its home page, and the document of its own that describes it (index_document)."""
    found: list[Json] = []
    if package.homepage and text.is_url(package.homepage):
        found.append({"type": "website", "url": package.homepage})
    if package.type == "oci":
        extra = dict(package.extra)
        sha256 = extra.get("document:sha256", "")
        if _BOM_LINK.match(extra.get("document:id", "")) and _SHA256.match(sha256):
            digest = {"alg": "SHA-256", "content": sha256}
            found.append({"type": "bom", "url": extra["document:id"], "hashes": [digest]})
    return found


class ComponentWriter:
    """Writes packages for one version of the specification."""

    def __init__(self, version: str, graph: Graph) -> None:
        self.version = version
        self.graph = graph
        self.expression_properties = version == "1.7"
        self.unknown_kinds = {"machine-learning-model"} if version == "1.4" else set()
        self.foreign_fields = frozenset(
            FIELD + name for since, names in _FIELDS.items() if since <= version for name in names
        )
        self._stated: dict[tuple[License, ...], list[Json]] = {}
        self.occurrences = version != "1.4"
        self.layers_in_occurrences = version not in ("1.4", "1.5")
        self.acknowledges = version not in ("1.4", "1.5")

    def component(self, package: Package) -> Json:
        """The component; its bom-ref is the purl."""
        purl = package.purl
        component: Json = {"type": package.kind if package.kind not in self.unknown_kinds else "file", "bom-ref": purl}
        if package.supplier:
            component["supplier"] = _organization(package.supplier)
        if package.namespace:
            component["group"] = package.namespace
        component["name"] = package.name
        if package.version:
            component["version"] = package.version[:_VERSION_LENGTH]
        if package.description:
            component["description"] = package.description
        if package.hashes:
            digests = hashes(package.hashes)
            if digests:
                component["hashes"] = digests
        if package.licenses:
            component["licenses"] = self._stated.get(package.licenses) or self._state(package.licenses)
        if package.cpes:
            component["cpe"] = package.cpes[0]
        if purl.startswith("pkg:"):
            component["purl"] = purl
        references = _references(package)
        if references:
            component["externalReferences"] = references
        if self.occurrences:
            component["evidence"] = self._evidence(package)
        component["properties"] = self._properties(package)
        if package.extra and not self.foreign_fields.isdisjoint(dict(package.extra)):
            self._put_back(component, dict(package.extra))
        return component

    def _put_back(self, component: Json, extra: dict[str, str]) -> None:
        """What a document that was read said in fields that the model has no place for."""
        for key in sorted(self.foreign_fields & extra.keys()):
            try:
                value = orjson.loads(extra[key])
            except orjson.JSONDecodeError:
                continue  # only our own reader writes these, so this is somebody's forgery
            name = key.removeprefix(FIELD)
            if name == "externalReferences" and isinstance(value, list):
                component[name] = component.get(name, []) + value
            else:
                component.setdefault(name, value)

    def _evidence(self, package: Package) -> Json:
        confidence = min(max(package.confidence, 0.0), 1.0)
        method: Json = {"technique": package.technique, "confidence": confidence}
        if package.locations:
            method["value"] = package.locations[0].path
        identity: Json = {"field": "purl", "confidence": confidence, "methods": [method]}
        evidence: Json
        if self.layers_in_occurrences:
            identity["concludedValue"] = package.purl
            evidence = {"identity": [identity]}
        else:
            evidence = {"identity": identity}
        if package.locations:
            evidence["occurrences"] = self._occurrences(package.locations)
        return evidence

    def _occurrences(self, locations: tuple[Location, ...]) -> list[Json]:
        if self.layers_in_occurrences:
            return [
                {"location": x.path, "additionalContext": x.layer} if x.layer else {"location": x.path}
                for x in locations
            ]
        return [{"location": x.path} for x in locations]

    def _properties(self, package: Package) -> list[Json]:
        result = [{"name": "sbomkit:type", "value": package.type}]
        if package.kind in self.unknown_kinds:
            result.append({"name": "sbomkit:kind", "value": package.kind})
        if package.cataloger:
            result.append({"name": "sbomkit:cataloger", "value": package.cataloger})
        if package.introduced_by:
            result.append({"name": "sbomkit:layer:introducedBy", "value": package.introduced_by})
        if not self.layers_in_occurrences:
            result += self._places(package)
        graph = self.graph
        result += [prop("sbomkit:ownedBy", ref) for ref in graph.owned_by.get(package.purl, ())]
        result += [prop("sbomkit:contains", ref) for ref in graph.contains.get(package.purl, ())]
        if package.source_name:
            result.append({"name": "sbomkit:source:name", "value": package.source_name})
        if package.source_version:
            result.append({"name": "sbomkit:source:version", "value": package.source_version})
        if package.licenses:
            result += self._full_licenses(package.licenses)
        if not self.occurrences and package.technique != "manifest-analysis":
            result.append({"name": "sbomkit:technique", "value": package.technique})
        if not self.occurrences and package.confidence != 1.0:
            result.append({"name": "sbomkit:confidence", "value": str(package.confidence)})
        result += [prop("sbomkit:cpe", cpe) for cpe in package.cpes[1:]]
        if package.hashes:
            result += [prop("sbomkit:hash", str(d)) for d in package.hashes if d.algorithm not in ALGORITHMS]
        if package.homepage and not text.is_url(package.homepage):
            result.append({"name": "sbomkit:homepage", "value": package.homepage})
        if len(package.version) > _VERSION_LENGTH:
            result.append({"name": "sbomkit:version", "value": package.version})
        for key, value in package.extra:
            if key.startswith(PROPERTY):
                result.append({"name": key[len(PROPERTY) :], "value": value})
            elif key not in self.foreign_fields:
                result.append({"name": f"sbomkit:extra:{key}", "value": value})
        return result

    def _places(self, package: Package) -> list[Json]:
        """Layers, and before 1.5 paths too, of the places that occurrences cannot hold."""
        result = []
        for index, location in enumerate(package.locations):
            if not self.occurrences:
                result.append(prop(f"sbomkit:location:{index}:path", location.path))
            if location.layer:
                result.append(prop(f"sbomkit:location:{index}:layer", location.layer))
        return result

    def _state(self, stated: tuple[License, ...]) -> list[Json]:
        """The same few statements stand on most packages, so each list is made once."""
        result = self._stated[stated] = self.stated(stated)
        return result

    def stated(self, stated: tuple[License, ...]) -> list[Json]:
        """Before 1.7 a list holds either licences, or one expression and nothing else."""
        known = [(license, licenses.recognise(license.value)) for license in stated]
        expressions = self.version == "1.7" or len(known) == 1
        result = []
        for license, recognised in known:
            if recognised.kind == "expression" and expressions and not license.text:
                result.append(self._expression(license, recognised.value))
            else:
                result.append(self._license(license, recognised))
        return result

    def _expression(self, license: License, expression: str) -> Json:
        entry: Json = {"expression": expression}
        if self.acknowledges:
            entry["acknowledgement"] = "concluded" if license.concluded else "declared"
        if self.expression_properties:
            properties = self._license_properties(license, expression)
            if properties:
                entry["properties"] = properties
        return entry

    def _license(self, license: License, recognised: licenses.Recognised) -> Json:
        entry: Json = {"id" if recognised.kind == "id" else "name": recognised.value}
        if self.acknowledges:
            entry["acknowledgement"] = "concluded" if license.concluded else "declared"
        if license.text:
            entry["text"] = {"content": license.text}
        if self.occurrences:
            properties = self._license_properties(license, recognised.value)
            if properties:
                entry["properties"] = properties
        return {"license": entry}

    def _full_licenses(self, stated: tuple[License, ...]) -> list[Json]:
        """The statements as they were, where this version's licence fields cannot say so."""
        if self.expression_properties:
            return []
        for license in stated:
            value = licenses.recognise(license.value)
            plain = license.value == value.value and not license.source
            bare = value.kind == "expression" or not self.occurrences  # neither has properties of its own
            if (bare and not (plain and (self.acknowledges or not license.concluded))) or (
                value.kind == "expression" and license.concluded and not self.acknowledges
            ):
                return [prop("sbomkit:licenses", text_of(stated))]
        return []

    def _license_properties(self, license: License, value: str) -> list[Json]:
        result = []
        if license.source:
            result.append(prop("sbomkit:license:source", license.source))
        if license.concluded and not self.acknowledges:
            result.append(prop("sbomkit:license:concluded", "true"))
        if license.value != value:
            result.append(prop("sbomkit:license:declaredAs", license.value))
        return result


def _organization(supplier: str) -> Json:
    name, email = text.name_and_email(supplier)
    if not email:
        return {"name": supplier}
    contact = {"name": name, "email": email} if name else {"email": email}
    return {"name": name or email, "contact": [contact]}
