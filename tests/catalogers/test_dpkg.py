"""dpkg: what is installed, what it came from, what it needs, and what a damaged database says."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbomkit.catalogers.dpkg import CATALOGER
from sbomkit.image.image import Image
from sbomkit.image.source import open_source
from sbomkit.layers.collect import Content, learn
from sbomkit.model.inventory import Inventory
from sbomkit.scan import scan
from tests.layers.builder import Put, image_of, stanza

STATUS = "var/lib/dpkg/status"
DEBIAN = Put("etc/os-release", 'ID=debian\nVERSION_ID="12"\n')


def scanned(*layers: list[Put]) -> Inventory:
    return scan(image_of(*layers), [CATALOGER])


def purls(inventory: Inventory) -> list[str]:
    return [p.purl for p in inventory.packages]


def edges(inventory: Inventory) -> list[tuple[str, str]]:
    """(source, target) by name."""
    names = {p.purl: f"{p.name}:{dict(p.extra)['deb:architecture']}" for p in inventory.packages}
    return [(names[r.source], names[r.target]) for r in inventory.relationships if r.kind == "depends-on"]


def test_the_purl_has_the_epoch_the_architecture_the_distribution_and_the_source() -> None:
    status = (
        stanza("libc6", "2:2.36+x~1")
        + stanza("bsdutils", "1:2.38", source="util-linux (2.38)")
        + stanza("same", source="same")
    )
    assert purls(scanned([DEBIAN, Put(STATUS, status)])) == [
        "pkg:deb/debian/bsdutils@1:2.38?arch=amd64&distro=debian-12&upstream=util-linux%402.38",
        "pkg:deb/debian/libc6@2:2.36%2Bx~1?arch=amd64&distro=debian-12",
        "pkg:deb/debian/same@1.0?arch=amd64&distro=debian-12",
    ]


def test_only_what_is_installed_counts() -> None:
    removed = stanza("gone").replace("install ok installed", "deinstall ok config-files")
    half = stanza("half").replace("install ok installed", "install ok half-installed")
    held = stanza("held").replace("install ok installed", "hold ok installed")
    assert [p.name for p in scanned([DEBIAN, Put(STATUS, removed + half + held)]).packages] == ["held"]


def test_without_os_release_the_purl_is_still_there_and_coverage_says_so() -> None:
    found = scanned([Put(STATUS, stanza("a"))])
    assert purls(found) == ["pkg:deb/debian/a@1.0?arch=amd64"]
    assert found.coverage.status == "partial"
    assert "no os-release" in found.coverage.reasons[0]


def test_edges_by_name_alternative_virtual_and_architecture() -> None:
    status = (
        stanza("app", depends="libx (>= 1), editor | nano, virtual, missing, libc6:any", pre_depends="dpkg")
        + stanza("dpkg")
        + stanza("libx")
        + stanza("libx", arch="i386")
        + stanza("nano")
        + stanza("provider", provides="virtual (= 2), other")
        + stanza("libc6", multi_arch="foreign")
        + stanza("docs", arch="all", depends="libx")
        + stanza("old32", arch="i386", depends="libx, nano")
        + stanza("self", depends="self")
    )
    assert edges(scanned([DEBIAN, Put(STATUS, status)])) == [
        ("app:amd64", "dpkg:amd64"),
        ("app:amd64", "libc6:amd64"),
        ("app:amd64", "libx:amd64"),
        ("app:amd64", "nano:amd64"),
        ("app:amd64", "provider:amd64"),
        ("docs:all", "libx:amd64"),
        ("old32:i386", "libx:i386"),
        ("old32:i386", "nano:amd64"),
    ]


def test_the_introducing_layer_is_the_one_since_which_this_version_is_there() -> None:
    base = [DEBIAN, Put(STATUS, stanza("a") + stanza("b") + stanza("c"))]
    second = [Put(STATUS, stanza("a") + stanza("b", "2.0"))]  # b upgraded, c removed
    third = [Put(STATUS, stanza("a") + stanza("b", "2.0") + stanza("c"))]  # c installed again
    image = image_of(base, second, third)
    layers = {str(layer.diff_id): index for index, layer in enumerate(image.layers)}
    found = scan(image, [CATALOGER])
    assert {p.name: layers[p.introduced_by] for p in found.packages} == {"a": 0, "b": 1, "c": 2}
    assert {layers[where.layer] for p in found.packages for where in p.locations} == {2}


def test_the_introducing_layer_survives_a_rewrite_below_an_opaque_directory() -> None:
    image = image_of(
        [DEBIAN, Put(STATUS, stanza("a"))],
        [Put("var/lib/dpkg/.wh..wh..opq", ""), Put(STATUS, stanza("a") + stanza("b"))],
    )
    found = scan(image, [CATALOGER])
    assert {p.name: p.introduced_by for p in found.packages} == {
        "a": str(image.layers[0].diff_id),
        "b": str(image.layers[1].diff_id),
    }


@pytest.mark.parametrize(
    "lower",
    [
        pytest.param(
            [Put("opt/db/status", stanza("a")), Put("var/lib/dpkg", link="../../opt/db")], id="directory link"
        ),
        pytest.param([Put("opt/db", stanza("a")), Put(STATUS, link="../../../opt/db")], id="file link"),
        pytest.param([Put("opt/db", stanza("a")), Put(STATUS, link="/opt/db")], id="absolute link"),
        pytest.param([Put("opt/db", stanza("a")), Put(STATUS, hard="opt/db")], id="hardlink"),
    ],
)
def test_a_database_behind_a_link_is_found(lower: list[Put], tmp_path: Path) -> None:
    assert purls(scanned([DEBIAN, *lower])) == ["pkg:deb/debian/a@1.0?arch=amd64&distro=debian-12"]
    assert purls(scanned([DEBIAN, lower[0]], [lower[1]])) == purls(scanned([DEBIAN, *lower]))


def test_a_database_behind_a_link_is_found_in_a_directory_too(tmp_path: Path) -> None:
    (tmp_path / "opt/db").mkdir(parents=True)
    (tmp_path / "var/lib").mkdir(parents=True)
    (tmp_path / "opt/db/status").write_text(stanza("a"))
    (tmp_path / "var/lib/dpkg").symlink_to("/opt/db")
    found = scan(Image("root", root=tmp_path), [CATALOGER])
    assert purls(found) == ["pkg:deb/debian/a@1.0?arch=amd64"]
    assert found.packages[0].locations[0].path == "/var/lib/dpkg/status"


def test_a_layer_that_writes_through_a_lower_layers_link() -> None:
    lower = [DEBIAN, Put("usr/dpkg/status", stanza("a")), Put("var/lib/dpkg", link="../../usr/dpkg")]
    assert [p.name for p in scanned(lower, [Put(STATUS, stanza("b"))]).packages] == ["b"]
    assert [p.name for p in scanned(lower, [Put("usr/dpkg/status", stanza("c"))]).packages] == ["c"]


def test_distroless_status_d() -> None:
    one = stanza("base-files").replace("Status: install ok installed\n", "").rstrip("\n")
    found = scanned([DEBIAN, Put("var/lib/dpkg/status.d/base", one)])
    assert [p.name for p in found.packages] == ["base-files"]
    assert found.coverage.status == "full"


def test_a_database_cut_in_half_keeps_what_is_whole_and_is_an_issue() -> None:
    whole = "".join(stanza(f"p{i}", depends="libc6, libm") for i in range(100))
    found = scanned([DEBIAN, Put(STATUS, whole[: len(whole) // 2 - 7])])
    assert 40 < len(found.packages) < 60
    assert [issue.path for issue in found.issues] == ["/" + STATUS]
    assert found.coverage.status == "partial"


def test_file_lists_without_a_record_betray_a_cut_database() -> None:
    found = scanned(
        [DEBIAN, Put(STATUS, stanza("a")), Put("var/lib/dpkg/info/lost:amd64.list", "/usr\n/usr/bin/lost\n")]
    )
    assert "1 package(s) have a file list but no record: lost" in found.issues[0].reason


def test_a_record_without_a_version_is_an_issue() -> None:
    found = scanned([DEBIAN, Put(STATUS, stanza("a") + "Package: b\nStatus: install ok installed\n\n")])
    assert [p.name for p in found.packages] == ["a"]
    assert len(found.issues) == 1


@given(st.text(alphabet="Package:Version Status\n\t install ok installed0.é\x00", max_size=300))
def test_any_text_ends_in_facts_or_an_issue(text: str) -> None:
    raw = text.encode()
    _, issues = learn(Content(STATUS, len(raw), 0o644, [raw]), [CATALOGER])
    assert not any("could not be read" in issue.reason for issue in issues)


@pytest.mark.shared
@pytest.mark.parametrize(("file", "count"), [("dpkg-layer1.tar.gz", 84), ("distroless.tar", 3)])
def test_real_layers(shared_data: Path, file: str, count: int) -> None:
    found = scan(open_source(f"tar:{shared_data / 'dpkg' / file}"), [CATALOGER])
    assert len(found.packages) == count
    if file == "distroless.tar":
        assert [p.name for p in found.packages] == ["base-files", "netbase", "tzdata"]


@pytest.mark.shared
def test_two_real_layers_of_one_image(shared_data: Path) -> None:
    layers = [open_source(f"tar:{shared_data}/dpkg/dpkg-layer{n}.tar.gz").layers[0] for n in (1, 2)]
    found = scan(Image("two", tuple(layers)), [CATALOGER])
    assert len(found.packages) == 88
    assert len({p.introduced_by for p in found.packages}) == 2
