"""rpm: the databases of Fedora, RHEL, SUSE, Azure Linux and their kin, read without an rpm binary.

Which kind of database a file is shows in its first bytes; the names are not to be relied on.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice

from sbomkit.catalogers.base import (
    Cataloger,
    Distro,
    Finding,
    Issue,
    LayerFile,
    Ownership,
    Package,
    ParseError,
    Relationship,
    Seen,
    Selector,
    View,
    located,
)
from sbomkit.catalogers.rpm import bdb, ndb, sqlite
from sbomkit.catalogers.rpm.damage import Damage
from sbomkit.catalogers.rpm.edges import edges
from sbomkit.catalogers.rpm.installed import Budget, Installed, read_installed
from sbomkit.catalogers.rpm.manifest import read_manifest
from sbomkit.model import purl
from sbomkit.model.package import License

MANIFEST = "var/lib/rpmmanifest/container-manifest-2"
DATABASES = tuple(
    f"{directory}/rpm/{name}"
    for directory in ("var/lib", "usr/lib/sysimage", "usr/share")
    for name in ("rpmdb.sqlite", "rpmdb.sqlite-wal", "Packages.db", "Packages")
)
MAX_SIZE = 512 << 20
"""Bytes of a database; read page by page."""
MAX_PACKAGES = 100_000

_WAL_MAGICS = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
_WAL_HEADER_SIZE = 32
_SOURCE = re.compile(r"(?P<name>.+)-(?P<version>[^-]+-[^-]+)\.(?:no)?src\.rpm\Z")


def parse(file: LayerFile) -> Iterator[Installed]:
    """The packages of one database without public keys: all that can be read, then ParseError for what cannot."""
    damage = Damage()
    packages = _manifest(file, damage) if file.path == MANIFEST else _database(file, damage)
    yield from islice(packages, MAX_PACKAGES)
    if next(packages, None) is not None:
        damage.note(f"more than {MAX_PACKAGES} packages; the rest was left out")
    if damage:
        raise ParseError(str(damage))


def _manifest(file: LayerFile, damage: Damage) -> Iterator[Installed]:
    return read_manifest(file.read(), damage)


def _database(file: LayerFile, damage: Damage) -> Iterator[Installed]:
    with file.open() as database:
        head = database.read(16)
        database.seek(0)
        if file.path.endswith("-wal"):
            _check_log(head, file.size)
            return
        if head.startswith(sqlite.MAGIC):
            blobs = sqlite.read_blobs(database, file.size, damage)
        elif head.startswith(ndb.MAGIC):
            blobs = ndb.read_blobs(database, file.size, damage)
        elif bdb.byte_order(head):
            blobs = bdb.read_blobs(database, file.size, damage)
        else:
            raise ParseError("no rpm database of a known kind (SQLite, ndb, Berkeley DB hash)")
        budget = Budget()
        for blob in blobs:
            package = read_installed(blob, damage, budget)
            if package is not None:
                yield package


def _check_log(head: bytes, size: int) -> None:
    """An image taken while rpm was at work: what stands in the log only is not in the database."""
    if head[:4] in _WAL_MAGICS and size > _WAL_HEADER_SIZE:
        raise ParseError("changes that are not yet in the database itself: packages may be missing or out of date")


def assemble(view: View) -> Iterable[Finding]:
    """Packages, their files, and the edges between them, sorted by package."""
    seen: list[Seen[Installed]] = []
    purls: list[str] = []
    for item in sorted(view.facts(Installed), key=lambda item: (item.fact.identity, item.path)):
        try:
            package = located(_package(item.fact, view.distro), item)
        except ValueError as error:
            yield Issue("/" + item.path, f"package {item.fact.name[:140]!r}: {error}", item.layer, "rpm")
            continue
        seen.append(item)
        purls.append(package.purl)
        yield package
        if paths := item.fact.files.owned():
            yield Ownership(package.purl, paths)
    for source, target in edges([item.fact for item in seen], view.resolve):
        if purls[source] != purls[target]:
            yield Relationship(purls[source], "depends-on", purls[target])
    yield from _disagreements(seen)


def _disagreements(seen: Iterable[Seen[Installed]]) -> Iterator[Issue]:
    """rpm uses one database, as configured; a second one with other packages may be a leftover."""
    by_path: dict[str, set[str]] = {}
    for item in seen:
        by_path.setdefault(item.path, set()).add(item.fact.identity)
    (first, packages), *others = sorted(by_path.items()) or [("", set())]
    for path, other in others:
        if other != packages:
            reason = f"does not hold the same packages as /{first}; those of both are listed"
            yield Issue("/" + path, reason, cataloger="rpm")


def _package(fact: Installed, distro: Distro) -> Package:
    source = _SOURCE.match(fact.source_rpm)
    epoch = str(fact.epoch) if fact.epoch else ""
    extra = {
        "rpm:arch": fact.arch,
        "rpm:epoch": epoch,
        "rpm:header-sha1": fact.header_sha1,
        "rpm:header-sha256": fact.header_sha256,
        "rpm:modularity": fact.modularity,
        "rpm:packager": fact.packager,
        "rpm:sigmd5": fact.sig_md5,
        "rpm:sourcerpm": fact.source_rpm,
    }
    return Package(
        purl=purl.make_distro_package(
            "rpm", fact.name, fact.version_release, distro, arch=fact.arch, epoch=epoch, upstream=fact.source_rpm
        ),
        type="rpm",
        name=fact.name,
        version=fact.evr,
        namespace=purl.vendor("rpm", distro),
        cataloger="rpm",
        licenses=(License(fact.license),) if fact.license else (),
        supplier=fact.vendor,
        homepage=fact.url,
        description=fact.summary,
        source_name=source["name"] if source else "",
        source_version=source["version"] if source else "",
        extra=tuple(sorted((key, value) for key, value in extra.items() if value)),
    )


CATALOGER = Cataloger(
    name="rpm",
    version=1,
    selects=Selector(globs=(*DATABASES, MANIFEST), max_size=MAX_SIZE),
    parse=parse,
    assemble=assemble,
    ecosystem="RPM packages",
)
