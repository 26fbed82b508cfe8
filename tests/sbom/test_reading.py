"""Documents read back: ours without loss, those of others as far as they go, broken ones with a clear error."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.validation.xml import XmlValidator
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sbomkit.errors import CannotCheck, CorruptInput, SbomkitError
from sbomkit.model.inventory import Coverage, Inventory, Subject
from sbomkit.model.package import Package
from sbomkit.sbom.detect import detect, read
from sbomkit.sbom.format import find, formats
from sbomkit.sbom.validate import validate
from tests.sbom import build, judges
from tests.sbom.build import META
from tests.sbom.test_documents import inventories

FIXTURES = Path(__file__).parents[2] / "fixtures" / "sboms"
READABLE = [(f.name, version) for f in formats() if f.read for version in f.versions]


def written(name: str, version: str | None = None, inventory: Inventory | None = None) -> bytes:
    return find(name).encode(inventory or build.rich(), META, version)


@pytest.mark.parametrize(("name", "version"), READABLE)
def test_what_we_write_reads_back_equal(name: str, version: str) -> None:
    for inventory in (build.rich(), build.empty(), build.big(40)):
        raw = written(name, version, inventory)
        assert read(raw) == inventory
        assert not name.endswith("json") or validate(raw).valid
        assert detect(raw).version == version


@pytest.mark.parametrize("name", ["cyclonedx-json", "spdx-json", "cyclonedx-xml"])
def test_syft_documents_are_read(name: str) -> None:
    suffix = {"cyclonedx-json": "cdx.json", "spdx-json": "spdx.json", "cyclonedx-xml": "cdx.xml"}[name]
    raw = (FIXTURES / f"syft-alpine.{suffix}").read_bytes()
    inventory = read(raw)
    assert len(inventory.packages) == 14
    musl = next(package for package in inventory.packages if package.name == "musl")
    assert musl.purl.startswith("pkg:apk/alpine/musl@1.2.5-r0?")
    assert musl.licenses[0].value == "MIT"
    assert musl.supplier
    assert len(inventory.relationships) == 19
    assert not inventory.issues
    assert inventory.coverage.status == "partial"
    again = written(name, None, inventory)
    if name.endswith("json"):
        assert validate(raw).valid
        assert validate(again).valid
    assert read(again).packages == inventory.packages


def test_foreign_fields_survive_in_the_same_format() -> None:
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "components": [
            {
                "type": "library",
                "name": "x",
                "copyright": "(c) X",
                "scope": "optional",
                "properties": [{"name": "vendor:thing", "value": "1"}, {"name": "vendor:thing", "value": "2"}],
                "externalReferences": [{"type": "vcs", "url": "https://example.org/x.git"}],
            }
        ],
    }
    inventory = read(json.dumps(document).encode())
    component = json.loads(written("cyclonedx-json", "1.6", inventory))["components"][0]
    assert component["copyright"] == "(c) X"
    assert component["scope"] == "optional"
    assert component["externalReferences"] == [{"type": "vcs", "url": "https://example.org/x.git"}]
    for prop in ({"name": "vendor:thing", "value": "1"}, {"name": "vendor:thing", "value": "2"}):
        assert prop in component["properties"]


def _wrapped(raw: bytes) -> list[tuple[bytes, tuple[str, ...]]]:
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [],
        "predicateType": "https://cyclonedx.org/bom",
        "predicate": json.loads(raw),
    }
    payload = json.dumps(statement).encode()
    envelope = {
        "payloadType": "application/vnd.in-toto+json",
        "payload": base64.b64encode(payload).decode(),
        "signatures": [],
    }
    bundle = {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json", "dsseEnvelope": envelope}
    return [
        (payload, ("in-toto",)),
        (json.dumps(envelope).encode(), ("dsse", "in-toto")),
        (gzip.compress(json.dumps(bundle).encode()), ("gzip", "sigstore-bundle", "dsse", "in-toto")),
        (gzip.compress(raw[:100]) + gzip.compress(raw[100:]), ("gzip",)),
        (b"\xef\xbb\xbf" + raw, ()),
    ]


def test_documents_are_taken_out_of_their_wrappings() -> None:
    raw = written("cyclonedx-json")
    for wrapped, names in _wrapped(raw):
        assert detect(wrapped).wrappings == names
        inventory = read(wrapped)
        assert inventory.packages == build.rich().packages
        told = any("signature was not verified" in issue.reason for issue in inventory.issues)
        assert told == ("dsse" in names)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "empty"), (b"   ", "empty"), (b"{", "not"), (b"[]", "list"), (b"hello", "not an SBOM"),
        (b"{}", "another kind"), (b"\xff\xfe{\x00", "UTF-16"), (b"{\x00}\x00", "UTF-16"), (b"<a/>", "XML"),
        (b"[" * 100_000, "not"), (b'{"a":' * 100_000, "not"), (b"\x1f\x8b\x08\x00", "gzip"),
        (gzip.compress(b"x" * 100)[:-9], "gzip"), (b'{"payloadType":"x","payload":"***"}', "base64"),
        (b'{"predicateType":"x"}', "predicate"), (b'{"artifacts":[],"descriptor":{}}', "syft"),
        (b'{"bomFormat":"CycloneDX"', "not"), (b'\xff{"bomFormat":"CycloneDX"}', "not"),
    ],
)  # fmt: skip
def test_what_is_no_document_is_a_clear_error(raw: bytes, words: str) -> None:
    with pytest.raises(SbomkitError, match=words) as caught:
        read(raw)
    assert caught.value.exit_code == 3


def test_bombs_stop_at_the_limit() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    with pytest.raises(CannotCheck, match="larger"):
        detect(bomb, largest=1_000_000)
    raw = b"{}"
    for _ in range(20):
        raw = json.dumps({"payloadType": "x", "payload": base64.b64encode(raw).decode()}).encode()
    with pytest.raises(CorruptInput, match="wrappings"):
        detect(raw)


def _mutated(document: Any, path: list[Any], value: Any) -> bytes:
    document = json.loads(json.dumps(document))
    target = document
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return json.dumps(document).encode()


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_any_value_anywhere_is_an_issue_not_a_crash(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["cyclonedx-json", "spdx-json", "spdx3-json"]))
    document = json.loads(written(name))
    path: list[Any] = []
    target = document
    while isinstance(target, dict | list) and target and (not path or data.draw(st.integers(0, 5))):
        keys = list(target) if isinstance(target, dict) else list(range(len(target)))
        path.append(data.draw(st.sampled_from(keys)))
        target = target[path[-1]]
    value: Any = data.draw(
        st.sampled_from([None, 5, -1.5, True, "", "x", "sha256:zz", [], {}, [None], [{}], {"a": []}, [[]]])
    )
    raw = _mutated(document, path, value)
    try:
        inventory = read(raw)
        validate(raw)
    except SbomkitError:
        return
    for format in formats():
        format.encode(inventory, META)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(inventories())
def test_hostile_inventories_read_back_and_settle(inventory: Inventory) -> None:
    for name in ("cyclonedx-json", "spdx-json", "spdx3-json", "cyclonedx-xml"):
        once = read(written(name, None, inventory))
        assert read(written(name, None, once)).packages == once.packages


CYCLONEDX_FAULTS: list[tuple[list[Any], Any, str, str]] = [
    (["components", 1, "bom-ref"], "os:debian@12", "duplicate-reference", "/components/1/bom-ref"),
    (["dependencies", 0, "dependsOn"], ["pkg:x/gone"], "dangling-reference", "/dependencies/0/dependsOn/0"),
    (["dependencies", 2, "dependsOn"], [build.LIBC], "self-dependency", "/dependencies/2/dependsOn/0"),
    (["components", 1, "purl"], "not a purl", "bad-purl", "/components/1/purl"),
    (["components", 1, "cpe"], "cpe:2.3:a:b", "bad-cpe", "/components/1/cpe"),
    (["components", 1, "licenses"], [{"expression": "MIT AND"}], "bad-license", "/components/1/licenses/0/expression"),
    (
        ["components", 1, "hashes"],
        [{"alg": "SHA-256", "content": "a" * 32}],
        "bad-hash",
        "/components/1/hashes/0/content",
    ),
    (["metadata", "timestamp"], "yesterday", "bad-time", "/metadata/timestamp"),
    (["components", 1, "type"], "thing", "schema", "/components/1/type"),
    (["compositions", 0, "assemblies"], ["gone"], "dangling-reference", "/compositions/0/assemblies/0"),
]


@pytest.mark.parametrize(("path", "value", "rule", "pointer"), CYCLONEDX_FAULTS)
def test_validation_finds_faults_in_cyclonedx(path: list[Any], value: Any, rule: str, pointer: str) -> None:
    document = json.loads(written("cyclonedx-json"))
    assert validate(written("cyclonedx-json")).findings == ()
    report = validate(_mutated(document, path, value))
    assert (rule, pointer) in {(finding.rule, finding.pointer) for finding in report.findings}
    assert all(finding.fix for finding in report.findings)
    assert report.valid == (rule == "self-dependency")


SPDX_FAULTS: list[tuple[list[Any], Any, str, str]] = [
    (["packages", 1, "SPDXID"], "SPDXRef-Root", "duplicate-reference", "/packages/1/SPDXID"),
    (["packages", 1, "SPDXID"], "no id", "bad-id", "/packages/1/SPDXID"),
    (["relationships", 1, "relatedSpdxElement"], "SPDXRef-gone", "dangling-reference",
     "/relationships/1/relatedSpdxElement"),
    (["packages", 2, "licenseDeclared"], "LicenseRef-gone", "undefined-license", "/packages/2/licenseDeclared"),
    (["packages", 2, "licenseDeclared"], "MIT AND", "bad-license", "/packages/2/licenseDeclared"),
    (["packages", 2, "checksums"], [{"algorithm": "SHA1", "checksumValue": "ab"}], "bad-hash",
     "/packages/2/checksums/0/checksumValue"),
    (["creationInfo", "created"], "now", "bad-time", "/creationInfo/created"),
    (["relationships"], [], "undescribed", "/relationships"),
    (["packages", 2, "filesAnalyzed"], "no", "schema", "/packages/2/filesAnalyzed"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value", "rule", "pointer"), SPDX_FAULTS)
def test_validation_finds_faults_in_spdx(path: list[Any], value: Any, rule: str, pointer: str) -> None:
    document = json.loads(written("spdx-json"))
    assert validate(written("spdx-json")).findings == ()
    report = validate(_mutated(document, path, value))
    assert (rule, pointer) in {(finding.rule, finding.pointer) for finding in report.findings}
    assert not report.valid


def test_validation_needs_a_version_it_knows() -> None:
    with pytest.raises(CannotCheck, match="no schema"):
        validate(b'{"bomFormat":"CycloneDX","specVersion":"9.9"}')


def test_bundles_of_others_are_read(shared_data: Path) -> None:
    inventory = read((shared_data / "bundles" / "cyclonedx-image-sbom.sigstore.json").read_bytes())
    assert inventory.packages
    assert any("not verified" in issue.reason for issue in inventory.issues)


@pytest.mark.parametrize("version", ["1.4", "1.5", "1.6", "1.7"])
def test_xml_passes_its_judge(version: str) -> None:
    for inventory in (build.rich(), build.empty()):
        raw = written("cyclonedx-xml", version, inventory)
        assert XmlValidator(judges.CYCLONEDX[version]).validate_str(raw.decode()) is None


@pytest.mark.parametrize(
    ("inner", "words"),
    [
        ('<!DOCTYPE bom [<!ENTITY a "b">]>', "document type"), ("<!DOCTYPE bom>", "document type"),
        ("<a>" * 5000, "nested"), ("<a", "not XML"),
    ],
)  # fmt: skip
def test_xml_attacks_are_refused(inner: str, words: str) -> None:
    raw = f'{inner if inner.startswith("<!") else ""}<bom xmlns="http://cyclonedx.org/schema/bom/1.6">{inner}</bom>'
    with pytest.raises(CorruptInput, match=words):
        read(raw.encode())


def test_a_reference_to_another_document_is_kept_once_and_never_believed_blindly() -> None:
    link = "urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1"
    for extra, count in (((("document:id", link), ("document:sha256", "a" * 64)), 1), ((("document:id", link),), 0)):
        package = Package("pkg:oci/x@sha256:1", "oci", "x", "1", extra=extra)
        inventory = Inventory(Subject("x"), (package,), coverage=Coverage("full"))
        for name in ("cyclonedx-json", "cyclonedx-xml"):
            assert read(written(name, None, inventory)) == inventory
        component = json.loads(written("cyclonedx-json", None, inventory))["components"][0]
        assert len(component.get("externalReferences", ())) == count
