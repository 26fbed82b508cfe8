"""Inventories made up for tests: one that uses every field, big ones, and hostile ones."""

from __future__ import annotations

from sbomkit.model.digest import Digest
from sbomkit.model.distro import Distro
from sbomkit.model.inventory import Coverage, EcosystemCoverage, Inventory, Issue, LayerInfo, Subject
from sbomkit.model.package import License, Location, Package, Relationship
from sbomkit.sbom.format import Meta

META = Meta("0.1.0", "2024-05-17T10:11:12.123456789Z")


def diff_id(number: int) -> str:
    return str(Digest.of(f"layer {number}".encode()))


def subject(layers: int = 2) -> Subject:
    return Subject(
        name="registry.example/team/app:1.2",
        digest=Digest.of(b"manifest"),
        media_type="application/vnd.oci.image.manifest.v1+json",
        image_id=Digest.of(b"config"),
        platform="linux/arm64/v8",
        created="2024-05-17T10:11:12Z",
        layers=tuple(
            LayerInfo(
                diff_id(n),
                str(Digest.of(f"blob {n}".encode())),
                "application/vnd.oci.image.layer.v1.tar+gzip",
                1000 + n,
                f"RUN step {n} && echo 'ok' # buildkit",
            )
            for n in range(layers)
        ),
        config=(("Entrypoint", '["/app"]'), ("Label:org.opencontainers.image.source", '"https://example.org/x"')),
    )


ZLIB = "pkg:deb/debian/zlib1g@1.2.13?arch=arm64&distro=debian-12&upstream=zlib"
LIBC = "pkg:deb/debian/libc6@2.36-9?arch=arm64&distro=debian-12"
YAML_DEB = "pkg:deb/debian/python3-yaml@6.0-3?arch=arm64&distro=debian-12"
YAML = "pkg:pypi/pyyaml@6.0"
RING_A, RING_B = "pkg:npm/%40ring/a@1.0.0", "pkg:npm/%40ring/b@1.0.0"


def rich() -> Inventory:
    """Every field in use, with a ring that nothing leads into."""
    status = Location("/var/lib/dpkg/status", diff_id(0))
    packages = (
        Package(
            LIBC, "deb", "libc6", "2.36-9", "debian", "library", "dpkg",
            licenses=(License("LGPL-2.1+ AND GPL-2", source="/usr/share/doc/libc6/copyright"),),
            locations=(status,), introduced_by=diff_id(0),
            supplier="GNU Libc Maintainers <debian-glibc@lists.debian.org>", homepage="https://www.gnu.org/software/libc/",
            description="GNU C Library: shared libraries", source_name="glibc", source_version="2.36-9",
            cpes=("cpe:2.3:a:gnu:glibc:2.36:*:*:*:*:*:*:*", "cpe:2.3:a:gnu:libc6:2.36:*:*:*:*:*:*:*"),
        ),
        Package(
            YAML_DEB, "deb", "python3-yaml", "6.0-3", "debian", "library", "dpkg",
            licenses=(License("Expat"),), locations=(status,), introduced_by=diff_id(1),
        ),
        Package(
            ZLIB, "deb", "zlib1g", "1.2.13", "debian", "library", "dpkg",
            licenses=(License("Zlib"), License("Some words of a licence, Version 7", text="Permission is granted.")),
            locations=(status,), introduced_by=diff_id(0),
            extra=(("deb:priority", "required"), ("deb:section", "libs")),
        ),
        Package(
            RING_A, "npm", "a", "1.0.0", "@ring", "framework", "npm",
            licenses=(License("(MIT OR Apache-2.0)"), License("MIT", concluded=True)),
            locations=(Location("/app/node_modules/@ring/a/package.json", diff_id(1)),), introduced_by=diff_id(1),
            homepage="not a url", hashes=(Digest.of(b"a"), Digest.of(b"a", "sha512"), Digest.of(b"a", "sha224")),
        ),
        Package(
            RING_B, "npm", "b", "1.0.0", "@ring", "application", "npm",
            locations=(
                Location("/app/node_modules/@ring/b/package.json", diff_id(1)),
                Location("/srv/node_modules/@ring/b/package.json", diff_id(0)),
            ),
            introduced_by=diff_id(0),
        ),
        Package(
            YAML, "pypi", "pyyaml", "6.0", "", "library", "python",
            locations=(Location("/usr/lib/python3/dist-packages/PyYAML-6.0.dist-info/METADATA", diff_id(1)),),
            introduced_by=diff_id(1), technique="binary-analysis", confidence=0.5, supplier="Kirill (and friends)",
        ),
    )  # fmt: skip
    relationships = (
        Relationship(ZLIB, "depends-on", LIBC),
        Relationship(YAML_DEB, "depends-on", LIBC),
        Relationship(RING_A, "depends-on", RING_B),
        Relationship(RING_B, "depends-on", RING_A),
        Relationship(YAML, "owned-by", YAML_DEB),
        Relationship(RING_A, "contains", RING_B),
    )
    reasons = ("one layer could not be read to its end",)
    return Inventory(
        subject(),
        tuple(sorted(packages, key=lambda p: p.purl)),
        tuple(sorted(relationships)),
        Distro("debian", "12", "Debian GNU/Linux", "Debian GNU/Linux 12 (bookworm)", "bookworm", (), "/etc/os-release"),
        Coverage(
            "partial",
            reasons,
            (EcosystemCoverage("dpkg", 3, "full"), EcosystemCoverage("npm", 2, "partial", ("a file is truncated",))),
        ),
        (Issue("/app/package.json", "not JSON: unexpected end", diff_id(1), "npm"), Issue("", "the layer ends early")),
    )


def empty() -> Inventory:
    return Inventory(Subject("empty"), coverage=Coverage("full"))


def big(count: int, edges_each: int = 2) -> Inventory:
    """Many packages, with edges to earlier ones (and so no ring)."""
    shared = [License(v) for v in ("MIT", "Apache-2.0", "GPL-2+ AND Expat", "A licence of its own")]
    packages = []
    for n in range(count):
        name = f"package-{n:06}"
        packages.append(
            Package(
                f"pkg:deb/debian/{name}@1.{n}?arch=amd64&distro=debian-12", "deb", name, f"1.{n}", "debian",
                cataloger="dpkg", licenses=(shared[n % 4],),
                locations=(Location("/var/lib/dpkg/status", diff_id(n % 9)),), introduced_by=diff_id(n % 9),
                supplier="Debian Foo Maintainers <foo@lists.debian.org>",
                homepage="https://example.org/foo", description="A package of the archive", source_name=f"source-{n}",
                source_version=f"1.{n}", extra=(("deb:section", "libs"),),
            )
        )  # fmt: skip
    edges = [
        Relationship(packages[n].purl, "depends-on", packages[n // (k + 2)].purl)
        for n in range(count)
        for k in range(edges_each)
        if n // (k + 2) != n
    ]
    return Inventory(subject(9), tuple(packages), tuple(sorted(set(edges))), Distro("debian", "12"), Coverage("full"))
