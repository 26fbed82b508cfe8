"""Format `json`: the inventory itself, without loss. Its schema is schemas/inventory.schema.json.

Fields stand under the model's own names; what is empty is left out. Reading is strict: the schema decides.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson

from sbomkit.errors import CorruptInput
from sbomkit.model.digest import Digest
from sbomkit.model.distro import Distro
from sbomkit.model.inventory import Coverage, EcosystemCoverage, Inventory, Issue, LayerInfo, Subject
from sbomkit.model.package import License, Location, Package, Relationship
from sbomkit.sbom import inventory_read, schemas, text
from sbomkit.sbom.arrays import dump, plain
from sbomkit.sbom.format import Format, Meta
from sbomkit.sbom.reading import parse_json

Json = dict[str, Any]

VERSION = "1"


def encode(inventory: Inventory, meta: Meta, version: str) -> bytes:
    """The document, in UTF-8, compact, with a line end."""
    try:
        return dump(build(inventory, meta, version))
    except TypeError:  # lone surrogates, of names that are not UTF-8
        return dump(text.plain_without_surrogates(plain(build(inventory, meta, version))))


def build(inventory: Inventory, meta: Meta, version: str) -> Json:
    """The document as plain values; its long lists are iterators."""
    return {
        "format": "sbomkit-inventory",
        "version": version,
        "tool": {"name": meta.tool, "version": meta.tool_version},
        "timestamp": meta.timestamp,
        "subject": _subject(inventory.subject),
        "distro": _kept(
            id=inventory.distro.id,
            version_id=inventory.distro.version_id,
            name=inventory.distro.name,
            pretty_name=inventory.distro.pretty_name,
            codename=inventory.distro.codename,
            id_like=inventory.distro.id_like,
            path=inventory.distro.path,
        ),
        "coverage": _coverage(inventory.coverage),
        "packages": map(_package, inventory.packages),
        "relationships": ({"source": r.source, "kind": r.kind, "target": r.target} for r in inventory.relationships),
        "issues": [
            {"path": i.path, "reason": i.reason} | _kept(layer=i.layer, cataloger=i.cataloger) for i in inventory.issues
        ],
    }


def _kept(**fields: object) -> Json:
    return {key: value for key, value in fields.items() if value}


def _digest(digest: Digest | None) -> str:
    return "" if digest is None else str(digest)


def _subject(subject: Subject) -> Json:
    layers = []
    for layer in subject.layers:
        entry: Json = {"diff_id": layer.diff_id}
        entry |= _kept(digest=layer.digest, media_type=layer.media_type, created_by=layer.created_by)
        if layer.size is not None:
            entry["size"] = layer.size
        layers.append(entry)
    return {"name": subject.name, "kind": subject.kind} | _kept(
        version=subject.version,
        digest=_digest(subject.digest),
        media_type=subject.media_type,
        image_id=_digest(subject.image_id),
        platform=subject.platform,
        created=subject.created,
        layers=layers,
        config=subject.config,
    )


def _coverage(coverage: Coverage) -> Json:
    ecosystems = [
        {"cataloger": e.cataloger, "packages": e.packages, "status": e.status} | _kept(reasons=e.reasons)
        for e in coverage.ecosystems
    ]
    return {"status": coverage.status} | _kept(reasons=coverage.reasons, ecosystems=ecosystems)


def _license(license: License) -> Json:
    return {"value": license.value} | _kept(concluded=license.concluded, text=license.text, source=license.source)


def _package(package: Package) -> Json:
    entry: Json = {"purl": package.purl, "type": package.type, "name": package.name, "version": package.version}
    for key in _TEXTS:
        value = getattr(package, key)
        if value:
            entry[key] = value
    if package.kind != "library":
        entry["kind"] = package.kind
    if package.technique != "manifest-analysis":
        entry["technique"] = package.technique
    if package.confidence != 1.0:
        entry["confidence"] = package.confidence
    if package.licenses:
        entry["licenses"] = [_license(license) for license in package.licenses]
    if package.locations:
        entry["locations"] = [
            {"path": x.path, "layer": x.layer} if x.layer else {"path": x.path} for x in package.locations
        ]
    if package.hashes:
        entry["hashes"] = [str(digest) for digest in package.hashes]
    if package.cpes:
        entry["cpes"] = package.cpes
    if package.extra:
        entry["extra"] = package.extra
    return entry


_TEXTS = (
    "namespace", "cataloger", "introduced_by", "supplier", "homepage", "description", "source_name", "source_version",
)  # fmt: skip


def decode(raw: bytes) -> Inventory:
    """The inventory. Raises CorruptInput for what is not JSON, or not what the schema asks for."""
    try:
        document = parse_json(raw)
    except orjson.JSONDecodeError as error:
        raise CorruptInput(f"the inventory is not JSON: {error}", hint="Write it again with -o json.") from error
    return decode_value(document)


def decode_value(document: object, known: inventory_read.Known | None = None) -> Inventory:
    """As `decode`, of parsed JSON. `known`: what was read of other documents, and is now."""
    return inventory_read.read(document, known) or _explained(document)


def _explained(document: Any) -> Inventory:
    """The slow way, which knows what is wrong and where."""
    _check(document)
    try:
        return Inventory(
            subject=_read_subject(document["subject"]),
            packages=tuple(_read_package(entry) for entry in document["packages"]),
            relationships=tuple(Relationship(**entry) for entry in document["relationships"]),
            distro=_read_distro(document["distro"]),
            coverage=_read_coverage(document["coverage"]),
            issues=tuple(Issue(**entry) for entry in document["issues"]),
        )
    except ValueError as error:
        raise CorruptInput(f"the inventory holds a bad value: {error}") from error


@cache
def _validator() -> Any:
    import jsonschema_rs

    return jsonschema_rs.validator_for(orjson.loads(schemas.read("inventory.schema.json")))


def _check(document: object) -> None:
    error = next(iter(_validator().iter_errors(document)), None)
    if error is not None:
        pointer = "".join(f"/{part}" for part in error.instance_path) or "/"
        message = text.printable(str(error.message))
        raise CorruptInput(
            f"not an inventory: at {pointer}: {message[:300]}", hint="See schemas/inventory.schema.json."
        )


def _pairs(entries: list[list[str]]) -> tuple[tuple[str, str], ...]:
    return tuple((key, value) for key, value in entries)


def _read_subject(entry: Json) -> Subject:
    fields = dict(entry)
    fields["layers"] = tuple(LayerInfo(**layer) for layer in entry.get("layers", ()))
    fields["config"] = _pairs(entry.get("config", []))
    for key in ("digest", "image_id"):
        if key in entry:
            fields[key] = Digest.parse(entry[key])
    return Subject(**fields)


def _read_distro(entry: Json) -> Distro:
    return Distro(**(entry | {"id_like": tuple(entry.get("id_like", ()))}))


def _read_coverage(entry: Json) -> Coverage:
    ecosystems = tuple(
        EcosystemCoverage(**(ecosystem | {"reasons": tuple(ecosystem.get("reasons", ()))}))
        for ecosystem in entry.get("ecosystems", ())
    )
    return Coverage(entry["status"], tuple(entry.get("reasons", ())), ecosystems)


def _read_package(entry: Json) -> Package:
    fields = dict(entry)
    if "licenses" in entry:
        fields["licenses"] = tuple(License(**license) for license in entry["licenses"])
    if "locations" in entry:
        fields["locations"] = tuple(Location(**location) for location in entry["locations"])
    if "hashes" in entry:
        fields["hashes"] = tuple(Digest.parse(digest) for digest in entry["hashes"])
    if "cpes" in entry:
        fields["cpes"] = tuple(entry["cpes"])
    if "extra" in entry:
        fields["extra"] = _pairs(entry["extra"])
    return Package(**fields)


FORMAT = Format(
    "json", "application/vnd.sbomkit.inventory+json", encode, (VERSION,), VERSION, read=decode,
    read_value=decode_value, aliases=("inventory",),
    summary="sbomkit's own inventory, without loss",
)  # fmt: skip
