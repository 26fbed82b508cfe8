"""Reads CycloneDX as plain values (JSON, or XML turned into the same shape): 1.2 to 1.7, of any maker.

Our own properties give the inventory back as it was. Of others, the places and layers that syft and trivy write as
properties are understood; every further property and field of a component is kept in `extra`, as
`cyclonedx:property:NAME` and `cyclonedx:field:NAME` (JSON), from where the encoder puts it back.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any, get_args

import orjson

from sbomkit.model.digest import Digest
from sbomkit.model.distro import Distro
from sbomkit.model.inventory import Coverage, CoverageStatus, EcosystemCoverage, Inventory, Issue, LayerInfo, Subject
from sbomkit.model.package import Kind, License, Location, Package, Technique
from sbomkit.sbom.assemble import Assembly, identity
from sbomkit.sbom.cyclonedx_component import FIELD, PROPERTY
from sbomkit.sbom.identity import repository_and_tag
from sbomkit.sbom.reading import Reader, confidence_of, json_of, licenses_as_stated, plain_pairs

Json = dict[str, Any]
Properties = list[tuple[str, str]]
Known = dict[str, tuple[object, Package]]

_KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}
_TECHNIQUES: dict[str, Technique] = {technique: technique for technique in get_args(Technique)}
_UNDERSTOOD = frozenset(
    {
        *("type", "bom-ref", "supplier", "group", "name", "version", "description", "hashes", "licenses", "cpe"),
        *("purl", "externalReferences", "evidence", "properties", "components"),
    }
)
_LAYER = re.compile(r"sbomkit:layer:(\d{1,6}):(diffID|digest|size|mediaType|createdBy)\Z")
_LOCATION = re.compile(r"(?:sbomkit|syft):location:(\d{1,6}):(path|layer|layerID)\Z")
_ISSUE = re.compile(r"sbomkit:issue:(\d{1,9}):(path|reason|layer|cataloger)\Z")
_ECOSYSTEM = re.compile(r"sbomkit:coverage:(?!reason\Z)(.+?)(:packages|:reason)?\Z", re.DOTALL)
_STATUS: dict[str, CoverageStatus] = {status: status for status in get_args(CoverageStatus)}
_AGGREGATE: dict[str, CoverageStatus] = {"complete": "full", "incomplete": "partial", "unknown": "none"}
_DEPTH = 64
"""How deep components may be nested; deeper ones are an issue."""


def read(document: Json, known: Known | None = None) -> Inventory:
    """The inventory that a document holds, with an issue for each of its faults. `known`: as `detect.read` has it."""
    return _Document(document, {} if known is None else known).inventory()


class _Document:
    """One document while it is read."""

    def __init__(self, document: Json, known: Known) -> None:
        self.document = document
        self.known = known
        self.reader = Reader()
        self.assembly = Assembly()
        self.distro = Distro()
        self.other_refs: set[str] = set()

    def inventory(self) -> Inventory:
        reader, document = self.reader, self.document
        metadata = reader.object(document, "metadata", "")
        root = reader.object(metadata, "component", "/metadata")
        properties = self.properties(metadata, "/metadata")
        subject = self._subject(root)
        self.other_refs.add(reader.text(root, "bom-ref", "/metadata/component"))
        self._components(document, "")
        self._components(root, "/metadata/component")
        for pointer, service in reader.objects(document, "services", ""):
            self.other_refs.add(reader.text(service, "bom-ref", pointer))
        self._dependencies()
        relationships, dangling = self.assembly.relationships(self.other_refs)
        for reference in dangling:
            reader.fault("/dependencies", f"{reference!r} names no component")
        issues = [*_issues(properties), *reader.all_issues()]
        return Inventory(
            subject,
            self.assembly.sorted_packages(),
            relationships,
            self.distro,
            self._coverage(properties),
            tuple(dict.fromkeys(issues)),
        )

    def properties(self, entry: Json, pointer: str) -> Properties:
        reader, plain = self.reader, plain_pairs(entry.get("properties", ()))
        return (
            plain
            if plain is not None
            else [
                (reader.text(item, "name", place), reader.text(item, "value", place))
                for place, item in reader.objects(entry, "properties", pointer)
            ]
        )

    def _subject(self, root: Json) -> Subject:
        reader, pointer = self.reader, "/metadata/component"
        properties = dict(self.properties(root, pointer))
        name, version = reader.text(root, "name", pointer), reader.text(root, "version", pointer)
        digests = self._hashes(root, pointer)
        digest = next((d for d in digests if d.algorithm == "sha256"), None)
        if digest is None and version.startswith("sha256:"):  # as syft does
            digest = _digest(version)
        container = root.get("type") == "container"
        return Subject(
            name,
            "container" if container else "filesystem",
            "" if container and version == repository_and_tag(name)[1] else version,
            digest,
            properties.get("sbomkit:image:mediaType", ""),
            _digest(properties.get("sbomkit:image:id") or properties.get("aquasecurity:trivy:ImageID", "")),
            properties.get("sbomkit:image:platform", ""),
            properties.get("sbomkit:image:created", ""),
            _layers(self.properties(root, pointer)),
            tuple(
                (key.removeprefix("sbomkit:config:"), value)
                for key, value in self.properties(root, pointer)
                if key.startswith("sbomkit:config:")
            ),
        )

    def _components(self, top: Json, pointer: str) -> None:
        """All components, also those inside others, which then contain them."""
        stack: list[tuple[str, Json, str, int]] = [
            (place, entry, "", 0) for place, entry in self.reader.objects(top, "components", pointer)
        ]
        stack.reverse()
        while stack:
            place, entry, parent, depth = stack.pop()
            reference = self._component(entry, place)
            if parent and reference:
                self.assembly.edges.append((parent, "contains", reference))
            if depth >= _DEPTH:
                self.reader.fault(place, "components are nested too deep; those inside are left out")
                continue
            inner = [(p, e, reference, depth + 1) for p, e in self.reader.objects(entry, "components", place)]
            stack += reversed(inner)

    def _component(self, entry: Json, pointer: str) -> str:
        """One component; gives the reference under which edges may name it."""
        reader = self.reader
        reference = reader.text(entry, "bom-ref", pointer)
        purl, name = reader.text(entry, "purl", pointer), reader.text(entry, "name", pointer)
        if entry.get("type") == "operating-system" and not purl and self.distro == Distro():
            self.distro = self._distro(entry, pointer)
            self.other_refs.add(reference)
            return ""
        if purl and not purl.startswith("pkg:"):
            reader.fault(f"{pointer}/purl", f"not a package URL: {purl}")
        if not name:
            reader.fault(f"{pointer}/name", "a component without a name")
        if reference and (reference in self.assembly.identities or reference in self.other_refs):
            reader.fault(f"{pointer}/bom-ref", f"the reference {reference!r} is given twice")
        reference = reference or f"at {pointer}"
        own = reference.startswith(("ref:", "name:"))
        package = self._package(entry, pointer, reference if own else identity(purl, reference, name, ""))
        self.assembly.add(package, reference)
        return reference

    def _distro(self, entry: Json, pointer: str) -> Distro:
        reader = self.reader
        known = dict(self.properties(entry, pointer))
        name = reader.text(entry, "name", pointer)
        ours = any(key.startswith("sbomkit:distro:") for key in known)
        return Distro(
            known.get("sbomkit:distro:id", "") if ours else known.get("syft:distro:id", name),
            known.get("sbomkit:distro:versionID", "") if ours else reader.text(entry, "version", pointer),
            known.get("sbomkit:distro:name", ""),
            reader.text(entry, "description", pointer),
            known.get("sbomkit:distro:codename", ""),
            tuple(known.get("sbomkit:distro:idLike", "").split()),
            known.get("sbomkit:distro:path", ""),
        )

    def _package(self, entry: Json, pointer: str, purl: str) -> Package:
        """As `_made`, or what an equal entry of another document gave, where that gave nothing else."""
        seal = hashlib.blake2b(orjson.dumps(entry)).digest()  # not the entry itself, which would keep it in memory
        before = self.known.get(purl)
        if before is not None and before[0] == seal:
            return before[1]
        told = len(self.assembly.edges), len(self.reader.issues), self.reader.left_out
        package = self._made(entry, pointer, purl)
        if told == (len(self.assembly.edges), len(self.reader.issues), self.reader.left_out):
            self.known[purl] = seal, package
        return package

    def _made(self, entry: Json, pointer: str, purl: str) -> Package:
        reader, properties = self.reader, self.properties(entry, pointer)
        first = dict(reversed(properties))
        reference = reader.text(entry, "bom-ref", pointer)
        for name, value in properties:
            if name == "sbomkit:ownedBy":
                self.assembly.edges.append((reference, "owned-by", value))
            elif name == "sbomkit:contains":
                self.assembly.edges.append((reference, "contains", value))
        technique, confidence = self._identification(entry, pointer)
        cpes = [reader.text(entry, "cpe", pointer)]
        cpes += [value for name, value in properties if name in ("sbomkit:cpe", "syft:cpe23")]
        ours = [_digest(value) for name, value in properties if name == "sbomkit:hash"]
        return Package(
            purl,
            first.get("sbomkit:type") or (purl[4:].partition("/")[0] if purl.startswith("pkg:") else ""),
            reader.text(entry, "name", pointer),
            first.get("sbomkit:version") or reader.text(entry, "version", pointer),
            reader.text(entry, "group", pointer),
            _KINDS.get(first.get("sbomkit:kind") or str(entry.get("type")), "library"),
            first.get("sbomkit:cataloger", ""),
            licenses_as_stated(json_of(first.get("sbomkit:licenses", ""))) or tuple(self._licenses(entry, pointer)),
            self._locations(entry, pointer, properties),
            first.get("sbomkit:layer:introducedBy", ""),
            self._supplier(entry, pointer),
            first.get("sbomkit:homepage") or self._homepage(entry, pointer),
            reader.text(entry, "description", pointer),
            first.get("sbomkit:source:name", ""),
            first.get("sbomkit:source:version", ""),
            (*self._hashes(entry, pointer), *(digest for digest in ours if digest is not None)),
            tuple(dict.fromkeys(cpe for cpe in cpes if cpe)),
            technique,
            confidence,
            self._extra(entry, properties),
        )

    def _hashes(self, entry: Json, pointer: str) -> list[Digest]:
        reader = self.reader
        found = []
        for place, item in reader.objects(entry, "hashes", pointer):
            digest = reader.digest(reader.text(item, "alg", place), reader.text(item, "content", place), place)
            if digest is not None:
                found.append(digest)
        return found

    def _licenses(self, entry: Json, pointer: str) -> Iterator[License]:
        reader = self.reader
        for place, choice in reader.objects(entry, "licenses", pointer):
            stated = choice if "expression" in choice else reader.object(choice, "license", place)
            value = next((reader.text(stated, key, place) for key in ("expression", "id", "name") if key in stated), "")
            properties = dict(self.properties(stated, place))
            concluded = stated.get("acknowledgement") == "concluded" or "sbomkit:license:concluded" in properties
            content = reader.text(reader.object(stated, "text", place), "content", place)
            value = properties.get("sbomkit:license:declaredAs") or value
            if value or content:
                yield License(value, concluded, content, properties.get("sbomkit:license:source", ""))
            else:
                reader.fault(place, "a licence without id, name or expression")

    def _locations(self, entry: Json, pointer: str, properties: Properties) -> tuple[Location, ...]:
        reader = self.reader
        evidence = reader.object(entry, "evidence", pointer)
        places: dict[int, list[str]] = {}
        for index, (place, item) in enumerate(reader.objects(evidence, "occurrences", f"{pointer}/evidence")):
            context = reader.text(item, "additionalContext", place)
            places[index] = [reader.text(item, "location", place), context if context.startswith("sha256:") else ""]
        for name, value in properties:
            match = _LOCATION.match(name)
            if match:
                places.setdefault(int(match.group(1)), ["", ""])[0 if match.group(2) == "path" else 1] = value
        if not places:
            known = dict(properties)
            path = known.get("aquasecurity:trivy:FilePath", "")
            if path:
                places[0] = ["/" + path.lstrip("/"), known.get("aquasecurity:trivy:LayerDiffID", "")]
        return tuple(Location(path, layer) for _, (path, layer) in sorted(places.items()))

    def _supplier(self, entry: Json, pointer: str) -> str:
        reader = self.reader
        supplier = reader.object(entry, "supplier", pointer)
        name = reader.text(supplier, "name", f"{pointer}/supplier")
        for place, contact in reader.objects(supplier, "contact", f"{pointer}/supplier"):
            email = reader.text(contact, "email", place)
            if email:
                return f"{name} <{email}>" if reader.text(contact, "name", place) else f"<{email}>"
        return name or reader.text(entry, "publisher", pointer) or reader.text(entry, "author", pointer)

    def _homepage(self, entry: Json, pointer: str) -> str:
        for place, item in self.reader.objects(entry, "externalReferences", pointer):
            if item.get("type") == "website":
                return self.reader.text(item, "url", place)
        return ""

    def _identification(self, entry: Json, pointer: str) -> tuple[Technique, float]:
        evidence = self.reader.object(entry, "evidence", pointer)
        stated = evidence.get("identity")
        first = stated[0] if isinstance(stated, list) and stated else stated
        if not isinstance(first, dict):
            known = dict(self.properties(entry, pointer))
            return _TECHNIQUES.get(known.get("sbomkit:technique", ""), "manifest-analysis"), confidence_of(
                known.get("sbomkit:confidence", "")
            )
        confidence: object = first.get("confidence")
        methods = first.get("methods")
        method = methods[0] if isinstance(methods, list) and methods and isinstance(methods[0], dict) else {}
        technique = _TECHNIQUES.get(str(method.get("technique")), "other" if method else "manifest-analysis")
        if isinstance(confidence, int | float) and 0 <= confidence <= 1:
            return technique, float(confidence)
        return technique, 1.0

    def _extra(self, entry: Json, properties: Properties) -> tuple[tuple[str, str], ...]:
        """Our own extras, then whatever else the component says."""
        found = [(k.removeprefix("sbomkit:extra:"), v) for k, v in properties if k.startswith("sbomkit:extra:")]
        found += [(PROPERTY + k, v) for k, v in properties if not k.startswith("sbomkit:") and k != "syft:cpe23"]
        found += [(FIELD + k, orjson.dumps(v).decode()) for k, v in entry.items() if k not in _UNDERSTOOD]
        own = [value for key, value in found if key == "document:id"]  # is written again from `extra` itself
        references = [
            item
            for item in _listed(entry.get("externalReferences"))
            if item.get("type") != "website" and item.get("url") not in own
        ]
        if references:
            found.append((FIELD + "externalReferences", orjson.dumps(references).decode()))
        return tuple(sorted(found))

    def _dependencies(self) -> None:
        reader = self.reader
        for place, entry in reader.objects(self.document, "dependencies", ""):
            source = reader.text(entry, "ref", place)
            for target in reader.texts(entry, "dependsOn", place):
                self.assembly.edges.append((source, "depends-on", target))

    def _coverage(self, properties: Properties) -> Coverage:
        """As our properties say; else as the composition of the root says; else nobody knows."""
        stated = [value for name, value in properties if name == "sbomkit:coverage"]
        if stated and stated[0] in _STATUS:
            reasons = tuple(value for name, value in properties if name == "sbomkit:coverage:reason")
            return Coverage(_STATUS[stated[0]], reasons, tuple(_ecosystems(properties)))
        for _, composition in self.reader.objects(self.document, "compositions", ""):
            aggregate = str(composition.get("aggregate"))
            assemblies = self.reader.texts(composition, "assemblies", "/compositions")
            if self.other_refs & set(assemblies):
                known = _AGGREGATE.get(aggregate, "partial")
                return Coverage(known, (f"the document's composition is {aggregate}",))
        return Coverage("partial", ("the document does not say how complete it is",))


def _listed(value: object) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _digest(text: str) -> Digest | None:
    try:
        return Digest.parse(text)
    except ValueError:
        return None


def _layers(properties: Properties) -> tuple[LayerInfo, ...]:
    found: dict[int, dict[str, str]] = {}
    for name, value in properties:
        match = _LAYER.match(name)
        if match:
            found.setdefault(int(match.group(1)), {})[match.group(2)] = value
        elif name == "aquasecurity:trivy:DiffID":
            found[len(found)] = {"diffID": value}
    return tuple(
        LayerInfo(
            layer.get("diffID", ""),
            layer.get("digest", ""),
            layer.get("mediaType", ""),
            int(layer["size"]) if layer.get("size", "").isdecimal() and len(layer["size"]) < 19 else None,
            layer.get("createdBy", ""),
        )
        for _, layer in sorted(found.items())
    )


def _issues(properties: Properties) -> Iterator[Issue]:
    found: dict[int, dict[str, str]] = {}
    for name, value in properties:
        match = _ISSUE.match(name)
        if match:
            found.setdefault(int(match.group(1)), {})[match.group(2)] = value
    for _, fields in sorted(found.items()):
        yield Issue(
            fields.get("path", ""), fields.get("reason", ""), fields.get("layer", ""), fields.get("cataloger", "")
        )


def _ecosystems(properties: Properties) -> Iterator[EcosystemCoverage]:
    found: dict[str, tuple[dict[str, str], list[str]]] = {}
    for name, value in properties:
        match = _ECOSYSTEM.match(name)
        if match:
            fields, reasons = found.setdefault(match.group(1), ({}, []))
            if match.group(2) == ":reason":
                reasons.append(value)
            else:
                fields[match.group(2) or "status"] = value
    for cataloger, (fields, reasons) in found.items():
        status = _STATUS.get(fields.get("status", ""), "none")
        count = fields.get(":packages", "")
        packages = int(count) if count.isdecimal() and len(count) < 12 else 0
        yield EcosystemCoverage(cataloger, packages, status, tuple(reasons))
