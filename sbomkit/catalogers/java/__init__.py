"""Java archives: what Maven, the manifest or the file's name says they are, and the archives inside of them.

Evidence, best first: every pom.properties (a shaded jar has several), pom.xml, META-INF/MANIFEST.MF, the file name.
Formats: https://maven.apache.org/shared/maven-archiver/, https://maven.apache.org/pom.html,
https://docs.oracle.com/en/java/javase/21/docs/specs/jar/jar.html. A groupId is only what some record says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from sbomkit.catalogers.base import Cataloger, Fact, LayerFile, Package, ParseError, Relationship, Selector
from sbomkit.catalogers.java.artifact import Artifact, artifacts_of
from sbomkit.catalogers.reading.archive import Zip
from sbomkit.catalogers.reading.content import Buffer, buffer
from sbomkit.catalogers.reading.edges import Edges, packages_and_edges
from sbomkit.catalogers.reading.values import kept
from sbomkit.model import purl
from sbomkit.model.digest import Digest
from sbomkit.model.package import License

EXTENSIONS = ("jar", "war", "ear", "par", "sar", "nar", "jpi", "hpi", "kar", "lpkg")
MAX_DEPTH = 16
"""Archives in archives; real ones end at three (an ear's war's jar)."""
MAX_NESTED = 128 << 20
"""Bytes of one archive inside of another."""
MAX_TOTAL = 1 << 30
"""Bytes of all the archives inside of one file."""
_ENDINGS = tuple(f".{extension}".encode() for extension in EXTENSIONS)
_EVIDENCE = (b"META-INF/MANIFEST.MF", b"pom.properties", b"pom.xml")


@dataclass(slots=True)
class _Walk:
    """One file on its way through its nested archives."""

    left: int = MAX_TOTAL
    problems: list[str] = field(default_factory=list)
    contains: set[Relationship] = field(default_factory=set)


def parse(file: LayerFile) -> Iterable[Fact]:
    walk = _Walk()
    yield from _archive(buffer(file), file.path.rpartition("/")[2], "", 0, None, walk)
    if walk.contains:
        yield Edges(tuple(sorted(walk.contains)))
    if walk.problems:
        more = f" (and {len(walk.problems) - 1} more)" if len(walk.problems) > 1 else ""
        raise ParseError(walk.problems[0] + more)


def _wanted(name: bytes) -> bool:
    return name.endswith(_EVIDENCE) or name.lower().endswith(_ENDINGS)


def _archive(data: Buffer, name: str, inside: str, depth: int, owner: str | None, walk: _Walk) -> Iterator[Package]:
    try:
        archive = Zip(data, _wanted)
    except ParseError as error:
        walk.problems.append(f"{inside}: {error}" if inside else str(error))
        return
    main = owner
    for artifact in artifacts_of(archive, name, walk.problems):
        package = _package(artifact, inside)
        if artifact.main:
            sha1 = hashlib.sha1(data, usedforsecurity=False).hexdigest()
            package = replace(package, hashes=(Digest("sha1", sha1),))
            main = package.purl
        container = owner if artifact.main else main
        if container and container != package.purl:
            walk.contains.add(Relationship(container, "contains", package.purl))
        yield package
    yield from _nested(archive, inside, depth, main, walk)


def _nested(archive: Zip, inside: str, depth: int, owner: str | None, walk: _Walk) -> Iterator[Package]:
    for member in archive.members.values():
        if not member.name.lower().encode().endswith(_ENDINGS) or not member.size:
            continue
        place = f"{inside}!/{member.name}" if inside else member.name
        if depth + 1 >= MAX_DEPTH:
            walk.problems.append(f"archives nested more than {MAX_DEPTH} deep are not looked into")
            return
        try:
            if member.size > walk.left:
                raise ParseError(f"archives inside of it beyond {MAX_TOTAL} bytes are not looked into")
            data = archive.read(member, MAX_NESTED)
        except ParseError as error:
            walk.problems.append(f"{inside}: {error}" if inside else str(error))
            continue
        walk.left -= len(data)
        yield from _archive(data, member.name.rpartition("/")[2], place, depth + 1, owner, walk)


def _package(artifact: Artifact, inside: str) -> Package:
    qualifiers = {"classifier": artifact.classifier} if artifact.classifier else {}
    return Package(
        purl.make("maven", artifact.name, artifact.version, namespace=artifact.group, qualifiers=qualifiers),
        "maven",
        artifact.name,
        artifact.version,
        namespace=artifact.group,
        cataloger="java",
        licenses=tuple(License(name) for name in artifact.licenses),
        supplier=artifact.vendor,
        homepage=artifact.url,
        description=artifact.description,
        technique="filename" if artifact.evidence == "file name" else "manifest-analysis",
        confidence=artifact.confidence,
        extra=kept(java_evidence=artifact.evidence, java_inside=inside, java_manifest_title=artifact.title),
    )


CATALOGER = Cataloger(
    name="java",
    version=1,
    selects=Selector(globs=(f"**/*.{{{','.join(EXTENSIONS)}}}",), max_size=2 << 30),
    parse=parse,
    assemble=packages_and_edges,
    ecosystem="Java archives",
)
