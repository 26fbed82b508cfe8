"""What every document format promises: validity, identity, and honesty about gaps."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sbomkit.errors import CorruptInput
from sbomkit.model.digest import Digest
from sbomkit.model.distro import Distro
from sbomkit.model.inventory import Coverage, Inventory, Issue, LayerInfo, Subject
from sbomkit.model.package import License, Location, Package, Relationship
from sbomkit.sbom import xml_tree
from sbomkit.sbom.format import Meta, find, formats
from sbomkit.sbom.validate import validate
from tests.sbom import build, judges
from tests.sbom.build import META

GOLDEN = Path(__file__).parent / "golden"
EVERY = [(f.name, version) for f in formats() for version in f.versions or ("",)]


def encode(name: str, version: str, inventory: Inventory, meta: Meta = META) -> bytes:
    return find(name).encode(inventory, meta, version or None)


@pytest.mark.parametrize(("name", "version"), EVERY)
def test_the_document_is_as_it_was(name: str, version: str, update_golden: bool) -> None:
    path = GOLDEN / f"rich.{name}{version and '-' + version}"
    written = encode(name, version, build.rich())
    if update_golden:
        path.write_bytes(written)
    assert written == path.read_bytes(), "run pytest with --update-golden if this is meant"


@pytest.mark.parametrize("inventory", [build.rich(), build.empty(), build.big(20)], ids=["rich", "empty", "big"])
@pytest.mark.parametrize("version", ["1.4", "1.5", "1.6", "1.7"])
def test_cyclonedx_passes_its_judges(version: str, inventory: Inventory) -> None:
    assert judges.cyclonedx_faults(encode("cyclonedx-json", version, inventory), version) == []


@pytest.mark.parametrize("inventory", [build.rich(), build.empty(), build.big(20)], ids=["rich", "empty", "big"])
@pytest.mark.parametrize("version", ["2.2", "2.3"])
def test_spdx_passes_its_judges(version: str, inventory: Inventory) -> None:
    assert judges.spdx_faults(encode("spdx-json", version, inventory), version) == []


def test_the_judges_do_find_faults() -> None:
    document = json.loads(encode("cyclonedx-json", "1.6", build.rich()))
    document["components"].append(document["components"][0])
    document["dependencies"][0]["dependsOn"] = ["nothing"]
    faults = judges.cyclonedx_reference_faults(document)
    assert any(fault.startswith("twice") for fault in faults)
    assert any(fault.startswith("dangling") for fault in faults)
    assert any(fault.startswith("not reached") for fault in faults)
    document["components"][0]["type"] = "no such type"
    assert judges.schema_errors(judges.cyclonedx_schema("1.6"), document)
    spdx = json.loads(encode("spdx-json", "2.3", build.rich()))
    spdx["packages"][1]["SPDXID"] = spdx["packages"][2]["SPDXID"]
    assert any(fault.startswith("twice") for fault in judges.spdx_faults(json.dumps(spdx).encode(), "2.3"))


@pytest.mark.parametrize(("name", "version"), EVERY)
def test_the_same_inventory_gives_the_same_bytes(name: str, version: str) -> None:
    assert encode(name, version, build.rich()) == encode(name, version, build.rich())


def _archived(inventory: Inventory) -> Inventory:
    """The same image as `docker save` gives it: no manifest, no compressed layers."""
    subject = inventory.subject
    layers = tuple(replace(layer, digest="", media_type="", size=None) for layer in subject.layers)
    return replace(inventory, subject=replace(subject, digest=None, media_type="", layers=layers))


def _without_what_an_archive_lacks(document: Any) -> Any:
    """The document without the manifest's digest and the compressed layers."""
    root = (document.get("metadata") or {}).get("component") or document.get("subject") or document["packages"][0]
    for key in ("hashes", "purl", "checksums", "externalRefs", "digest", "media_type"):
        root.pop(key, None)
    endings = (":digest", ":size", ":mediaType")
    if "properties" in root:
        root["properties"] = [p for p in root["properties"] if not p["name"].endswith(endings)]
    for layer in root.get("layers", ()):
        for key in ("digest", "media_type", "size"):
            layer.pop(key, None)
    if "annotations" in root:
        note = json.loads(root["annotations"][0]["comment"].removeprefix("sbomkit:"))
        note.pop("media_type", None)
        for layer in note["layers"]:
            for key in ("digest", "media_type", "size"):
                layer.pop(key, None)
        root["annotations"] = [note]
    return document


@pytest.mark.parametrize("name", ["cyclonedx-json", "spdx-json", "json"])
def test_a_docker_archive_gives_the_same_but_for_the_digests_it_lacks(name: str) -> None:
    full = json.loads(encode(name, "", build.rich()))
    archived = json.loads(encode(name, "", _archived(build.rich())))
    assert full != archived
    assert _without_what_an_archive_lacks(full) == _without_what_an_archive_lacks(archived)


def test_serials_come_from_the_content_not_from_the_time() -> None:
    later = replace(META, timestamp="2031-01-01T00:00:00Z")
    changed = replace(build.rich(), packages=build.rich().packages[1:])

    def serial(inventory: Inventory, meta: Meta) -> tuple[str, str]:
        cyclonedx = json.loads(encode("cyclonedx-json", "", inventory, meta))["serialNumber"]
        return cyclonedx, json.loads(encode("spdx-json", "", inventory, meta))["documentNamespace"]

    assert serial(build.rich(), META) == serial(build.rich(), later)
    assert not set(serial(build.rich(), META)) & set(serial(changed, META))


@pytest.mark.parametrize(("name", "version"), EVERY)
@pytest.mark.parametrize("status", ["partial", "none"])
def test_no_format_is_silent_about_gaps(name: str, version: str, status: Any) -> None:
    issue = Issue("/var/lib/dpkg/status", "cut short after 12 bytes")
    inventory = Inventory(Subject("x"), coverage=Coverage(status, ("reason one",)), issues=(issue,))
    written = encode(name, version, inventory).decode()
    for words in ("reason one", "/var/lib/dpkg/status", "cut short after 12 bytes", status):
        assert words in written


def test_everything_of_a_package_is_in_cyclonedx() -> None:
    document = json.loads(encode("cyclonedx-json", "1.6", build.rich()))
    by_ref = {component["bom-ref"]: component for component in document["components"]}
    libc = by_ref[build.LIBC]
    assert libc["supplier"]["contact"][0]["email"] == "debian-glibc@lists.debian.org"
    assert libc["evidence"]["occurrences"] == [
        {"location": "/var/lib/dpkg/status", "additionalContext": build.diff_id(0)}
    ]
    assert libc["licenses"] == [{"expression": "LGPL-2.1+ AND GPL-2.0-only", "acknowledgement": "declared"}]
    assert {"name": "sbomkit:layer:introducedBy", "value": build.diff_id(0)} in libc["properties"]
    assert {"name": "sbomkit:ownedBy", "value": build.YAML_DEB} in by_ref[build.YAML]["properties"]
    root = document["metadata"]["component"]
    assert root["purl"].startswith("pkg:oci/app@sha256%3A") or root["purl"].startswith("pkg:oci/app@sha256:")
    assert document["dependencies"][0]["dependsOn"] == [
        "os:debian@12", build.YAML_DEB, build.ZLIB, build.RING_B, build.YAML,
    ] or document["dependencies"][0]["dependsOn"] == [
        "os:debian@12", build.YAML_DEB, build.ZLIB, build.RING_A, build.YAML,
    ]  # fmt: skip
    assert document["compositions"][0]["aggregate"] == "incomplete"
    assert document["metadata"]["lifecycles"] == [{"phase": "post-build"}]


def test_everything_of_a_package_is_in_spdx() -> None:
    document = json.loads(encode("spdx-json", "2.3", build.rich()))
    packages = {package["name"]: package for package in document["packages"]}
    assert packages["libc6"]["supplier"] == "Organization: GNU Libc Maintainers (debian-glibc@lists.debian.org)"
    assert packages["python3-yaml"]["licenseDeclared"] == "MIT"
    assert packages["a"]["licenseConcluded"] == "MIT"
    assert build.diff_id(0) in packages["libc6"]["sourceInfo"]
    declared = packages["zlib1g"]["licenseDeclared"]
    assert declared.startswith("Zlib AND LicenseRef-sbomkit-Some-words")
    extracted = {info["licenseId"]: info["extractedText"] for info in document["hasExtractedLicensingInfos"]}
    assert extracted[declared.split()[-1]] == "Permission is granted."


def test_the_inventory_reads_back_equal() -> None:
    for inventory in (build.rich(), build.empty(), build.big(50)):
        assert find("json").decode(encode("json", "", inventory)) == inventory


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"{", b"[]", b"null", b'{"format":"sbomkit-inventory"}', b"[" * 100_000, b'{"a":' * 100_000,
        b"\xff\xfe{\x00}\x00", b'"\\ud800"',
    ],
)  # fmt: skip
def test_what_is_not_an_inventory_is_a_clear_error(raw: bytes) -> None:
    with pytest.raises(CorruptInput):
        find("json").decode(raw)


def test_reading_an_inventory_is_strict_and_says_where() -> None:
    document = json.loads(encode("json", "", build.rich()))
    document["packages"][2]["name"] = 5
    with pytest.raises(CorruptInput, match="/packages/2/name"):
        find("json").decode(json.dumps(document).encode())
    document["packages"][2]["name"] = "x"
    document["packages"][2]["unheard"] = "of"
    with pytest.raises(CorruptInput, match="unheard"):
        find("json").decode(json.dumps(document).encode())


def test_control_characters_never_reach_the_terminal() -> None:
    evil = "\x1b]0;owned\x07\x9b31m\u202egnp\u200b\udcff\r\n\t"
    package = Package("pkg:npm/x@1", "npm", evil, evil, licenses=(License(evil),), introduced_by=evil)
    inventory = Inventory(
        Subject(evil, platform=evil),
        (package,),
        (),
        Distro(evil, evil),
        Coverage("none", (evil,)),
        (Issue(evil, evil),),
    )
    written = find("table").encode(inventory, META).decode()
    assert not {c for c in written if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160)}
    assert "\u202e" not in written
    assert "\u200b" not in written


def test_colours_only_when_asked_for() -> None:
    assert b"\x1b[" not in find("table").encode(build.rich(), META)
    assert b"\x1b[" in find("table").encode(build.rich(), replace(META, color=True))


def test_the_table_says_why_it_is_empty() -> None:
    written = find("table").encode(build.empty(), META).decode()
    assert "none" in written
    assert "Coverage: full" in written


def test_the_table_fits_the_terminal() -> None:
    lines = find("table").encode(build.rich(), replace(META, width=60)).decode().split("\n\n")[0].splitlines()
    assert max(map(len, lines)) <= 60


any_text = st.text(st.characters(codec=None) | st.sampled_from("\udcff\ud800\x00\x1b\n\"'<>&()"), max_size=30)
digests = st.binary(max_size=2).map(Digest.of)
kinds: Any = st.sampled_from(["library", "application", "framework", "file", "firmware", "machine-learning-model"])


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    """Inventories whose every string is what an attacker would make it."""
    purls = draw(st.lists(any_text | any_text.map(lambda t: "pkg:generic/" + t), unique=True, max_size=4))
    licenses = st.builds(License, any_text, st.booleans(), any_text, any_text)
    packages = [
        draw(
            st.builds(
                Package, st.just(purl or "pkg:x/y"), any_text, any_text, any_text, any_text, kinds, any_text,
                st.lists(licenses, max_size=3).map(tuple),
                st.lists(st.builds(Location, any_text, any_text), max_size=2).map(tuple), any_text, any_text, any_text,
                any_text, any_text, any_text, st.lists(digests, max_size=2).map(tuple),
                st.lists(any_text, max_size=2).map(tuple),
                extra=st.lists(st.tuples(any_text, any_text), max_size=2).map(tuple),
            )
        )
        for purl in purls
    ]  # fmt: skip
    known = [package.purl for package in packages] or [""]
    ends = st.sampled_from(known) | any_text
    edge: Any = st.builds(Relationship, ends, st.sampled_from(["depends-on", "owned-by", "contains"]), ends)
    return Inventory(
        Subject(draw(any_text), digest=draw(st.none() | digests), layers=(LayerInfo(draw(any_text)),)),
        tuple(sorted(packages, key=lambda p: p.purl)),
        tuple(sorted(draw(st.sets(edge, max_size=5)))),
        Distro(draw(any_text), draw(any_text)),
        Coverage(draw(st.sampled_from(["full", "partial", "none"])), (draw(any_text),)),
        (Issue(draw(any_text), draw(any_text)),),
    )


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(inventories())
def test_hostile_strings_still_give_valid_documents(inventory: Inventory) -> None:
    for version in judges.CYCLONEDX:
        raw = encode("cyclonedx-json", version, inventory)
        assert judges.cyclonedx_faults(raw, version, library=False) == []
    for version in ("2.2", "2.3"):
        assert judges.spdx_faults(encode("spdx-json", version, inventory), version, library=False) == []
    assert validate(encode("spdx3-json", "", inventory)).findings == ()
    again = find("json").decode(encode("json", "", inventory))
    assert encode("json", "", again) == encode("json", "", inventory)
    for version in judges.CYCLONEDX:
        assert xml_tree.parse(encode("cyclonedx-xml", version, inventory)).name == "bom"
    encode("table", "", inventory).decode()


def test_a_megabyte_in_every_field() -> None:
    long = "A" * 1_000_000
    package = Package(
        "pkg:npm/" + long, "npm", long, long, long, supplier=long, homepage="https://" + long, description=long,
        licenses=(License(long),), cpes=(long,), locations=(Location("/" + long),),
    )  # fmt: skip
    inventory = Inventory(Subject(long), (package,), (), Distro(long, long), Coverage("full"))
    for version in judges.CYCLONEDX:
        assert judges.cyclonedx_faults(encode("cyclonedx-json", version, inventory), version, library=False) == []
    assert judges.spdx_faults(encode("spdx-json", "2.3", inventory), "2.3", library=False) == []
    assert len(encode("table", "", inventory)) < 5_000_000
