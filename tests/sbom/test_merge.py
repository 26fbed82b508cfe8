"""Several inventories as one, and what a format loses."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sbomkit.errors import UsageError
from sbomkit.model.digest import Digest
from sbomkit.model.inventory import Coverage, Inventory, Subject
from sbomkit.model.package import License, Location, Package
from sbomkit.sbom.format import find, formats
from sbomkit.sbom.loss import compare, losses
from sbomkit.sbom.merge import merge
from tests.sbom import build, judges
from tests.sbom.build import META


def test_merging_one_with_itself_changes_no_package() -> None:
    merged = merge([build.rich(), build.rich()], "all")
    assert merged.packages == build.rich().packages
    assert merged.relationships == build.rich().relationships
    assert merged.coverage.status == "partial"
    assert merged.subject.digest is None


def test_packages_are_joined_unless_hashes_contradict() -> None:
    one = Package("pkg:npm/a@1", "npm", "a", "1", hashes=(Digest.of(b"1"),), locations=(Location("/a"),))
    two = replace(one, hashes=(Digest.of(b"1"), Digest.of(b"1", "sha512")), licenses=(License("MIT"),))
    other = replace(one, hashes=(Digest.of(b"2"),))
    inventories = [Inventory(Subject(name), (p,), coverage=Coverage("full")) for name, p in (("x", one), ("y", two))]
    (joined,) = merge(inventories, "all").packages
    assert joined.licenses == (License("MIT"),)
    assert len(joined.hashes) == 2
    merged = merge([inventories[0], Inventory(Subject("z"), (other,), coverage=Coverage("none"))], "all")
    assert len(merged.packages) == 2
    assert merged.issues
    assert merged.coverage.status == "partial"


def test_a_hierarchy_keeps_who_contains_what() -> None:
    other = replace(build.rich(), subject=replace(build.subject(), digest=Digest.of(b"other"), platform="linux/amd64"))
    merged = merge([build.rich(), other], "all", shape="hierarchical")
    images = [package for package in merged.packages if package.kind == "container"]
    assert len(images) == 2
    contained = {r.target for r in merged.relationships if r.source == images[0].purl and r.kind == "contains"}
    assert contained == {package.purl for package in build.rich().packages}
    for version in judges.CYCLONEDX:
        raw = find("cyclonedx-json").encode(merged, META, version)
        assert judges.cyclonedx_faults(raw, version, library=False) == []
    assert judges.spdx_faults(find("spdx-json").encode(merged, META), "2.3", library=False) == []


def test_merging_is_the_same_each_time_and_needs_something() -> None:
    both = [build.rich(), build.big(5)]
    encode = find("cyclonedx-json").encode
    assert encode(merge(both, "x"), META) == encode(merge(both, "x"), META)
    with pytest.raises(UsageError):
        merge([], "x")


def test_nothing_is_lost_by_formats_that_can_be_read() -> None:
    for format in formats():
        for version in format.versions:
            if format.read:
                assert losses(build.rich(), format, META, version) == ()
    assert losses(build.rich(), find("table"), META) is None


def test_losses_are_named_and_counted() -> None:
    before = build.rich()
    after = replace(
        before,
        packages=tuple(replace(package, licenses=()) for package in before.packages[1:]),
        relationships=before.relationships[1:],
        issues=(),
    )
    found = {loss.field: loss.count for loss in compare(before, after)}
    assert found["packages"] == 1
    assert found["packages.licenses"] == 3
    assert found["relationships"] == 1
    assert found["issues"] == 2


def test_the_documents_of_a_merge_are_json() -> None:
    assert json.loads(find("json").encode(merge([build.rich()], "one"), META))["subject"]["name"] == "one"
