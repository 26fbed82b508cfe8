"""How long the encoders take for a large inventory.

    python -m tests.benchmarks.encode [--packages 50000] [--rounds 3]

The packages are made up: Debian's names and fields, two dependencies and an owned Python package for every tenth.
"""

from __future__ import annotations

import argparse
import statistics
import time

from sbomkit.model.digest import Digest
from sbomkit.model.distro import Distro
from sbomkit.model.inventory import Coverage, EcosystemCoverage, Inventory, LayerInfo, Subject
from sbomkit.model.package import License, Location, Package, Relationship
from sbomkit.sbom.format import Meta, formats
from tests.benchmarks.process import machine

LAYERS = tuple(f"sha256:{number:064x}" for number in range(1, 9))


def package(number: int) -> Package:
    """One package with every field that a real one of dpkg has."""
    name, version = f"libsynthetic{number:05}", f"1:{number % 30}.{number % 7}-{number % 5}+deb12u1"
    layer = LAYERS[number % len(LAYERS)]
    return Package(
        f"pkg:deb/debian/{name}@{version.replace('+', '%2B')}?arch=amd64&distro=debian-12&upstream=synthetic{number}",
        "deb",
        name,
        version,
        namespace="debian",
        cataloger="dpkg",
        licenses=(License("GPL-2.0-or-later"), License("MIT")),
        locations=(Location("/var/lib/dpkg/status", LAYERS[-1]), Location(f"/usr/share/doc/{name}/copyright", layer)),
        introduced_by=layer,
        supplier="Some Maintainer <maintainer@example.org>",
        homepage=f"https://example.org/{name}",
        description="made up for measuring",
        source_name=f"synthetic{number // 4}",
        source_version=version,
        extra=(("deb:architecture", "amd64"), ("deb:section", "libs")),
    )


def inventory(count: int) -> Inventory:
    """An image of so many packages."""
    packages = tuple(sorted((package(number) for number in range(count)), key=lambda p: p.purl))
    edges = {
        Relationship(p.purl, "depends-on", packages[target].purl)
        for at, p in enumerate(packages)
        for target in (at // 2, at * 7 % count)
        if target != at
    }
    subject = Subject(
        "synthetic", digest=Digest.of(b"manifest"), image_id=Digest.of(b"config"), platform="linux/amd64",
        created="2024-02-29T12:00:00Z", layers=tuple(LayerInfo(layer, size=1) for layer in LAYERS),
    )  # fmt: skip
    coverage = Coverage("full", ecosystems=(EcosystemCoverage("dpkg", count, "full"),))
    distro = Distro(id="debian", version_id="12")
    return Inventory(subject, packages, tuple(sorted(edges)), distro, coverage)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.encode")
    parser.add_argument("--packages", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    made, meta = inventory(options.packages), Meta("0")
    print(
        f"{options.packages} packages, {len(made.relationships)} relationships; "
        f"medians of {options.rounds}; {machine()}.\n"
    )
    print("| format | wall | CPU | size |\n|---|--:|--:|--:|")
    for format in formats():
        for version in format.versions or ("",):
            walls, cpus = [], []
            for _ in range(options.rounds):
                started = (time.perf_counter(), time.process_time())
                size = len(format.encode(made, meta, version or None))
                walls.append(time.perf_counter() - started[0])
                cpus.append(time.process_time() - started[1])
            name = f"{format.name} {version}".strip()
            wall, cpu = statistics.median(walls), statistics.median(cpus)
            print(f"| {name} | {wall:.2f} s | {cpu:.2f} s | {size / 1e6:.1f} MB |")


if __name__ == "__main__":
    main()
