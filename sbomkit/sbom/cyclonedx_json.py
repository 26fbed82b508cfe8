"""Format `cyclonedx-json`: CycloneDX 1.4 to 1.7. https://cyclonedx.org/docs/1.6/json/

Plain dicts and orjson, because the model library takes minutes where this takes milliseconds. A package's bom-ref is
its purl, the root's is `root`. What has no field of its own stands in properties, under names that stay stable:

    metadata.properties    sbomkit:coverage[:reason], sbomkit:coverage:CATALOGER[:packages|:reason],
                           sbomkit:issue:N:path|reason|layer|cataloger, sbomkit:relationships:dangling
    root component         sbomkit:image:id|platform|mediaType|created, sbomkit:config:KEY,
                           sbomkit:layer:N:diffID|digest|size|mediaType|createdBy   (N counts from the bottom)
    operating system       sbomkit:distro:id|versionID|name|codename|idLike|path
    packages               sbomkit:type, sbomkit:kind, sbomkit:cataloger, sbomkit:layer:introducedBy,
                           sbomkit:ownedBy, sbomkit:contains (a bom-ref each),
                           sbomkit:licenses (JSON: the statements as they were, where the fields cannot say so),
                           sbomkit:technique, sbomkit:confidence (before 1.5), sbomkit:source:name|version,
                           sbomkit:cpe, sbomkit:hash, sbomkit:homepage, sbomkit:version,
                           sbomkit:location:N:path|layer (where occurrences cannot hold them), sbomkit:extra:KEY
    licences               sbomkit:license:source, sbomkit:license:concluded, sbomkit:license:declaredAs
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from sbomkit.errors import CorruptInput
from sbomkit.model.inventory import Inventory, Subject
from sbomkit.sbom import coverage, cyclonedx_read, identity, text
from sbomkit.sbom.arrays import dump, plain
from sbomkit.sbom.cyclonedx_component import ComponentWriter, hashes, prop
from sbomkit.sbom.format import Format, Meta
from sbomkit.sbom.graph import Graph, resolve
from sbomkit.sbom.reading import load_json

Json = dict[str, Any]

VERSIONS = ("1.4", "1.5", "1.6", "1.7")
ROOT = "root"
_AGGREGATE = {"full": "complete", "partial": "incomplete", "none": "unknown"}
"""CycloneDX's words (aggregateType) for ours."""


def encode(inventory: Inventory, meta: Meta, version: str) -> bytes:
    """The document, in UTF-8, compact, with a line end."""
    try:
        return dump(build(inventory, meta, version))
    except TypeError:  # orjson refuses lone surrogates, which hostile names bring; rare, so it is not looked for first
        return dump(cleaned(plain(build(inventory, meta, version)), text.without_surrogates))


def cleaned(document: Json, clean_text: Callable[[str], str]) -> Json:
    """The document with every string made fit. References that have become equal by that name one component."""
    clean: Json = text.plain_without_surrogates(document, clean_text)
    root, *dependencies = clean["dependencies"]
    first = {c["bom-ref"]: (c, d) for c, d in zip(reversed(clean["components"]), reversed(dependencies), strict=True)}
    kept = list(reversed(first.values()))
    result = [root, *(dependency for _, dependency in kept)]
    for dependency in result:
        if "dependsOn" in dependency:
            dependency["dependsOn"] = sorted(set(dependency["dependsOn"]))
    return clean | {"components": [component for component, _ in kept], "dependencies": result}


def build(
    inventory: Inventory,
    meta: Meta,
    version: str,
    fields: frozenset[str] | None = None,
    *,
    expression_properties: bool = True,
) -> Json:
    """The document as plain values; its long lists are iterators.

    For serialisations that hold less: `fields` are the foreign fields to put back, all where it is None;
    `expression_properties`: whether licence expressions may have properties where the version knows them.
    """
    graph = resolve(inventory)
    metadata = _metadata(inventory, meta, version)
    if graph.dangling:
        metadata["properties"].append(prop("sbomkit:relationships:dangling", str(graph.dangling)))
    system = _operating_system(inventory)
    first = [] if system is None else [system]
    writer = ComponentWriter(version, graph)
    writer.expression_properties &= expression_properties
    if fields is not None:
        writer.foreign_fields &= fields
    document: Json = {
        "$schema": f"http://cyclonedx.org/schema/bom-{version}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": version,
        "serialNumber": identity.content_uuid("cyclonedx", version, inventory, meta).urn,
        "version": 1,
        "metadata": metadata,
        "components": chain(first, map(writer.component, inventory.packages)),
        "dependencies": _dependencies(inventory, graph, [component["bom-ref"] for component in first]),
        "compositions": [
            {"aggregate": _AGGREGATE[inventory.coverage.status], "assemblies": [ROOT], "dependencies": [ROOT]}
        ],
    }
    if version != "1.4" and coverage.has_gaps(inventory):
        document["annotations"] = [_annotation(inventory, meta)]
    return document


def _dependencies(inventory: Inventory, graph: Graph, system: list[str]) -> Iterator[Json]:
    """Every component has an entry; one without `dependsOn` depends on nothing that is known."""
    top = [*system, *graph.roots]
    yield {"ref": ROOT, "dependsOn": top} if top else {"ref": ROOT}
    for ref in system:
        yield {"ref": ref}
    depends_on = graph.depends_on
    for package in inventory.packages:
        targets = depends_on.get(package.purl)
        yield {"ref": package.purl, "dependsOn": targets} if targets else {"ref": package.purl}


def _tool(meta: Meta) -> Json:
    return {"type": "application", "name": meta.tool, "version": meta.tool_version}


def _metadata(inventory: Inventory, meta: Meta, version: str) -> Json:
    metadata: Json = {"timestamp": meta.timestamp}
    if version == "1.4":
        metadata["tools"] = [{"name": meta.tool, "version": meta.tool_version}]
    else:
        metadata["lifecycles"] = [{"phase": meta.lifecycle}]
        metadata["tools"] = {"components": [_tool(meta)]}
    metadata["component"] = _root(inventory.subject)
    metadata["properties"] = _coverage_properties(inventory)
    return metadata


def _annotation(inventory: Inventory, meta: Meta) -> Json:
    """What a reader must know before trusting the list, in words."""
    return {
        "subjects": [ROOT],
        "annotator": {"component": _tool(meta)},
        "timestamp": meta.timestamp,
        "text": "\n".join(coverage.lines(inventory)),
    }


def _root(subject: Subject) -> Json:
    """The image, or the root filesystem, that the document is about."""
    root: Json = {
        "type": "container" if subject.kind == "container" else "file",
        "bom-ref": ROOT,
        "name": subject.name,
    }
    version = identity.subject_version(subject)
    if version:
        root["version"] = version[:1024]
    if subject.digest is not None:
        root["hashes"] = hashes((subject.digest,))
        purl = identity.oci_purl(subject)
        if purl:
            root["purl"] = purl
    properties = [
        prop(f"sbomkit:image:{key}", value)
        for key, value in (
            ("id", str(subject.image_id or "")),
            ("platform", subject.platform),
            ("mediaType", subject.media_type),
            ("created", subject.created),
        )
        if value
    ]
    for index, layer in enumerate(subject.layers):
        fields = {
            "diffID": layer.diff_id,
            "digest": layer.digest,
            "size": "" if layer.size is None else str(layer.size),
            "mediaType": layer.media_type,
            "createdBy": layer.created_by,
        }
        properties += [prop(f"sbomkit:layer:{index}:{key}", value) for key, value in fields.items() if value]
    properties += [prop(f"sbomkit:config:{key}", value) for key, value in subject.config]
    if properties:
        root["properties"] = properties
    return root


def _operating_system(inventory: Inventory) -> Json | None:
    distro = inventory.distro
    name = distro.id or distro.name
    if not name:
        return None
    system: Json = {"type": "operating-system", "bom-ref": f"os:{name}@{distro.version_id}", "name": name}
    if distro.version_id:
        system["version"] = distro.version_id[:1024]
    if distro.pretty_name:
        system["description"] = distro.pretty_name
    fields = {
        "id": distro.id,
        "versionID": distro.version_id,
        "name": distro.name,
        "codename": distro.codename,
        "idLike": " ".join(distro.id_like),
        "path": distro.path,
    }
    system["properties"] = [prop(f"sbomkit:distro:{key}", value) for key, value in fields.items() if value]
    return system


def _coverage_properties(inventory: Inventory) -> list[Json]:
    seen = inventory.coverage
    result = [prop("sbomkit:coverage", seen.status)]
    result += [prop("sbomkit:coverage:reason", reason) for reason in seen.reasons]
    for ecosystem in seen.ecosystems:
        name = f"sbomkit:coverage:{ecosystem.cataloger}"
        result += [prop(name, ecosystem.status), prop(f"{name}:packages", str(ecosystem.packages))]
        result += [prop(f"{name}:reason", reason) for reason in ecosystem.reasons]
    for index, issue in enumerate(inventory.issues):
        fields = {"path": issue.path, "reason": issue.reason, "layer": issue.layer, "cataloger": issue.cataloger}
        result += [prop(f"sbomkit:issue:{index}:{key}", value) for key, value in fields.items() if value]
    return result


def decode(raw: bytes) -> Inventory:
    """The inventory of a document of any maker. Raises CorruptInput where it is not CycloneDX at all."""
    document = load_json(raw, "CycloneDX")
    if document.get("bomFormat") != "CycloneDX" and "cyclonedx.org" not in str(document.get("$schema")):
        raise CorruptInput("the document is not CycloneDX: bomFormat is missing", hint="See the file's first lines.")
    return cyclonedx_read.read(document)


def decode_value(document: dict[str, Any], known: cyclonedx_read.Known | None = None) -> Inventory:
    """As `decode`, of parsed JSON that was recognised. `known`: as `detect.read` has it."""
    return cyclonedx_read.read(document, known)


FORMAT = Format(
    "cyclonedx-json",
    "application/vnd.cyclonedx+json",
    encode,
    VERSIONS,
    "1.6",
    read=decode,
    read_value=decode_value,
    aliases=("cyclonedx",),
    summary="CycloneDX in JSON",
)
