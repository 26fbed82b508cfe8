"""Format `cyclonedx-xml`: CycloneDX 1.4 to 1.7. https://cyclonedx.org/docs/1.6/xml/

The JSON document's values in the elements of the XML Schema, which wants them in its own order. What no field of a
component's can be carried over element by element stays a property.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sbomkit.errors import CorruptInput
from sbomkit.model.inventory import Inventory
from sbomkit.sbom import cyclonedx_read
from sbomkit.sbom.arrays import plain
from sbomkit.sbom.cyclonedx_component import FIELD
from sbomkit.sbom.cyclonedx_json import VERSIONS, build, cleaned
from sbomkit.sbom.format import Format, Meta
from sbomkit.sbom.xml_tree import Node, escape, is_legal, legal, parse

Json = dict[str, Any]

NAMESPACE = "http://cyclonedx.org/schema/bom/"
_TEXT_FIELDS = ("author", "publisher", "copyright", "scope", "externalReferences")
"""What is put back of foreign fields: those that are text, or lists that the schema spells alike."""


def encode(inventory: Inventory, meta: Meta, version: str) -> bytes:
    """The document, in UTF-8."""
    fields = frozenset(FIELD + name for name in _TEXT_FIELDS)
    document = build(inventory, meta, version, fields, expression_properties=False)
    written = "".join(_bom(document, version))
    if not is_legal(written):  # names that XML cannot spell are rare, so they are not looked for one by one
        document = plain(build(inventory, meta, version, fields, expression_properties=False))
        written = "".join(_bom(cleaned(document, legal), version))
    return written.encode()


def _attributes(values: Iterable[tuple[str, object]]) -> str:
    return "".join(f' {name}="{escape(str(value))}"' for name, value in values if value is not None)


def _leaf(tag: str, value: object, /, **attributes: object) -> str:
    inner = escape(str(value)) if value != "" else ""
    return f"<{tag}{_attributes(attributes.items())}>{inner}</{tag}>"


def _group(tag: str, inner: Iterable[str], /, **attributes: object) -> str:
    return f"<{tag}{_attributes(attributes.items())}>{''.join(inner)}</{tag}>"


def _leaves(entry: Json, *names: str) -> str:
    return "".join(_leaf(name, entry[name]) for name in names if isinstance(entry.get(name), str | float | int))


def _bom(document: Json, version: str) -> Iterator[str]:
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f'<bom xmlns="{NAMESPACE}{version}" serialNumber="{document["serialNumber"]}" version="1">'
    yield _metadata(document["metadata"])
    yield "<components>"
    for component in document["components"]:
        yield _component(component)
    yield "</components><dependencies>"
    for entry in document["dependencies"]:
        targets = [_leaf("dependency", "", ref=target) for target in entry.get("dependsOn", ())]
        yield _group("dependency", targets, ref=entry["ref"])
    yield "</dependencies><compositions>"
    for composition in document["compositions"]:
        yield "<composition>" + _leaves(composition, "aggregate")
        yield _group("assemblies", [_leaf("assembly", "", ref=ref) for ref in composition["assemblies"]])
        yield _group("dependencies", [_leaf("dependency", "", ref=ref) for ref in composition["dependencies"]])
        yield "</composition>"
    yield "</compositions>"
    if "annotations" in document:
        yield _group("annotations", map(_annotation, document["annotations"]))
    yield "</bom>\n"


def _annotation(annotation: Json) -> str:
    subjects = _group("subjects", [_leaf("subject", "", ref=ref) for ref in annotation["subjects"]])
    annotator = _group("annotator", [_component(annotation["annotator"]["component"])])
    return _group("annotation", [subjects, annotator, _leaves(annotation, "timestamp", "text")])


def _metadata(metadata: Json) -> str:
    parts = [_leaves(metadata, "timestamp")]
    if "lifecycles" in metadata:
        parts.append(_group("lifecycles", [_group("lifecycle", [_leaves(x, "phase")]) for x in metadata["lifecycles"]]))
    tools = metadata["tools"]
    if isinstance(tools, list):
        parts.append(_group("tools", [_group("tool", [_leaves(tool, "name", "version")]) for tool in tools]))
    else:
        parts.append(_group("tools", [_group("components", map(_component, tools["components"]))]))
    parts += [_component(metadata["component"]), _properties(metadata)]
    return _group("metadata", parts)


def _properties(entry: Json) -> str:
    properties = entry.get("properties")
    if not properties:
        return ""
    return _group("properties", [_leaf("property", item["value"], name=item["name"]) for item in properties])


def _hashes(entry: Json) -> str:
    listed = entry.get("hashes")
    known = (
        [x for x in listed if isinstance(x, dict) and {"alg", "content"} <= x.keys()]
        if isinstance(listed, list)
        else []
    )
    return _group("hashes", [_leaf("hash", x["content"], alg=x["alg"]) for x in known]) if known else ""


def _reference(reference: Json) -> str:
    return _group("reference", [_leaves(reference, "url", "comment"), _hashes(reference)], type=reference["type"])


def _component(component: Json) -> str:
    parts = []
    supplier = component.get("supplier")
    if supplier:
        contacts = [_group("contact", [_leaves(contact, "name", "email")]) for contact in supplier.get("contact", ())]
        parts.append(_group("supplier", [_leaves(supplier, "name"), *contacts]))
    parts.append(_leaves(component, "author", "publisher", "group", "name", "version", "description", "scope"))
    parts.append(_hashes(component))
    if "licenses" in component:
        parts.append(_group("licenses", map(_license, component["licenses"])))
    parts.append(_leaves(component, "copyright", "cpe", "purl"))
    if "externalReferences" in component:
        references = [x for x in component["externalReferences"] if isinstance(x, dict) and {"type", "url"} <= x.keys()]
        parts.append(_group("externalReferences", map(_reference, references)))
    parts.append(_properties(component))
    if "evidence" in component:
        parts.append(_evidence(component["evidence"]))
    return _group("component", parts, **{"type": component["type"], "bom-ref": component.get("bom-ref")})


def _license(choice: Json) -> str:
    if "expression" in choice:
        return _leaf("expression", choice["expression"], acknowledgement=choice.get("acknowledgement"))
    license = choice["license"]
    parts = [_leaves(license, "id", "name")]
    if "text" in license:
        parts.append(_leaves({"text": license["text"]["content"]}, "text"))
    return _group("license", [*parts, _properties(license)], acknowledgement=license.get("acknowledgement"))


def _evidence(evidence: Json) -> str:
    identities = evidence["identity"]
    parts = []
    for identity in identities if isinstance(identities, list) else [identities]:
        methods = [_group("method", [_leaves(m, "technique", "confidence", "value")]) for m in identity["methods"]]
        head = _leaves(identity, "field", "confidence", "concludedValue")
        parts.append(_group("identity", [head, _group("methods", methods)]))
    if "occurrences" in evidence:
        inner = [_group("occurrence", [_leaves(o, "location", "additionalContext")]) for o in evidence["occurrences"]]
        parts.append(_group("occurrences", inner))
    return _group("evidence", parts)


def decode(raw: bytes) -> Inventory:
    """The inventory of a document of any maker. Raises CorruptInput where it is not CycloneDX at all."""
    root = parse(raw)
    if root.name != "bom" or not root.namespace.startswith(NAMESPACE):
        raise CorruptInput("the XML is not CycloneDX: its root is not a <bom>", hint="See the file's first lines.")
    return cyclonedx_read.read(_read_bom(root))


def _read_bom(root: Node) -> Json:
    document: Json = {"components": [_read_component(node) for node in root.all("components", "component")]}
    metadata = root.child("metadata")
    if metadata is not None:
        component = metadata.child("component")
        document["metadata"] = _read_texts(metadata, "timestamp") | {"properties": _read_properties(metadata)}
        if component is not None:
            document["metadata"]["component"] = _read_component(component)
    document["dependencies"] = [
        {
            "ref": node.attributes.get("ref"),
            "dependsOn": [child.attributes.get("ref", "") for child in node.children if child.name == "dependency"],
        }
        for node in root.all("dependencies", "dependency")
    ]
    document["services"] = [{"bom-ref": node.attributes.get("bom-ref")} for node in root.all("services", "service")]
    document["compositions"] = [
        _read_texts(node, "aggregate")
        | {"assemblies": [child.attributes.get("ref", "") for child in node.all("assemblies", "assembly")]}
        for node in root.all("compositions", "composition")
    ]
    return document


def _read_texts(node: Node, *names: str) -> Json:
    found = {name: node.child(name) for name in names}
    return {name: child.text for name, child in found.items() if child is not None}


def _read_properties(node: Node) -> list[Json]:
    return [{"name": p.attributes.get("name", ""), "value": p.text} for p in node.all("properties", "property")]


def _read_component(node: Node) -> Json:
    names = ("author", "publisher", "group", "name", "version", "description", "scope", "copyright", "cpe", "purl")
    component = _read_texts(node, *names) | {"properties": _read_properties(node)}
    component |= {key: node.attributes[key] for key in ("type", "bom-ref", "mime-type") if key in node.attributes}
    supplier = node.child("supplier")
    if supplier is not None:
        contacts = [_read_texts(child, "name", "email") for child in supplier.children if child.name == "contact"]
        component["supplier"] = _read_texts(supplier, "name") | {"contact": contacts}
    component["hashes"] = _read_hashes(node)
    holder = node.child("licenses")
    component["licenses"] = [] if holder is None else [_read_license(child) for child in holder.children]
    references = [_read_reference(child) for child in node.all("externalReferences", "reference")]
    if references:
        component["externalReferences"] = references
    evidence = node.child("evidence")
    if evidence is not None:
        component["evidence"] = _read_evidence(evidence)
    inner = node.all("components", "component")
    if inner:
        component["components"] = [_read_component(child) for child in inner]
    return component


def _read_hashes(node: Node) -> list[Json]:
    return [{"alg": h.attributes.get("alg", ""), "content": h.text.strip()} for h in node.all("hashes", "hash")]


def _read_reference(node: Node) -> Json:
    reference = _read_texts(node, "url", "comment") | {"type": node.attributes.get("type", "")}
    hashes = _read_hashes(node)
    return reference | {"hashes": hashes} if hashes else reference


def _read_license(node: Node) -> Json:
    acknowledgement = {k: v for k, v in node.attributes.items() if k == "acknowledgement"}
    if node.name == "expression":
        return {"expression": node.text} | acknowledgement
    license = _read_texts(node, "id", "name") | acknowledgement | {"properties": _read_properties(node)}
    text = node.child("text")
    if text is not None:
        license["text"] = {"content": text.text}
    return {"license": license}


def _read_evidence(node: Node) -> Json:
    identities = []
    for child in node.children:
        if child.name == "identity":
            identity: Json = _read_texts(child, "field", "concludedValue")
            confidence = child.child("confidence")
            identity["confidence"] = _number("" if confidence is None else confidence.text)
            identity["methods"] = [
                _read_texts(method, "technique", "value") for method in child.all("methods", "method")
            ]
            identities.append(identity)
    occurrences = [_read_texts(o, "location", "additionalContext") for o in node.all("occurrences", "occurrence")]
    return {"identity": identities, "occurrences": occurrences}


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


FORMAT = Format(
    "cyclonedx-xml", "application/vnd.cyclonedx+xml", encode, VERSIONS, "1.6", read=decode, summary="CycloneDX in XML",
)  # fmt: skip
