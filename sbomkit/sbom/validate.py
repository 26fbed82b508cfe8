"""Whether a document is what its format asks for: first the official schema, then what no schema sees.

Each finding has the place (a JSON pointer, RFC 6901), the rule's name, and what to do about it. The rules beyond the
schema: dangling-reference, duplicate-reference, self-dependency, bad-purl, bad-cpe, bad-license, bad-hash, bad-time,
bad-id, undescribed (an SPDX document that describes nothing), undefined-license (a LicenseRef without its text).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import orjson

from sbomkit.errors import CannotCheck
from sbomkit.model.digest import HEX_LENGTH
from sbomkit.sbom import licenses, schemas
from sbomkit.sbom.detect import Detected, detect
from sbomkit.sbom.spdx_terms import cpe_type
from sbomkit.sbom.text import printable, utc_seconds

Json = dict[str, Any]

_SCHEMAS = {
    **{("cyclonedx-json", v): f"cyclonedx/bom-{v}.schema.json" for v in ("1.4", "1.5", "1.6", "1.7")},
    **{("spdx-json", v): f"spdx/spdx-{v}.schema.json" for v in ("2.2", "2.3")},
    ("spdx3-json", "3.0.1"): "spdx/spdx-3.0.1.schema.json",
    ("json", "1"): "inventory.schema.json",
}
_PARTS = ("cyclonedx/spdx.schema.json", "cyclonedx/jsf-0.82.schema.json", "cyclonedx/cryptography-defs.schema.json")
_MOST = 1000
"""Findings that are told at most; a broken document of 50,000 components has one reason, not 50,000."""
_SPDX_ID = re.compile(r"SPDXRef-[A-Za-z0-9.-]+\Z")
_PURL = re.compile(r"pkg:[A-Za-z][A-Za-z0-9.+-]*/[!-~]*[!-\"$-.0->@-~][!-~]*\Z")
_LENGTHS = {name.upper(): length for name, length in HEX_LENGTH.items()} | {
    "SHA3-256": 64,
    "SHA3-384": 96,
    "SHA3-512": 128,
    "BLAKE2B-256": 64,
    "BLAKE2B-384": 96,
    "BLAKE2B-512": 128,
    "BLAKE3": 64,
    "STREEBOG-256": 64,
    "STREEBOG-512": 128,
    "MD2": 32,
    "MD4": 32,
    "ADLER32": 8,
}
_HEX = re.compile(r"[0-9a-fA-F]*\Z")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong."""

    pointer: str
    rule: str
    message: str
    fix: str
    level: Literal["error", "warning"] = "error"


@dataclass(frozen=True, slots=True)
class Report:
    """What was found in one document."""

    format: str
    version: str
    wrappings: tuple[str, ...]
    findings: tuple[Finding, ...]
    more: int = 0
    """Findings beyond those that are told."""

    @property
    def valid(self) -> bool:
        """No errors. Warnings leave a document valid."""
        return not self.more and all(finding.level != "error" for finding in self.findings)


def validate(raw: bytes) -> Report:
    """Check a document. Raises CorruptInput or CannotCheck where it is none, or of a version without a schema here."""
    detected = detect(raw)
    validator = _validator(detected)
    findings: list[Finding] = []
    more = 0
    for finding in _all(detected.format, detected.value or {}, validator):
        if len(findings) < _MOST:
            findings.append(finding)
        else:
            more += 1
    return Report(detected.format, detected.version, detected.wrappings, tuple(findings), more)


def _all(format: str, document: Json, validator: Any) -> Iterator[Finding]:
    for error in validator.iter_errors(document):
        pointer = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in error.instance_path)
        message = printable(str(error.message)[:300])
        yield Finding(
            pointer, "schema", message, "Write what the schema asks for here; see the format's specification."
        )
    rules: dict[str, Callable[[Json], Iterator[Finding]]] = {"cyclonedx-json": _cyclonedx, "spdx-json": _spdx}
    if format in rules:
        yield from rules[format](document)


def _validator(detected: Detected) -> Any:
    name = _SCHEMAS.get((detected.format, detected.version))
    if name is None:
        known = ", ".join(f"{f}@{v}" for f, v in _SCHEMAS)
        raise CannotCheck(
            f"there is no schema here for {detected.format} {printable(detected.version[:40])}",
            hint=f"There is: {known}.",
        )
    return _compiled(name)


@cache
def _compiled(name: str) -> Any:
    import jsonschema_rs

    parts = [orjson.loads(schemas.read(part)) for part in _PARTS] if name.startswith("cyclonedx/") else []
    registry = jsonschema_rs.Registry([(part["$id"], part) for part in parts])
    return jsonschema_rs.validator_for(orjson.loads(schemas.read(name)), registry=registry, validate_formats=True)


def _entries(value: object) -> Iterator[tuple[int, Json]]:
    """The objects of what should be a list; what is not is the schema's business."""
    if isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, dict):
                yield index, item


def _strings(value: object) -> Iterator[tuple[int, str]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, str):
                yield index, item


def _cyclonedx(document: Json) -> Iterator[Finding]:
    references: dict[str, str] = {}
    metadata = document.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    yield from _time(metadata.get("timestamp"), "/metadata/timestamp")
    for pointer, component in _components(document, metadata):
        yield from _reference(component.get("bom-ref"), f"{pointer}/bom-ref", references)
        yield from _component(component, pointer)
    for index, service in _entries(document.get("services")):
        yield from _reference(service.get("bom-ref"), f"/services/{index}/bom-ref", references)
    entries: dict[str, str] = {}
    for index, entry in _entries(document.get("dependencies")):
        pointer, ref = f"/dependencies/{index}", entry.get("ref")
        if isinstance(ref, str):
            yield from _reference(ref, f"{pointer}/ref", entries)
            yield from _known(ref, f"{pointer}/ref", references)
        for key in ("dependsOn", "provides"):
            for number, target in _strings(entry.get(key)):
                yield from _known(target, f"{pointer}/{key}/{number}", references)
                if target == ref:
                    message = f"{_shown(target)} depends on itself"
                    yield Finding(f"{pointer}/{key}/{number}", "self-dependency", message, "Remove it.", "warning")
    for index, composition in _entries(document.get("compositions")):
        for key in ("assemblies", "dependencies"):
            for number, target in _strings(composition.get(key)):
                yield from _known(target, f"/compositions/{index}/{key}/{number}", references)


def _components(document: Json, metadata: Json) -> Iterator[tuple[str, Json]]:
    """Every component, however deep, in document order; the parser bounds the depth."""
    stack: list[tuple[str, Json]] = [
        (f"/components/{index}", entry) for index, entry in _entries(document.get("components"))
    ]
    tools = metadata.get("tools")
    if isinstance(tools, dict):
        stack += [(f"/metadata/tools/components/{i}", entry) for i, entry in _entries(tools.get("components"))]
    root = metadata.get("component")
    if isinstance(root, dict):
        stack.append(("/metadata/component", root))
    stack.reverse()
    while stack:
        pointer, entry = stack.pop()
        yield pointer, entry
        inner = [(f"{pointer}/components/{index}", child) for index, child in _entries(entry.get("components"))]
        stack += reversed(inner)


def _reference(ref: object, pointer: str, seen: dict[str, str]) -> Iterator[Finding]:
    if not isinstance(ref, str):
        return
    if ref in seen:
        message = f"{_shown(ref)} stands already at {seen[ref]}"
        yield Finding(pointer, "duplicate-reference", message, "Give each element a reference of its own.")
    else:
        seen[ref] = pointer


def _known(ref: str, pointer: str, references: dict[str, str]) -> Iterator[Finding]:
    if ref not in references and not ref.startswith("urn:cdx:"):
        message = f"{_shown(ref)} names no element of this document"
        yield Finding(pointer, "dangling-reference", message, "Add the element, or remove the reference.")


def _component(component: Json, pointer: str) -> Iterator[Finding]:
    purl, cpe = component.get("purl"), component.get("cpe")
    if isinstance(purl, str):
        yield from _purl(purl, f"{pointer}/purl")
    if isinstance(cpe, str):
        yield from _cpe(cpe, f"{pointer}/cpe")
    for index, item in _entries(component.get("hashes")):
        yield from _hash(item.get("alg"), item.get("content"), f"{pointer}/hashes/{index}/content")
    for index, choice in _entries(component.get("licenses")):
        expression = choice.get("expression")
        if isinstance(expression, str) and licenses.recognise(expression).kind == "name":
            yield _license(expression, f"{pointer}/licenses/{index}/expression")


def _shown(text: str) -> str:
    return repr(printable(text[:200]))


def _purl(purl: str, pointer: str) -> Iterator[Finding]:
    if not _PURL.match(purl):
        fix = "Write pkg:TYPE/NAMESPACE/NAME@VERSION, with other characters percent-encoded."
        yield Finding(pointer, "bad-purl", f"{_shown(purl)} is not a package URL", fix)


def _cpe(cpe: str, pointer: str) -> Iterator[Finding]:
    if not cpe_type(cpe):
        fix = "Write cpe:2.3: with eleven parts, or a cpe:/ URI of 2.2."
        yield Finding(pointer, "bad-cpe", f"{_shown(cpe)} is not a CPE name", fix)


def _hash(algorithm: object, content: object, pointer: str) -> Iterator[Finding]:
    if not isinstance(algorithm, str) or not isinstance(content, str):
        return
    name = algorithm.upper()
    length = _LENGTHS.get(name) or _LENGTHS.get(name.replace("SHA-", "SHA"))
    if (length is not None and len(content) != length) or not _HEX.match(content):
        message = f"a {algorithm} of {len(content)} characters"
        yield Finding(pointer, "bad-hash", message, f"Write {length or 'an even number of'} hexadecimal characters.")


def _time(time: object, pointer: str) -> Iterator[Finding]:
    if isinstance(time, str) and not utc_seconds(time):
        message = f"{_shown(time)} is not a time"
        yield Finding(pointer, "bad-time", message, "Write RFC 3339 in UTC, such as 2024-05-17T10:11:12Z.")


def _license(expression: str, pointer: str) -> Finding:
    message = f"{_shown(expression)} is not an SPDX licence expression"
    return Finding(pointer, "bad-license", message, "Use ids of the SPDX License List, or LicenseRef- with its text.")


def _spdx(document: Json) -> Iterator[Finding]:
    seen: dict[str, str] = {}
    for key in ("packages", "files", "snippets"):
        for index, entry in _entries(document.get(key)):
            pointer = f"/{key}/{index}"
            yield from _reference(entry.get("SPDXID"), f"{pointer}/SPDXID", seen)
            yield from _spdx_id(entry.get("SPDXID"), f"{pointer}/SPDXID")
    texts = {str(info.get("licenseId")) for _, info in _entries(document.get("hasExtractedLicensingInfos"))}
    for index, package in _entries(document.get("packages")):
        yield from _spdx_package(package, f"/packages/{index}", texts)
    seen["SPDXRef-DOCUMENT"] = "/SPDXID"
    creation = document.get("creationInfo")
    if isinstance(creation, dict):
        yield from _time(creation.get("created"), "/creationInfo/created")
    described = bool(document.get("documentDescribes"))
    for index, edge in _entries(document.get("relationships")):
        described = described or edge.get("relationshipType") in ("DESCRIBES", "DESCRIBED_BY")
        for key in ("spdxElementId", "relatedSpdxElement"):
            end = edge.get(key)
            known = not isinstance(end, str) or end in seen or end in ("NONE", "NOASSERTION")
            if isinstance(end, str) and not known and not end.startswith("DocumentRef-"):
                yield from _known(end, f"/relationships/{index}/{key}", seen)
    if not described:
        message = "nothing says what the document is about"
        yield Finding("/relationships", "undescribed", message, "Add a DESCRIBES relationship from SPDXRef-DOCUMENT.")


def _spdx_id(id: object, pointer: str) -> Iterator[Finding]:
    if isinstance(id, str) and not _SPDX_ID.match(id):
        fix = "Write SPDXRef- and letters, digits, dots and dashes."
        yield Finding(pointer, "bad-id", f"{_shown(id)} is not an SPDX id", fix)


def _spdx_package(package: Json, pointer: str, texts: set[str]) -> Iterator[Finding]:
    for index, item in _entries(package.get("externalRefs")):
        locator, place = item.get("referenceLocator"), f"{pointer}/externalRefs/{index}/referenceLocator"
        if isinstance(locator, str) and item.get("referenceType") == "purl":
            yield from _purl(locator, place)
        elif isinstance(locator, str) and item.get("referenceType") in ("cpe23Type", "cpe22Type"):
            yield from _cpe(locator, place)
    for index, item in _entries(package.get("checksums")):
        yield from _hash(item.get("algorithm"), item.get("checksumValue"), f"{pointer}/checksums/{index}/checksumValue")
    for key in ("licenseDeclared", "licenseConcluded"):
        expression = package.get(key)
        if not isinstance(expression, str) or expression in ("NOASSERTION", "NONE"):
            continue
        recognised = licenses.recognise(expression)
        if recognised.kind == "name":
            yield _license(expression, f"{pointer}/{key}")
        for ref in recognised.refs:
            if ref not in texts and not ref.startswith("DocumentRef-"):
                message = f"{_shown(ref)} has no text in this document"
                fix = "Add it to hasExtractedLicensingInfos."
                yield Finding(f"{pointer}/{key}", "undefined-license", message, fix)
