"""What holds for any two inventories: a thing equals itself, the mirror is the reverse, and order does not matter."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from sbomkit.diff.compare import diff
from sbomkit.diff.identity import identity
from sbomkit.diff.match import match
from sbomkit.model.digest import Digest
from sbomkit.model.distro import Distro
from sbomkit.model.files import FileChange, FileDrift
from sbomkit.model.inventory import Coverage, EcosystemCoverage, Inventory, LayerInfo, Subject
from sbomkit.model.package import License, Location, Package, Relationship

TYPES = ("deb", "rpm", "apk", "pypi", "npm", "golang", "maven", "gem", "generic", "composer", "cpan")
NAMES = ("requests", "lodash", "libssl1.1", "libssl3", "a", "b", "github.com/a/b", "github.com/a/b/v2")
VERSIONS = (
    "",
    "1",
    "1.0",
    "1.0.0",
    "1.0.1",
    "v1.0.1",
    "2.0-rc1",
    "2.0",
    "1:2.0-1",
    "1.0+a",
    "1.0+b",
    "dev-main",
    "~",
    "²",
)
QUALIFIERS = ("", "?arch=amd64", "?arch=i386&distro=debian-12", "?epoch=1", "?classifier=x", "#sub")
PATHS = ("/a", "/app/requests-1.0/x", "/app/requests-2.0/x", "/lib/x.jar")
LAYERS = [str(Digest.of(text)) for text in (b"1", b"2", b"3", b"4")]


@st.composite
def packages(draw: st.DrawFn) -> Package:
    kind, name, version = draw(st.sampled_from(TYPES)), draw(st.sampled_from(NAMES)), draw(st.sampled_from(VERSIONS))
    vendor = draw(st.sampled_from(("", "debian", "ubuntu")))
    middle = f"{vendor}/{name}" if vendor else name
    purl = draw(st.sampled_from((f"pkg:{kind}/{middle}@{version}{draw(st.sampled_from(QUALIFIERS))}", "")))
    return Package(
        purl,
        kind,
        name,
        version,
        namespace=vendor,
        cataloger=draw(st.sampled_from(("x", "y"))),
        licenses=tuple(
            License(v) for v in draw(st.lists(st.sampled_from(("MIT", "mit", "GPL-2.0", "GPL-2.0-only")), max_size=2))
        ),
        locations=tuple(Location(path) for path in draw(st.lists(st.sampled_from(PATHS), max_size=2, unique=True))),
        introduced_by=draw(st.sampled_from(("", *LAYERS))),
        source_name=draw(st.sampled_from(("", "openssl"))),
        supplier=draw(st.sampled_from(("", "Someone"))),
        hashes=tuple(Digest.of(text) for text in draw(st.lists(st.sampled_from((b"1", b"2")), max_size=1))),
    )


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    found = draw(st.lists(packages(), max_size=8))
    refs = [identity(p) for p in found] + ["root"]
    edges = draw(st.lists(st.tuples(st.sampled_from(refs), st.sampled_from(refs)), max_size=8))
    layers = draw(st.lists(st.sampled_from(LAYERS), max_size=4))
    config = draw(
        st.dictionaries(
            st.sampled_from(("User", "Env", "Cmd", "ExposedPorts", "Label:a")),
            st.sampled_from(('"0"', '["A=1","TOKEN=x"]', '{"22/tcp":{}}', "null", "[[[", '{"a":"b"}')),
        )
    )
    return Inventory(
        Subject(
            draw(st.sampled_from(("x", "y"))),
            platform=draw(st.sampled_from(("", "linux/amd64", "linux/arm64"))),
            layers=tuple(
                LayerInfo(one, size=len(one), created_by=draw(st.sampled_from(("", "RUN x")))) for one in layers
            ),
            config=tuple(sorted(config.items())),
        ),
        tuple(found),
        tuple(Relationship(source, "depends-on", target) for source, target in edges),
        Distro(draw(st.sampled_from(("", "debian", "ubuntu"))), draw(st.sampled_from(("", "12", "12.1")))),
        Coverage(
            draw(st.sampled_from(("full", "partial", "none"))),
            ("b", "a"),
            (EcosystemCoverage("x", 1, draw(st.sampled_from(("full", "partial", "none")))),),
        ),
    )


FILES = FileDrift(
    (
        FileChange("/usr/bin/x", "setuid", "appeared", "0755", "4755"),
        FileChange("/etc/y", "tamper", "changed", "sha256:a", "sha256:b"),
        FileChange("/z", "added"),
    ),
    added=1,
    bytes_added=7,
)


@given(inventories())
def test_nothing_differs_from_itself(one: Inventory) -> None:
    assert diff(one, one).is_empty


@settings(max_examples=60)
@given(inventories(), inventories())
def test_the_reverse_is_the_mirror_image(one: Inventory, other: Inventory) -> None:
    forward = diff(one, other, files=FILES)
    assert diff(other, one, files=FILES.mirrored()) == forward.mirrored()
    assert forward.mirrored().mirrored() == forward


@settings(max_examples=60)
@given(inventories(), inventories())
def test_the_order_of_input_never_matters(one: Inventory, other: Inventory) -> None:
    shuffled = replace(
        other, packages=tuple(reversed(other.packages)), relationships=tuple(reversed(other.relationships))
    )
    turned = replace(one, packages=tuple(reversed(one.packages)), relationships=tuple(reversed(one.relationships)))
    assert diff(turned, shuffled) == diff(one, other)


@settings(max_examples=60)
@given(inventories(), inventories())
def test_every_package_is_in_exactly_one_pair(one: Inventory, other: Inventory) -> None:
    old = {identity(p): p for p in one.packages}
    new = {identity(p): p for p in other.packages}
    pairs = match(old.values(), new.values())
    assert sorted(identity(p.old) for p in pairs if p.old) == sorted(old)
    assert sorted(identity(p.new) for p in pairs if p.new) == sorted(new)
    assert all(p.reason for p in pairs if p.old and p.new)
