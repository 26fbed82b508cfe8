"""What a file is, by its content: which document, of which version, in which wrapping.

Understood wrappings: gzip; in-toto statements (https://in-toto.io), DSSE envelopes, Sigstore bundles. Taking a document
out of an envelope says nothing about its signature: that note goes with it, as an issue.
"""

from __future__ import annotations

import base64
import binascii
import importlib
import re
import zlib
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from sbomkit.errors import CannotCheck, CorruptInput
from sbomkit.model.inventory import Inventory, Issue
from sbomkit.model.package import Package
from sbomkit.sbom.format import Format, formats
from sbomkit.sbom.reading import parse_json

LARGEST = 1 << 30
"""Bytes of a document, after decompression, that are read at most."""
_WRAPPINGS = 8
"""How many wrappings may lie inside each other."""
_CHUNK = 1 << 20
_XML_NAMESPACE = re.compile(rb"http://cyclonedx\.org/schema/bom/(1\.\d+)")
_TAG_VALUE = re.compile(rb"^\s*SPDXVersion:\s*SPDX-(\d\.\d)", re.MULTILINE)
_YAML = re.compile(rb"^[\"']?spdxVersion[\"']?\s*:\s*[\"']?SPDX-(\d\.\d)", re.MULTILINE)
_RDF = b"http://spdx.org/rdf/terms#"


@dataclass(frozen=True, slots=True)
class Detected:
    """A document and what it is."""

    format: str
    """The format's name, as `-o` takes it."""
    version: str
    raw: bytes
    """The document itself, out of its wrappings."""
    wrappings: tuple[str, ...] = ()
    """What it was taken out of, outermost first."""
    value: dict[str, Any] | None = field(default=None, compare=False, repr=False)
    """A JSON document, already parsed: parsing twice is what costs most."""

    @property
    def signed(self) -> bool:
        """Whether it came in an envelope, whose signature nobody has looked at."""
        return bool({"dsse", "sigstore-bundle"} & set(self.wrappings))


def detect(raw: bytes, *, largest: int = LARGEST) -> Detected:
    """What the bytes are. Raises CorruptInput for what is broken, CannotCheck for what is no known document."""
    wrappings: list[str] = []
    for _ in range(_WRAPPINGS):
        if raw[:2] == b"\x1f\x8b":
            raw = _gunzip(raw, largest)
            wrappings.append("gzip")
            continue
        if len(raw) > largest:
            raise CannotCheck(f"the document is larger than {largest} bytes", hint="Split or compact it.")
        found = _document(_utf8(raw))
        if isinstance(found, Detected):
            return replace(found, wrappings=tuple(wrappings))
        wrapping, raw = found
        wrappings.append(wrapping)
    raise CorruptInput(f"more than {_WRAPPINGS} wrappings inside each other: {', '.join(wrappings)}")


def read(raw: bytes, known: dict[str, tuple[object, Package]] | None = None) -> Inventory:
    """The inventory of any document that can be read. Raises CorruptInput or CannotCheck.

    `known`, given again with the next document, lets equal entries of both become one package.
    """
    detected = detect(raw)
    format = _format(detected.format)
    if format is None or format.read is None:
        raise CannotCheck(
            f"this is {detected.format} {detected.version}, which cannot be read yet",
            hint="Readable: " + ", ".join(f.name for f in formats() if f.read is not None) + ".",
        )
    if format.read_value is not None and detected.value is not None:
        inventory = format.read_value(detected.value, {} if known is None else known)
    else:
        inventory = format.decode(detected.raw)
    if not detected.signed:
        return inventory
    note = Issue("", f"taken out of {' in '.join(reversed(detected.wrappings))}: its signature was not verified")
    return replace(inventory, issues=(*inventory.issues, note))


def _format(name: str) -> Format | None:
    """The format of this name. Its own module is looked at first: importing all of them takes longer than reading."""
    module = "inventory_json" if name == "json" else name.replace("-", "_")
    try:
        found = getattr(importlib.import_module(f"sbomkit.sbom.{module}"), "FORMAT", None)
    except ModuleNotFoundError:
        found = None
    if isinstance(found, Format) and found.name == name:
        return found
    return next((format for format in formats() if format.name == name), None)


def _gunzip(raw: bytes, largest: int) -> bytes:
    """The whole of a gzip file, also of several members, within bounds."""
    pieces: list[bytes] = []
    size = 0
    while raw[:2] == b"\x1f\x8b":
        member = zlib.decompressobj(wbits=31)
        try:
            while not member.eof:
                piece = member.decompress(raw, _CHUNK)
                raw = member.unconsumed_tail or member.unused_data
                size += len(piece)
                pieces.append(piece)
                if size > largest:
                    raise CannotCheck(f"the document is larger than {largest} bytes when decompressed")
                if not piece and not member.eof and not raw:
                    raise CorruptInput("the gzip file ends early", hint="Fetch it again.")
        except zlib.error as error:
            raise CorruptInput(f"the gzip file is broken: {error}", hint="Fetch it again.") from error
    return b"".join(pieces)


def _utf8(raw: bytes) -> bytes:
    """The document without a byte order mark. Raises CorruptInput for other encodings."""
    if raw[:3] == b"\xef\xbb\xbf":
        return raw[3:]
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff") or raw[:4].count(0) >= 2 or (len(raw) > 3 and raw[1] == 0):
        raise CorruptInput("the document is UTF-16 or UTF-32; SBOM documents are UTF-8", hint="Convert it with iconv.")
    return raw


def _document(raw: bytes) -> Detected | tuple[str, bytes]:
    """A document, or one layer of wrapping and what is in it."""
    head = raw[:65536].lstrip()
    if not head:
        raise CorruptInput("the file is empty", hint="Was it written completely?")
    if head[:1] in b"{[":
        return _json(raw)
    if head[:1] == b"<":
        return _xml(raw, head)
    tag_value = _TAG_VALUE.search(head)
    if tag_value:
        return Detected("spdx-tag-value", tag_value.group(1).decode(), raw)
    yaml = _YAML.search(head)
    if yaml:
        return Detected("spdx-yaml", yaml.group(1).decode(), raw)
    raise _unknown()


def _unknown(what: str = "") -> CannotCheck:
    return CannotCheck(
        f"not an SBOM document that is known here{': ' + what if what else ''}",
        hint="Known: CycloneDX (JSON, XML), SPDX (JSON, YAML, tag-value, RDF), sbomkit's own inventory.",
    )


def _xml(raw: bytes, head: bytes) -> Detected:
    namespace = _XML_NAMESPACE.search(head)
    if namespace:
        return Detected("cyclonedx-xml", namespace.group(1).decode(), raw)
    if _RDF in head:
        return Detected("spdx-rdf", "2", raw)
    raise _unknown("XML of another kind")


def _json(raw: bytes) -> Detected | tuple[str, bytes]:
    try:
        value = parse_json(raw)
    except orjson.JSONDecodeError as error:
        raise CorruptInput(f"the document looks like JSON but is not: {error}", hint="Is it complete?") from error
    if not isinstance(value, dict):
        raise _unknown("a JSON list")
    if value.get("bomFormat") == "CycloneDX" or "cyclonedx.org/schema/bom" in str(value.get("$schema")):
        return Detected("cyclonedx-json", str(value.get("specVersion", "")), raw, value=value)
    if "spdxVersion" in value:
        return Detected("spdx-json", str(value["spdxVersion"]).removeprefix("SPDX-"), raw, value=value)
    if "@graph" in value or "spdx.org/rdf/3" in str(value.get("@context")):
        return Detected("spdx3-json", "3.0.1", raw, value=value)
    if value.get("format") == "sbomkit-inventory":
        return Detected("json", str(value.get("version", "")), raw, value=value)
    return _wrapped(value)


def _wrapped(value: dict[str, Any]) -> tuple[str, bytes]:
    """The content of an envelope, a bundle or a statement."""
    if isinstance(value.get("dsseEnvelope"), dict):
        return "sigstore-bundle", orjson.dumps(value["dsseEnvelope"])
    if "messageSignature" in value and str(value.get("mediaType", "")).startswith("application/vnd.dev.sigstore"):
        raise CannotCheck("a Sigstore bundle with a bare signature, which holds no document", hint="Give the document.")
    if isinstance(value.get("payload"), str) and "payloadType" in value:
        try:
            return "dsse", base64.b64decode(value["payload"].translate(_URL_SAFE), validate=True)
        except (binascii.Error, ValueError) as error:
            raise CorruptInput(f"the DSSE envelope's payload is not base64: {error}") from error
    if "predicateType" in value:
        predicate = value.get("predicate")
        if isinstance(predicate, dict) and len(predicate) <= 2 and "Data" in predicate:  # as cosign wraps its own
            predicate = predicate["Data"]
        if isinstance(predicate, dict):
            return "in-toto", orjson.dumps(predicate)
        if isinstance(predicate, str):
            return "in-toto", predicate.encode("utf-8", "surrogatepass")
        raise CorruptInput(f"the in-toto statement has no predicate; its type is {str(value['predicateType'])[:200]!r}")
    if isinstance(value.get("artifacts"), list) and isinstance(value.get("descriptor"), dict):
        raise _unknown("syft's own JSON; have syft write cyclonedx-json or spdx-json")
    if isinstance(value.get("Results"), list):
        raise _unknown("trivy's own report; have trivy write --format cyclonedx or spdx-json")
    raise _unknown("JSON of another kind")


_URL_SAFE = {ord("-"): "+", ord("_"): "/"}
