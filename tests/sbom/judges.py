"""Independent judges of documents: official schemas, the reference libraries, and a check of references."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from sbomkit.sbom import schemas

CYCLONEDX = {
    "1.4": SchemaVersion.V1_4,
    "1.5": SchemaVersion.V1_5,
    "1.6": SchemaVersion.V1_6,
    "1.7": SchemaVersion.V1_7,
}


@cache
def cyclonedx_schema(version: str) -> Any:
    names = ("spdx", "jsf-0.82", "cryptography-defs")
    parts = {name: json.loads(schemas.read(f"cyclonedx/{name}.schema.json")) for name in names}
    registry = jsonschema_rs.Registry([(part["$id"], part) for part in parts.values()])
    schema = json.loads(schemas.read(f"cyclonedx/bom-{version}.schema.json"))
    return jsonschema_rs.validator_for(schema, registry=registry, validate_formats=True)


@cache
def spdx_schema(version: str) -> Any:
    return jsonschema_rs.validator_for(json.loads(schemas.read(f"spdx/spdx-{version}.schema.json")))


def schema_errors(validator: Any, document: object) -> list[str]:
    return [f"{list(error.instance_path)}: {error.message[:300]}" for error in validator.iter_errors(document)][:5]


def cyclonedx_faults(raw: bytes, version: str, *, library: bool = True) -> list[str]:
    document = json.loads(raw)
    faults = schema_errors(cyclonedx_schema(version), document) + cyclonedx_reference_faults(document)
    if library:
        error = JsonStrictValidator(CYCLONEDX[version]).validate_str(raw.decode())
        faults += [str(error)] if error else []
    return faults


def cyclonedx_reference_faults(document: dict[str, Any]) -> list[str]:
    """Dangling and duplicate references, and components that the root does not lead to."""
    root = document["metadata"]["component"]["bom-ref"]
    refs = Counter([root, *(component["bom-ref"] for component in document.get("components", ()))])
    faults = [f"twice: {ref}" for ref, count in refs.items() if count > 1]
    entries = {entry["ref"]: entry.get("dependsOn", []) for entry in document["dependencies"]}
    if len(entries) != len(document["dependencies"]):
        faults.append("a dependency entry stands twice")
    faults += [f"no entry: {ref}" for ref in refs if ref not in entries]
    faults += [f"dangling: {ref}" for ref, on in entries.items() for target in (ref, *on) if target not in refs]
    for component in document.get("components", ()):
        for prop in component.get("properties", ()):
            if prop["name"] in ("sbomkit:ownedBy", "sbomkit:contains") and prop["value"] not in refs:
                faults.append(f"dangling property: {prop['value']}")
    reached, stack = {root}, [root]
    while stack:
        for target in entries.get(stack.pop(), ()):
            if target not in reached:
                reached.add(target)
                stack.append(target)
    return faults + [f"not reached: {ref}" for ref in refs if ref not in reached]


def spdx_faults(raw: bytes, version: str, *, library: bool = True) -> list[str]:
    document = json.loads(raw)
    faults = schema_errors(spdx_schema(version), document) + spdx_reference_faults(document)
    if library:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "document.spdx.json"
            path.write_bytes(raw)
            parsed = parse_file(str(path))
        messages = validate_full_spdx_document(parsed, f"SPDX-{version}")
        faults += [message.validation_message for message in messages]
    return faults


def spdx_reference_faults(document: dict[str, Any]) -> list[str]:
    ids = Counter(["SPDXRef-DOCUMENT", *(package["SPDXID"] for package in document["packages"])])
    faults = [f"twice: {id}" for id, count in ids.items() if count > 1]
    edges = [
        (edge["spdxElementId"], edge["relationshipType"], edge["relatedSpdxElement"])
        for edge in document["relationships"]
    ]
    faults += [f"dangling: {edge}" for edge in edges if edge[0] not in ids or edge[2] not in ids]
    faults += [f"an edge twice: {edge}" for edge, count in Counter(edges).items() if count > 1]
    held = {edge[2] for edge in edges if edge[1] in ("CONTAINS", "DESCRIBES")}
    return faults + [f"not held: {id}" for id in ids if id not in held and id != "SPDXRef-DOCUMENT"]
