"""Pairing: which package is which, and why."""

from __future__ import annotations

import itertools
import time

import pytest

from sbomkit.diff.compare import diff
from sbomkit.diff.types import Diff
from sbomkit.model.package import Package
from tests.diff.make import inventory, nameless, package

Told = list[tuple[str, str, str]]


def told(found: Diff) -> Told:
    """(kind, old purl or name, new one) of every change."""

    def of(side: Package | None) -> str:
        return "" if side is None else side.purl or f"{side.name}@{side.version}"

    return sorted((change.kind, of(change.old), of(change.new)) for change in found.packages)


def test_three_changes_among_like_names() -> None:
    """A deb and a pypi package share a name, and lodash is there twice: all three changes, none confused."""
    before = inventory(
        "pkg:deb/debian/requests@2.28.1-1?arch=all",
        "pkg:pypi/requests@2.31.0",
        package("pkg:npm/lodash@3.10.1", paths=["/app/node_modules/old/node_modules/lodash/package.json"]),
        package("pkg:npm/lodash@4.17.20", paths=["/app/node_modules/lodash/package.json"]),
    )
    after = inventory(
        "pkg:deb/debian/requests@2.28.1-2?arch=all",
        "pkg:pypi/requests@2.32.3",
        package("pkg:npm/lodash@3.10.1", paths=["/app/node_modules/old/node_modules/lodash/package.json"]),
        package("pkg:npm/lodash@4.17.21", paths=["/app/node_modules/lodash/package.json"]),
    )
    assert told(diff(before, after)) == [
        ("upgraded", "pkg:deb/debian/requests@2.28.1-1?arch=all", "pkg:deb/debian/requests@2.28.1-2?arch=all"),
        ("upgraded", "pkg:npm/lodash@4.17.20", "pkg:npm/lodash@4.17.21"),
        ("upgraded", "pkg:pypi/requests@2.31.0", "pkg:pypi/requests@2.32.3"),
    ]
    assert diff(before, after).unchanged == 1


def test_place_comes_before_nearness() -> None:
    before = inventory(
        package("pkg:npm/a@1.0.0", paths=["/x/package.json"]), package("pkg:npm/a@2.0.0", paths=["/y/package.json"])
    )
    after = inventory(
        package("pkg:npm/a@2.1.0", paths=["/x/package.json"]), package("pkg:npm/a@1.5.0", paths=["/y/package.json"])
    )
    found = diff(before, after)
    assert told(found) == [
        ("downgraded", "pkg:npm/a@2.0.0", "pkg:npm/a@1.5.0"),
        ("upgraded", "pkg:npm/a@1.0.0", "pkg:npm/a@2.1.0"),
    ]
    assert all("same place" in change.reason for change in found.packages)


def test_nearest_version_pairs_and_the_rest_came_or_went() -> None:
    found = diff(
        inventory("pkg:npm/a@1.0.0", "pkg:npm/a@2.0.0", "pkg:npm/a@3.0.0"),
        inventory("pkg:npm/a@2.0.1", "pkg:npm/a@3.1.0"),
    )
    assert told(found) == [
        ("removed", "pkg:npm/a@1.0.0", ""),
        ("upgraded", "pkg:npm/a@2.0.0", "pkg:npm/a@2.0.1"),
        ("upgraded", "pkg:npm/a@3.0.0", "pkg:npm/a@3.1.0"),
    ]


def test_architecture_and_distribution_do_not_pair_but_keep_pairs_straight() -> None:
    before = inventory(
        "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12",
        "pkg:deb/debian/libc6@2.36-9?arch=i386&distro=debian-12",
    )
    assert diff(before, inventory("pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12.1",
                                  "pkg:deb/debian/libc6@2.36-9?arch=i386&distro=debian-12.1")).is_empty  # fmt: skip
    found = diff(before, inventory("pkg:deb/debian/libc6@2.37-1?arch=amd64&distro=debian-12"))
    assert told(found) == [
        ("removed", "pkg:deb/debian/libc6@2.36-9?arch=i386&distro=debian-12", ""),
        ("upgraded", "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12",
         "pkg:deb/debian/libc6@2.37-1?arch=amd64&distro=debian-12"),
    ]  # fmt: skip
    other = diff(inventory("pkg:apk/alpine/musl@1-r0?arch=x86_64"), inventory("pkg:apk/alpine/musl@1-r0?arch=aarch64"))
    assert [field.name for change in other.packages for field in change.fields] == ["architecture"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("pkg:pypi/ruamel-yaml@1.0", "pkg:pypi/ruamel.yaml@1.0"),
        ("pkg:deb/libc6@2.36-9", "pkg:deb/debian/libc6@2.36-9?arch=amd64"),
        ("pkg:rpm/redhat/bash@5.1-2?epoch=1", "pkg:rpm/rhel/bash@1:5.1-2"),
        ("pkg:golang/github.com/a/b@v1.0.0?type=module", "pkg:golang/github.com/a/b@1.0.0"),
        ("pkg:maven/org.a/b@1.0?type=jar", "pkg:maven/org.a/b@1.0"),
        ("pkg:npm/Foo@1.0.0", "pkg:npm/foo@1.0.0"),
    ],
)
def test_what_two_tools_write_differently_is_the_same(old: str, new: str) -> None:
    assert diff(inventory(old), inventory(new)).is_empty


def test_stable_qualifiers_make_another_package() -> None:
    found = diff(inventory("pkg:maven/g/a@1.0?classifier=x"), inventory("pkg:maven/g/a@1.0?classifier=y"))
    assert [change.kind for change in found.packages] == ["removed", "added"] or len(found.packages) == 2


def test_a_package_without_purl_falls_back_to_its_name_and_says_so() -> None:
    found = diff(
        inventory(nameless("a", "1.0"), nameless("b", "1.0")), inventory(nameless("a", "1.1"), "pkg:npm/b@1.0")
    )
    assert told(found) == [("upgraded", "a@1.0", "a@1.1")]
    assert all(change.by_name for change in found.packages)
    assert {note.code for note in found.notes} >= {"no-purl"}


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        (package("pkg:deb/debian/libssl1.1@1.1.1-1", source="openssl"),
         package("pkg:deb/debian/libssl3@3.0.1-1", source="openssl"), "same source package"),
        (package("pkg:deb/debian/libtirpc3@1.3-1", source="libtirpc"),
         package("pkg:deb/debian/libtirpc3t64@1.3-1", source="libtirpc"), "same source package"),
        (package("pkg:maven/a/old@1.0", hashes=["x"]), package("pkg:maven/a/new@1.1", hashes=["x"]), "same content"),
        (package("pkg:maven/a/old@1.0", paths=["/app/lib.jar"]),
         package("pkg:maven/a/new@1.1", paths=["/app/lib.jar"]), "same file"),
        (package("pkg:golang/github.com/a/b@v1.9.0"), package("pkg:golang/github.com/a/b/v2@v2.0.0"), "same module"),
    ],
)  # fmt: skip
def test_renames_say_what_they_share(old: Package, new: Package, why: str) -> None:
    (change,) = diff(inventory(old), inventory(new)).packages
    assert change.kind == "renamed"
    assert change.reason.startswith(why)


def test_neighbours_in_one_list_are_no_renames() -> None:
    lock = "/app/package-lock.json"
    found = diff(
        inventory(package("pkg:npm/a@1.0.0", paths=[lock])), inventory(package("pkg:npm/b@1.0.0", paths=[lock]))
    )
    assert sorted(change.kind for change in found.packages) == ["added", "removed"]


def test_a_hostile_crowd_of_versions_costs_no_quadratic_time() -> None:
    before = inventory(*(f"pkg:npm/a@{n}.0.0" for n in range(10_000)))
    after = inventory(*(f"pkg:npm/a@{n}.0.1" for n in range(10_000)))
    start = time.perf_counter()
    found = diff(before, after)
    assert len(found.packages) == 10_000
    assert {change.kind for change in found.packages} == {"upgraded"}
    assert time.perf_counter() - start < 10


def test_a_hostile_chain_of_dependencies_is_walked_once() -> None:
    names = [f"pkg:npm/p{n}@1.0.0" for n in range(5_000)]
    newer = [f"pkg:npm/p{n}@1.0.1" for n in range(5_000)]
    found = diff(
        inventory(*names, edges=list(itertools.pairwise(names))),
        inventory(*newer, edges=list(itertools.pairwise(newer))),
    )
    longest = max(len(change.new_reach.path) for change in found.packages)
    assert longest == 24
    assert all(change.new_reach.path[0] == "p0" for change in found.packages)


def test_duplicates_count_once_and_are_told() -> None:
    found = diff(inventory("pkg:npm/a@1.0.0", "pkg:npm/a@1.0.0"), inventory("pkg:npm/a@1.0.0"))
    assert found.is_empty
    assert [note.code for note in found.notes if note.side == "before"] == ["attribution", "duplicates"]
