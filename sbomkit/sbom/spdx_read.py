"""Reads SPDX 2 as plain values (JSON, YAML, or other serialisations turned into that shape), of any maker.

Our own annotations give the inventory back as it was. Of others, syft's ownership relationships are understood.
Fields of a package that the model has no place for are kept in `extra` as `spdx:field:NAME` (JSON), from where the
encoder puts them back.
"""

from __future__ import annotations

import re
from typing import Any, get_args

import orjson

from sbomkit.model.digest import Digest
from sbomkit.model.distro import Distro
from sbomkit.model.inventory import Coverage, CoverageStatus, EcosystemCoverage, Inventory, Issue, LayerInfo, Subject
from sbomkit.model.package import Kind, License, Location, Package, RelationshipKind, Technique
from sbomkit.sbom.assemble import Assembly, identity
from sbomkit.sbom.identity import repository_and_tag
from sbomkit.sbom.reading import Reader, licenses_as_stated
from sbomkit.sbom.spdx_terms import CONTAINED, FIELD, FIELDS, NOTE, OWNED, PURPOSE

Json = dict[str, Any]

_EMPTY = ("", "NOASSERTION", "NONE")
_KINDS: dict[str, Kind] = {kind: kind for kind in get_args(Kind)}
_PURPOSES = {purpose: _KINDS[kind] for kind, purpose in PURPOSE.items() if purpose != "OTHER"}
_TECHNIQUES: dict[str, Technique] = {technique: technique for technique in get_args(Technique)}
_STATUS: dict[str, CoverageStatus] = {status: status for status in get_args(CoverageStatus)}
_AGENT = re.compile(r"(?:Organization|Person|Tool):\s*(.*?)\s*(?:\(([^()\s]+@[^()\s]+)\))?\s*\Z", re.DOTALL)
_FORWARD = {"DEPENDS_ON", "DYNAMIC_LINK", "STATIC_LINK", "HAS_PREREQUISITE"}
_BACKWARD = {"DEPENDENCY_OF", "RUNTIME_DEPENDENCY_OF", "PROVIDED_DEPENDENCY_OF", "PREREQUISITE_FOR"}


def read(document: Json) -> Inventory:
    """The inventory that a document holds, with an issue for each of its faults."""
    return _Document(document).inventory()


class _Document:
    """One document while it is read."""

    def __init__(self, document: Json) -> None:
        self.document = document
        self.reader = Reader()
        self.assembly = Assembly()
        self.distro = Distro()
        self.others = {"SPDXRef-DOCUMENT", "NOASSERTION", "NONE"}
        self.texts = {
            self.reader.text(info, "licenseId", place): (
                self.reader.text(info, "name", place),
                self.reader.text(info, "extractedText", place),
            )
            for place, info in self.reader.objects(document, "hasExtractedLicensingInfos", "")
        }

    def inventory(self) -> Inventory:
        reader, document = self.reader, self.document
        for key in ("files", "snippets"):
            for place, entry in reader.objects(document, key, ""):
                self.others.add(reader.text(entry, "SPDXID", place))
        root = self._root()
        subject = Subject(reader.text(document, "name", ""), "container")
        for place, entry in reader.objects(document, "packages", ""):
            reference = reader.text(entry, "SPDXID", place)
            if reference == root:
                subject = self._subject(entry, place)
                self.others.add(reference)
            else:
                self._package(entry, place, reference)
        self._relationships()
        relationships, dangling = self.assembly.relationships(self.others)
        for reference in dangling:
            if not reference.startswith("DocumentRef-"):
                reader.fault("/relationships", f"{reference!r} names no element")
        note = _note(document)
        issues = [*_issues(note.get("issues")), *reader.all_issues()]
        return Inventory(
            subject,
            self.assembly.sorted_packages(),
            relationships,
            self.distro,
            _coverage(note.get("coverage")),
            tuple(dict.fromkeys(issues)),
        )

    def _root(self) -> str:
        """The element that the document describes, where that is one package: the subject."""
        reader = self.reader
        described = {
            reader.text(edge, "relatedSpdxElement", place)
            for place, edge in reader.objects(self.document, "relationships", "")
            if edge.get("relationshipType") == "DESCRIBES" and edge.get("spdxElementId") == "SPDXRef-DOCUMENT"
        }
        described |= set(reader.texts(self.document, "documentDescribes", ""))
        return described.pop() if len(described) == 1 else ""

    def _subject(self, entry: Json, pointer: str) -> Subject:
        reader, note = self.reader, _note(entry)
        name, version = reader.text(entry, "name", pointer), reader.text(entry, "versionInfo", pointer)
        ours = "kind" in note
        container = note.get("kind") == "container" if ours else entry.get("primaryPackagePurpose") == "CONTAINER"
        if ours or (container and version == repository_and_tag(name)[1]):
            version = _text(note, "version")
        digests = self._checksums(entry, pointer)
        layers = note.get("layers")
        return Subject(
            name,
            "container" if container else "filesystem",
            version,
            next((digest for digest in digests if digest.algorithm == "sha256"), None),
            _text(note, "media_type"),
            _digest(_text(note, "image_id")),
            _text(note, "platform"),
            _text(note, "created"),
            tuple(_layer(layer) for layer in layers if isinstance(layer, dict)) if isinstance(layers, list) else (),
            _pairs(note.get("config")),
        )

    def _package(self, entry: Json, pointer: str, reference: str) -> None:
        reader, note = self.reader, _note(entry)
        if isinstance(note.get("distro"), dict):
            self.distro = _distro(note["distro"])
            self.others.add(reference)
            return
        if not reference:
            reader.fault(f"{pointer}/SPDXID", "a package without an SPDXID")
        elif reference in self.assembly.identities or reference in self.others:
            reader.fault(f"{pointer}/SPDXID", f"{reference!r} is given twice")
        name = reader.text(entry, "name", pointer)
        if not name:
            reader.fault(f"{pointer}/name", "a package without a name")
        version = reader.text(entry, "versionInfo", pointer)
        purls, cpes = self._references(entry, pointer)
        purl = _text(note, "purl") or identity(purls[0] if purls else "", reference, name, version)
        locations = note.get("locations")
        places = locations if isinstance(locations, list) else []
        confidence = note.get("confidence")
        package = Package(
            purl,
            _text(note, "type") or (purl[4:].partition("/")[0] if purl.startswith("pkg:") else ""),
            name,
            version,
            _text(note, "namespace"),
            _KINDS.get(_text(note, "kind")) or _PURPOSES.get(str(entry.get("primaryPackagePurpose")), "library"),
            _text(note, "cataloger"),
            licenses_as_stated(note.get("licenses")) or self._licenses(entry, pointer),
            tuple(Location(_text(place, "path"), _text(place, "layer")) for place in places if isinstance(place, dict)),
            _text(note, "introduced_by"),
            _text(note, "supplier") or self._supplier(entry, pointer),
            _text(note, "homepage") or self._asserted(entry, "homepage", pointer),
            reader.text(entry, "description", pointer),
            _text(note, "source_name"),
            _text(note, "source_version"),
            tuple(self._checksums(entry, pointer)),
            tuple(dict.fromkeys([*cpes, *_strings(note.get("cpes"))])),
            _TECHNIQUES.get(_text(note, "technique"), "manifest-analysis"),
            float(confidence) if isinstance(confidence, int | float) and 0 <= confidence <= 1 else 1.0,
            self._extra(entry, note),
        )
        self.assembly.add(package, reference)

    def _extra(self, entry: Json, note: Json) -> tuple[tuple[str, str], ...]:
        found = list(_pairs(note.get("extra")))
        if not note:  # ours say nothing else
            found += [
                (FIELD + key, orjson.dumps(entry[key]).decode())
                for key in FIELDS
                if entry.get(key) not in (None, *_EMPTY)
            ]
        return tuple(sorted(found))

    def _asserted(self, entry: Json, key: str, pointer: str) -> str:
        value = self.reader.text(entry, key, pointer)
        return "" if value in _EMPTY else value

    def _supplier(self, entry: Json, pointer: str) -> str:
        stated = self._asserted(entry, "supplier", pointer) or self._asserted(entry, "originator", pointer)
        match = _AGENT.match(stated)
        if not match:
            return stated
        name, email = match.group(1), match.group(2)
        return f"{name} <{email}>" if email else name

    def _references(self, entry: Json, pointer: str) -> tuple[list[str], list[str]]:
        reader = self.reader
        purls, cpes = [], []
        for place, item in reader.objects(entry, "externalRefs", pointer):
            locator = reader.text(item, "referenceLocator", place)
            kind = reader.text(item, "referenceType", place).rpartition("/")[2]
            if kind == "purl" and locator.startswith("pkg:"):
                purls.append(locator)
            elif kind == "purl":
                reader.fault(place, f"not a package URL: {locator}")
            elif kind in ("cpe23Type", "cpe22Type") and locator:
                cpes.append(locator)
        return purls, cpes

    def _checksums(self, entry: Json, pointer: str) -> list[Digest]:
        reader = self.reader
        found = []
        for place, item in reader.objects(entry, "checksums", pointer):
            value = reader.text(item, "checksumValue", place)
            digest = reader.digest(reader.text(item, "algorithm", place), value, place)
            if digest is not None:
                found.append(digest)
        return found

    def _licenses(self, entry: Json, pointer: str) -> tuple[License, ...]:
        found = []
        for key, concluded in (("licenseDeclared", False), ("licenseConcluded", True)):
            value = self._asserted(entry, key, pointer)
            if not value:
                continue
            name, text = self.texts.get(value, ("", ""))
            if name:
                found.append(License(name, concluded, "" if text == name else text))
            else:
                found.append(License(value, concluded))
        return tuple(found)

    def _relationships(self) -> None:
        reader = self.reader
        for place, edge in reader.objects(self.document, "relationships", ""):
            kind = reader.text(edge, "relationshipType", place)
            source = reader.text(edge, "spdxElementId", place)
            target = reader.text(edge, "relatedSpdxElement", place)
            comment = edge.get("comment")
            if kind in _FORWARD:
                self._edge(source, "depends-on", target)
            elif kind in _BACKWARD:
                self._edge(target, "depends-on", source)
            elif (kind == "CONTAINS" and comment == OWNED) or (
                kind == "OTHER" and str(comment).startswith("ownership-by-file-overlap")  # as syft writes it
            ):
                self._edge(target, "owned-by", source)
            elif kind == "CONTAINS" or comment == CONTAINED:
                self._edge(source, "contains", target)
            elif kind == "CONTAINED_BY":
                self._edge(target, "contains", source)
            else:
                self.others.update(end for end in (source, target) if end.startswith("SPDXRef-File"))

    def _edge(self, source: str, kind: RelationshipKind, target: str) -> None:
        self.assembly.edges.append((source, kind, target))


def _note(entry: Json) -> Json:
    """Our annotation on an element, or nothing."""
    annotations = entry.get("annotations")
    for annotation in annotations if isinstance(annotations, list) else ():
        comment = annotation.get("comment") if isinstance(annotation, dict) else None
        if isinstance(comment, str) and comment.startswith(NOTE + "{"):
            try:
                note = orjson.loads(comment[len(NOTE) :])
            except orjson.JSONDecodeError:
                continue
            if isinstance(note, dict):
                return note
    return {}


def _text(entry: Json, key: str) -> str:
    value = entry.get(key)
    return value if isinstance(value, str) else ""


def _strings(value: object) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _pairs(value: object) -> tuple[tuple[str, str], ...]:
    pairs = [_strings(item) for item in value if isinstance(item, list)] if isinstance(value, list) else []
    return tuple((pair[0], pair[1]) for pair in pairs if len(pair) == 2)


def _digest(text: str) -> Digest | None:
    try:
        return Digest.parse(text)
    except ValueError:
        return None


def _layer(entry: Json) -> LayerInfo:
    size = entry.get("size")
    return LayerInfo(
        _text(entry, "diff_id"),
        _text(entry, "digest"),
        _text(entry, "media_type"),
        size if isinstance(size, int) and not isinstance(size, bool) else None,
        _text(entry, "created_by"),
    )


def _distro(entry: Json) -> Distro:
    id, version_id, name, pretty_name, codename, path = (
        _text(entry, key) for key in ("id", "version_id", "name", "pretty_name", "codename", "path")
    )
    return Distro(id, version_id, name, pretty_name, codename, tuple(_strings(entry.get("id_like"))), path)


def _issues(value: object) -> list[Issue]:
    entries = [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
    return [Issue(*(_text(entry, key) for key in ("path", "reason", "layer", "cataloger"))) for entry in entries]


def _coverage(value: object) -> Coverage:
    """As our annotation says; else nobody knows."""
    if not isinstance(value, dict) or value.get("status") not in _STATUS:
        return Coverage("partial", ("the document does not say how complete it is",))
    ecosystems = value.get("ecosystems")
    return Coverage(
        _STATUS[value["status"]],
        tuple(_strings(value.get("reasons"))),
        tuple(
            EcosystemCoverage(
                _text(entry, "cataloger"),
                entry["packages"] if isinstance(entry.get("packages"), int) else 0,
                _STATUS.get(_text(entry, "status"), "none"),
                tuple(_strings(entry.get("reasons"))),
            )
            for entry in (ecosystems if isinstance(ecosystems, list) else ())
            if isinstance(entry, dict)
        ),
    )
