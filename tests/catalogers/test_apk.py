"""apk: the records, what they own, who provides what, and databases that are not what they should be."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbomkit.catalogers import apk
from sbomkit.catalogers.apk import CATALOGER, MAX_PROVIDERS, ApkRecord, World
from sbomkit.catalogers.base import Ownership, Relationship
from sbomkit.image.source import open_source
from sbomkit.model.distro import Distro
from sbomkit.scan import scan
from tests.catalogers.in_memory import edges, findings, packages, parsed, write
from tests.conftest import PROJECT

DATABASE = "lib/apk/db/installed"
WHOLE = PROJECT / "fixtures" / "catalogers" / "apk" / "whole" / "root"
ALPINE = Distro("alpine", "3.20.3")


def records(content: bytes | str) -> tuple[list[ApkRecord], str]:
    facts, reason = parsed(CATALOGER, DATABASE, content)
    return [fact for fact in facts if isinstance(fact, ApkRecord)], reason


def test_a_record_keeps_what_integrity_needs() -> None:
    found, reason = records((WHOLE / DATABASE).read_bytes())
    box = found[1]
    assert not reason
    assert box.name == "box"
    assert box.files == (
        ("bin/box", "Q1x9im1yKh7JoW+uFlF3xBjU/WMXU=", ""),
        ("bin/suid", "Q1E1g2EviGZUXYsNkifh7sjk8xehU=", "0:0:4755"),
    )
    assert found[2].files[0][0] == "usr/share/man/b o x.1"


def test_packages_say_where_they_come_from_and_who_asked_for_them() -> None:
    found = packages(findings(CATALOGER, WHOLE, ALPINE))
    doc = found["pkg:apk/alpine/box-doc@1.36.1-r29?arch=x86_64&distro=alpine-3.20.3&upstream=box"]
    assert (doc.source_name, doc.source_version) == ("box", "1.36.1-r29")
    assert doc.licenses[0].value == "GPL-2.0-only"
    assert doc.supplier == "A. Maintainer <maintainer@example.org>"
    world = {package.name for package in found.values() if ("apk:world", "true") in package.extra}
    assert world == {"box", "app"}


def test_files_are_owned_by_absolute_path() -> None:
    owned = {o.purl.split("@")[0]: o.paths for o in findings(CATALOGER, WHOLE, ALPINE) if isinstance(o, Ownership)}
    assert owned["pkg:apk/alpine/box"] == ("/bin/box", "/bin/suid")
    assert "pkg:apk/alpine/thing-dev" not in owned


def test_world_drops_constraints_tags_and_conflicts() -> None:
    facts, reason = parsed(CATALOGER, "etc/apk/world", "b>=1 a@edge\n!c so:x=1\n")
    assert (facts, reason) == ([World(("a", "b", "so:x"))], "")


def test_a_real_name_comes_before_those_that_provide_it(tmp_path: Path) -> None:
    db = "P:a\nV:1\nD:x y\n\nP:x\nV:1\n\nP:fake-x\nV:1\np:x=9 y\n\nP:other-y\nV:1\np:y\n\n"
    found = edges(findings(CATALOGER, write(tmp_path, {DATABASE: db})))
    assert found == {("alpine/a@1", target) for target in ("alpine/x@1", "alpine/fake-x@1", "alpine/other-y@1")}


def test_a_path_is_found_behind_links(tmp_path: Path) -> None:
    db = "P:a\nV:1\nD:/bin/sh\n\nP:box\nV:1\nF:usr/bin\nR:box\n\n"
    root = write(tmp_path, {DATABASE: db, "usr/bin/box": "x", "usr/bin/sh": "-> box", "bin": "-> usr/bin"})
    assert edges(findings(CATALOGER, root)) == {("alpine/a@1", "alpine/box@1")}


def test_both_places_are_one_database(tmp_path: Path) -> None:
    root = write(tmp_path, {DATABASE: "P:a\nV:1\nD:b\n\n", f"usr/{DATABASE}": "P:b\nV:1\n\n"})
    assert edges(findings(CATALOGER, root)) == {("alpine/a@1", "alpine/b@1")}


@pytest.mark.parametrize(
    ("content", "names", "issue"),
    [
        ("P:a\nV:1\n\nP:b\nV:1\nT:cut he", ["a"], True),
        ("P:a\nV:1\n\nP:b\nV:1\nF:usr\n", ["a", "b"], True),
        ("P:a\nV:1\n\nP:b\n", ["a"], True),
        ("P:a\nV:1\n\nV:1\n\nP:c\nV:1\n\n", ["a", "c"], True),
        ("P:a\r\nV:1\r\n\r\n", ["a"], False),
        ("\n\nP:a\nV:1\n\n\n", ["a"], False),
        ("", [], False),
        (b"\x00" * 5000, [], True),
        (b"P:a\nV:1\n\nP:b\nV:1\n" + b"\x00" * 100, ["a", "b"], True),
        (b"\x7fELF\x00\xff", [], True),
    ],
)
def test_whole_records_are_kept_and_the_rest_is_said(content: bytes | str, names: list[str], issue: bool) -> None:
    found, reason = records(content)
    assert [record.name for record in found] == names
    assert bool(reason) is issue


def test_names_that_are_not_utf_8_are_spelled_as_the_tree_spells_them(tmp_path: Path) -> None:
    db = b"P:a\nV:1\nm:Jos\xe9\nF:usr\nR:caf\xe9\n\n"
    found = findings(CATALOGER, write(tmp_path, {DATABASE: db}))
    assert [o.paths for o in found if isinstance(o, Ownership)] == [("/usr/caf\\xe9",)]


def test_a_name_that_no_purl_can_hold_is_an_issue(tmp_path: Path) -> None:
    found = findings(CATALOGER, write(tmp_path, {DATABASE: "P:/\nV:1\n\nP:a\nV:1\n\n"}), ALPINE)
    assert [getattr(item, "reason", "")[:11] for item in found] == ["package '/'", ""]


def test_a_database_made_to_hurt_has_few_edges(tmp_path: Path) -> None:
    count = 5000
    db = "".join(f"P:p{n}\nV:1\np:x\nD:x\n\n" for n in range(count))
    before = time.process_time()
    found = [item for item in findings(CATALOGER, write(tmp_path, {DATABASE: db})) if isinstance(item, Relationship)]
    assert len(found) <= count * MAX_PROVIDERS
    assert time.process_time() - before < 20


def test_a_flood_of_records_or_files_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apk, "MAX_RECORDS", 10)
    monkeypatch.setattr(apk, "MAX_LINES", 100)
    found, reason = records("P:a\nV:1\n\n" * 11)
    assert (len(found), reason) == (10, "more than 10 packages or 100 lines in one database")
    found, reason = records("P:a\nV:1\n\nP:b\nV:1\n" + "R:x\n" * 1000 + "\n")
    assert (len(found), reason) == (1, "more than 10 packages or 100 lines in one database")


@given(st.lists(st.text("PVADpFRZao:\n x1/!<=\x00\xe9", max_size=12), max_size=30).map("\n".join))
def test_any_text_gives_records_or_a_reason(text: str) -> None:
    for record in records(text)[0]:
        assert record.name
        assert record.version


@given(st.binary(max_size=400))
def test_any_bytes_give_records_or_a_reason(content: bytes) -> None:
    records(content)


@given(st.integers(min_value=0))
def test_cut_anywhere_every_whole_record_stays(at: int) -> None:
    whole = (WHOLE / DATABASE).read_bytes()
    at %= len(whole)
    found, reason = records(whole[:at])
    assert len(found) >= whole[:at].count(b"\n\n")
    assert bool(reason) == (at > 0 and not whole[:at].endswith(b"\n\n"))


@pytest.mark.shared
@pytest.mark.parametrize(("release", "count"), [("3.19.4", 15), ("3.20.3", 14)])
def test_alpine(shared_data: Path, release: str, count: int) -> None:
    inventory = scan(open_source(f"tar:{shared_data}/rootfs/alpine-minirootfs-{release}-x86_64.tar.gz"))
    assert len([p for p in inventory.packages if p.type == "apk"]) == count
    assert not inventory.issues
    assert all(f"distro=alpine-{release}" in package.purl for package in inventory.packages if package.type == "apk")
    names = {(r.source.split("@")[0][15:], r.target.split("@")[0][15:]) for r in inventory.relationships}
    assert {("busybox-binsh", "busybox"), ("apk-tools", "musl"), ("ssl_client", "libssl3")} <= names
