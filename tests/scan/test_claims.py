"""Claims and records: one package each, the record leading."""

from __future__ import annotations

from dataclasses import replace

from sbomkit.model.package import Package, Relationship
from sbomkit.scan.claims import renamed_ends, settled

RECORD = Package(
    "pkg:apk/wolfi/zlib@1.3-r0?arch=x86_64&distro=wolfi-1&upstream=z", "apk", "zlib", "1.3-r0", cataloger="apk"
)
CLAIM = Package(
    "pkg:apk/chainguard/zlib@1.3-r0?arch=x86_64", "apk", "zlib", "1.3-r0", cataloger="claims",
    technique="attestation", confidence=0.9, extra=(("claim:level", "distribution"),),
)  # fmt: skip


def test_a_claim_takes_the_records_purl() -> None:
    found, renamed = settled([RECORD, CLAIM])
    assert {package.purl for package in found} == {RECORD.purl}
    assert ("claim:confirmed-by", "distribution") in found[1].extra
    edges = renamed_ends([Relationship("pkg:generic/x@1", "contains", CLAIM.purl)], renamed)
    assert edges == [Relationship("pkg:generic/x@1", "contains", RECORD.purl)]


def test_another_architecture_or_version_is_another_package() -> None:
    other = replace(CLAIM, purl="pkg:apk/wolfi/zlib@1.3-r0?arch=aarch64")
    newer = replace(CLAIM, purl="pkg:apk/wolfi/zlib@1.4-r0?arch=x86_64", version="1.4-r0")
    assert len({package.purl for package in settled([RECORD, other, newer])[0]}) == 3


def test_a_vendored_part_is_never_the_installed_package() -> None:
    vendored = replace(CLAIM, extra=(("claim:level", "vendored"),))
    assert {package.purl for package in settled([RECORD, vendored])[0]} == {RECORD.purl, vendored.purl}


def test_two_claims_about_the_same_thing_are_one() -> None:
    plain = replace(CLAIM, purl="pkg:npm/a@1", type="npm", name="a", version="1")
    qualified = replace(plain, purl="pkg:npm/a@1?vcs_url=x")
    assert len({package.purl for package in settled([plain, qualified])[0]}) == 1


def test_a_note_that_names_the_source_of_a_recorded_package_adds_nothing() -> None:
    binary = Package(
        "pkg:rpm/fedora/systemd-libs@255-1.fc40?arch=x86_64", "rpm", "systemd-libs", "255-1.fc40",
        cataloger="rpm", source_name="systemd", source_version="255-1.fc40",
    )  # fmt: skip
    note = Package(
        "pkg:rpm/fedora/systemd@255-1.fc40", "rpm", "systemd", "255-1.fc40", cataloger="elf-note", confidence=0.8
    )
    assert settled([binary, note])[0] == [binary]
