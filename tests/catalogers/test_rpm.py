from __future__ import annotations

import stat
from pathlib import Path
from urllib.parse import unquote

import pytest

from sbomkit.catalogers import rpm
from sbomkit.catalogers.base import Cataloger, Finding, Issue, Ownership, Package, Relationship
from sbomkit.catalogers.rpm.edges import MAX_PROVIDERS
from sbomkit.catalogers.rpm.installed import FileList, Installed
from sbomkit.layers.record import DIRECTORY, SYMLINK, Entry
from sbomkit.layers.select import Matcher
from sbomkit.model.distro import Distro
from sbomkit.model.package import License
from tests.catalogers.rpm_support import FIXTURES, parsed, shared, view_of, view_of_root

FEDORA = Distro(id="fedora", version_id="40")
DATABASE = "var/lib/rpm/rpmdb.sqlite"


def findings(facts: list[Installed], distro: Distro = FEDORA, extra: tuple[Entry, ...] = ()) -> list[Finding]:
    return list(rpm.CATALOGER.assemble(view_of({DATABASE: facts}, distro, extra)))


def of_root(case: str, distro: Distro) -> list[Finding]:
    return list(rpm.CATALOGER.assemble(view_of_root(FIXTURES / case / "root", distro)))


def packages(found: list[Finding]) -> dict[str, Package]:
    """By name-version."""
    return {f"{item.name}-{item.version}": item for item in found if isinstance(item, Package)}


def edges(found: list[Finding]) -> set[tuple[str, str]]:
    """By name-version of both ends."""
    names = {package.purl: name for name, package in packages(found).items()}
    pairs = [(names[item.source], names[item.target]) for item in found if isinstance(item, Relationship)]
    assert len(pairs) == len(set(pairs))
    return set(pairs)


def simple_edges(*facts: Installed, extra: tuple[Entry, ...] = ()) -> set[tuple[str, str]]:
    """Of packages that are all of version 1-1, by name only."""
    pairs = edges(findings(list(facts), extra=extra))
    return {(source.removesuffix("-1-1"), target.removesuffix("-1-1")) for source, target in pairs}


def package(name: str, *requires: str, provides: tuple[str, ...] = (), files: tuple[str, ...] = ()) -> Installed:
    parts = [path.rpartition("/") for path in files]
    return Installed(
        name,
        "1",
        "1",
        provides=tuple((capability, "") for capability in provides),
        requires=tuple((capability, "") for capability in requires),
        files=FileList(tuple(p[2] for p in parts), tuple(p[0] + "/" for p in parts), tuple(range(len(parts)))),
    )


def test_the_cataloger_asks_for_its_files_and_no_others() -> None:
    matcher = Matcher([rpm.CATALOGER])
    for path in (
        "var/lib/rpm/Packages",
        "usr/lib/sysimage/rpm/rpmdb.sqlite",
        "usr/share/rpm/Packages.db",
        "var/lib/rpmmanifest/container-manifest-2",
    ):
        assert matcher.match(path) == [rpm.CATALOGER]
    for path in ("srv/var/lib/rpm/Packages", "var/lib/rpm/Index.db", "var/lib/rpm/Name"):
        assert not matcher.match(path)
    assert isinstance(rpm.CATALOGER, Cataloger)


class TestFixture:
    found = of_root("sqlite", FEDORA)

    def test_package(self) -> None:
        package = packages(self.found)["demo-base-libs-2:1.2.3-4.fc40"]
        assert package.purl == (
            "pkg:rpm/fedora/demo-base-libs@1.2.3-4.fc40"
            "?arch=noarch&distro=fedora-40&epoch=2&upstream=demo-base-1.2.3-4.fc40.src.rpm"
        )
        assert package.licenses == (License("GPLv2+ and (MIT or BSD)"),)
        assert package.supplier == "Fixture House <rpm@example.org>"
        assert package.homepage == "https://example.org/fixtures"
        assert package.description == "A library with an epoch"
        assert (package.source_name, package.source_version) == ("demo-base", "1.2.3-4.fc40")
        assert [place.path for place in package.locations] == ["/usr/lib/sysimage/rpm/rpmdb.sqlite"]
        assert package.introduced_by == "sha256:1"
        assert ("rpm:epoch", "2") in package.extra
        assert list(package.extra) == sorted(package.extra)

    def test_modularity(self) -> None:
        extra = dict(packages(self.found)["demo-tool-0.9-1.module_f40+7"].extra)
        assert extra["rpm:modularity"] == "demo:stable:3920240101:f27b74a8"
        assert extra["rpm:sourcerpm"] == "demo-tool-0.9-1.module_f40+7.src.rpm"
        assert len(extra["rpm:header-sha256"]) == 64

    def test_edges_of_every_way_to_depend(self) -> None:
        assert edges(self.found) == {
            ("demo-kernel-6.1-1", "demo-kernel-modules-6.1-1"),
            ("demo-kernel-6.2-1", "demo-kernel-modules-6.2-1"),
            ("demo-tool-0.9-1.module_f40+7", "demo-base-1.2.3-4.fc40"),
            ("demo-tool-0.9-1.module_f40+7", "demo-base-libs-2:1.2.3-4.fc40"),
            ("demo-tool-0.9-1.module_f40+7", "demo-kernel-modules-6.2-1"),
        }

    def test_ownership_leaves_out_directories_and_what_was_not_installed(self) -> None:
        owner = packages(self.found)["demo-base-1.2.3-4.fc40"].purl
        (paths,) = (item.paths for item in self.found if isinstance(item, Ownership) and item.purl == owner)
        assert list(paths) == sorted(paths)
        assert [path for path in paths if "/many/" not in path] == [
            "/etc/demo/demo.conf",
            "/usr/bin/demo-link",
            "/usr/bin/demo-sh",
            "/usr/share/demo/Grüße aus Köln.txt",
            "/var/log/demo.log",
        ]
        assert len(paths) == 5 + 80

    def test_facts_keep_modes_digests_and_flags(self) -> None:
        facts, _ = parsed((FIXTURES / "sqlite/root/usr/lib/sysimage/rpm/rpmdb.sqlite").read_bytes())
        (base,) = (fact for fact in facts if fact.name == "demo-base")
        files = {file.path: file for file in base.files.files()}
        assert files["/usr/bin/demo-sh"].mode == 0o104755
        assert stat.S_ISLNK(files["/usr/bin/demo-link"].mode)
        assert len(files["/etc/demo/demo.conf"].digest) == 64
        assert not files["/usr/share/doc/demo-base/README"].here
        assert base.files.algorithm == "sha256"

    def test_findings_are_in_order_and_the_same_each_time(self) -> None:
        assert self.found == of_root("sqlite", FEDORA)
        names = [item.name for item in self.found if isinstance(item, Package)]
        assert names == sorted(names)
        assert not [item for item in self.found if isinstance(item, Issue)]


def test_every_kind_of_database_gives_the_same_packages_and_edges() -> None:
    expected = of_root("sqlite", FEDORA)
    for case in ("ndb", "bdb", "bdb-big-endian"):
        found = of_root(case, FEDORA)
        assert packages(found).keys() == packages(expected).keys()
        assert edges(found) == edges(expected)


def test_azure_linux_manifest() -> None:
    found = of_root("azurelinux", Distro(id="azurelinux", version_id="3.0"))
    purls = {unquote(item.purl) for item in packages(found).values()}
    assert len(purls) == 7
    assert (
        "pkg:rpm/azurelinux/demo-base-libs@1.2.3-4.fc40"
        "?arch=noarch&distro=azurelinux-3.0&epoch=2&upstream=demo-base-1.2.3-4.fc40.src.rpm"
    ) in purls
    database = of_root("sqlite", Distro(id="azurelinux", version_id="3.0"))
    assert purls == {unquote(item.purl) for item in packages(database).values()}


def test_manifest_lines_that_are_none() -> None:
    good = "a\t1-2\t0\t0\tV\t(none)\t0\tx86_64\t0\ta-1-2.src.rpm"
    key = "gpg-pubkey\t1-2\t0\t0\t(none)\t(none)\t0\t(none)\t0\t(none)"
    raw = f"{good}\n\nshort\tline\n{good.replace('1-2', '12')}\n{key}\n"
    facts, reason = parsed(raw.encode() + b"\xff", rpm.MANIFEST)
    assert [fact.identity for fact in facts] == ["a-0:1-2.x86_64"]
    assert reason.count("line ") == 3


def test_without_os_release_there_still_is_a_purl() -> None:
    for package in packages(of_root("no-os-release", Distro())).values():
        assert package.purl.startswith(f"pkg:rpm/{package.name}@")


def test_two_databases_that_disagree_are_both_listed_and_told() -> None:
    found = of_root("two-databases", FEDORA)
    assert len(packages(found)) == 7
    (issue,) = (item for item in found if isinstance(item, Issue))
    assert issue.path == "/var/lib/rpm/Packages.db"
    assert "/var/lib/rpm/Packages" in issue.reason


class TestEdges:
    def test_capabilities_names_and_files(self) -> None:
        assert simple_edges(
            package("a", "b", "cap", "/opt/tool", "rpmlib(X)", "nobody", "/no/file"),
            package("b"),
            package("c", provides=("cap", "rpmlib(X)")),
            package("d", files=("/opt/tool",)),
        ) == {("a", "b"), ("a", "c"), ("a", "d")}

    def test_no_edge_to_itself(self) -> None:
        assert not simple_edges(package("a", "a", "cap", "/f", provides=("cap",), files=("/f",)))

    def test_all_providers_count(self) -> None:
        assert simple_edges(package("a", "cap"), *(package(n, provides=("cap",)) for n in "cb")) == {
            ("a", "b"),
            ("a", "c"),
        }

    def test_a_crowd_of_providers_is_cut_by_name(self) -> None:
        crowd = [package(f"p{n:03}", "cap", provides=("cap",)) for n in range(200)]
        found = simple_edges(*crowd)
        assert {target for _, target in found} == {f"p{n:03}" for n in range(MAX_PROVIDERS)}

    def test_a_file_by_the_way_of_a_linked_directory(self) -> None:
        merged = (Entry("usr/bin", DIRECTORY, 0o755, 0, 0, 0), Entry("bin", SYMLINK, 0o777, 0, 0, 0, "usr/bin"))
        there = package("there", files=("/usr/bin/tool",))
        assert simple_edges(package("a", "/bin/tool"), there, extra=merged) == {("a", "there")}
        assert not simple_edges(package("a", "/bin/tool"), there)

    def test_a_declared_path_goes_before_the_file_of_that_name(self) -> None:
        assert simple_edges(
            package("a", "/bin/sh"), package("b", provides=("/bin/sh",)), package("c", files=("/bin/sh",))
        ) == {("a", "b")}

    @pytest.mark.parametrize(
        ("provided", "wanted", "match"),
        [
            ("2-1", "2-1", True),
            ("2-1", "2", True),
            ("1:2-1", "2-1", True),
            ("1:2-1", "1:2", True),
            ("2-1", "3", False),
            ("2.1-1", "2", False),
        ],
    )
    def test_the_version_asked_for_goes_first(self, provided: str, wanted: str, match: bool) -> None:
        found = edges(
            findings(
                [
                    Installed("a", "1", "1", requires=(("cap", wanted),)),
                    Installed("b", "1", "1", provides=(("cap", provided),)),
                    Installed("c", "1", "1", provides=(("cap", "9-9"),)),
                ]
            )
        )
        assert found == {("a-1-1", "b-1-1")} | (set() if match else {("a-1-1", "c-1-1")})

    @pytest.mark.parametrize(
        ("expression", "targets"),
        [
            ("(b and c)", "bc"),
            ("(b or c)", "bc"),
            ("(b or absent)", "b"),
            ("(b if c)", "b"),
            ("(b if absent)", ""),
            ("(b if absent else c)", "c"),
            ("(b unless absent)", "b"),
            ("(b unless c else d)", "d"),
            ("(b with c)", "bc"),
            ("(b without absent)", "b"),
            ("((b or absent) and (c if d))", "bc"),
            ("(b >= 1.0 and perl(X::Y) < 2)", "bp"),
            ("(/opt/tool or absent)", "d"),
            ("(b and c", ""),
            ("(b c)", ""),
            ("(b if c if d)", ""),
            ("()", ""),
            ("(", ""),
            ("(" * 5000 + "b" + ")" * 5000, ""),
            ("(" + "b or " * 50_000 + "b)", ""),
        ],
    )
    def test_boolean_dependencies(self, expression: str, targets: str) -> None:
        found = simple_edges(
            package("a", expression),
            package("b"),
            package("c"),
            package("d", files=("/opt/tool",)),
            package("p", provides=("perl(X::Y)",)),
        )
        assert found == {("a", target) for target in targets}


@pytest.mark.parametrize(
    ("source_rpm", "name", "version"),
    [
        ("a-b-1.0-2.el9.src.rpm", "a-b", "1.0-2.el9"),
        ("a-1-2.nosrc.rpm", "a", "1-2"),
        ("a.src.rpm", "", ""),
        ("-1-2.src.rpm", "", ""),
        ("nonsense", "", ""),
    ],
)
def test_source_package(source_rpm: str, name: str, version: str) -> None:
    (package,) = packages(findings([Installed("x", "1", "1", source_rpm=source_rpm)])).values()
    assert (package.source_name, package.source_version) == (name, version)
    assert dict(package.extra)["rpm:sourcerpm"] == source_rpm


@pytest.mark.parametrize("name", ["a b", "a/b", "ä", "a?b#c@d", "..", "\x01", "a\nb"])
def test_odd_names_get_a_purl_or_an_issue(name: str) -> None:
    (found,) = findings([Installed(name, "1", "1")])
    assert isinstance(found, Package | Issue)


def test_nothing_installed() -> None:
    assert findings([]) == []


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "distro", "count", "some_edges"),
    [
        (
            "cbl-mariner-2.0.rpmdb.sqlite",
            Distro(id="mariner", version_id="2.0"),
            129,
            {("audit", "bash"), ("audit", "audit-libs"), ("curl", "curl-libs"), ("bash", "glibc")},
        ),
        (
            "sle15-bci.Packages.db",
            Distro(id="sles", version_id="15.3"),
            35,
            {("bash", "glibc"), ("coreutils", "libacl1"), ("bash", "libreadline7")},
        ),
    ],
)
def test_real_images(name: str, distro: Distro, count: int, some_edges: set[tuple[str, str]]) -> None:
    facts, reason = parsed(shared("rpmdb/" + name))
    assert not reason
    found = findings(facts, distro)
    names = {item.purl: item.name for item in found if isinstance(item, Package)}
    assert len(names) == count
    pairs = {(names[item.source], names[item.target]) for item in found if isinstance(item, Relationship)}
    assert some_edges <= pairs
    assert all(item.source_name and item.supplier for item in found if isinstance(item, Package))
    assert not [item for item in found if isinstance(item, Issue)]


def test_the_fixtures_have_their_script() -> None:
    assert (Path(FIXTURES) / "make.sh").is_file()
