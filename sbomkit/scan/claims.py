"""Claims meet records: what a document or a binary says of a package that a database records is the same package.

The purls of the two differ in qualifiers (`distro=`, `upstream=`) and in a distribution's namespace, so they would
count twice. The record leads; the claim adds its place and what the record leaves out.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from sbomkit.model.package import Package, Relationship

_SYSTEM = frozenset(("deb", "apk", "rpm", "alpm"))
_ARCH = re.compile(r"[?&]arch=([^&#]+)")
_LEVEL = "claim:level"


def settled(packages: Iterable[Package]) -> tuple[list[Package], Mapping[str, str]]:
    """The packages, claims under the purls of what they are about; and which purl became which."""
    recorded: dict[tuple[str, ...], list[Package]] = defaultdict(list)
    sources: dict[tuple[str, ...], list[Package]] = defaultdict(list)
    kept: list[Package] = []
    claims: list[Package] = []
    for package in packages:
        (claims if _is_claim(package) else kept).append(package)
    if not claims:
        return kept, {}
    for package in kept:
        recorded[_key(package.purl)].append(package)
        if package.type in _SYSTEM and package.source_name:
            sources[package.type, package.source_name, package.source_version or package.version].append(package)
    renamed: dict[str, str] = {}
    for claim in sorted(claims, key=lambda p: (-p.confidence, -len(p.purl), p.purl, p.cataloger)):
        if (_LEVEL, "vendored") in claim.extra:
            kept.append(claim)  # a part inside of another package is not the one that is installed beside it
            continue
        target = _same(claim, recorded[_key(claim.purl)])
        if target is None and claim.cataloger == "elf-note" and sources.get((claim.type, claim.name, claim.version)):
            continue  # Fedora's notes name the source package: what it was built into is recorded
        if target is not None:
            renamed[claim.purl] = target.purl
            claim = _folded(claim, target)
        kept.append(claim)
        recorded[_key(claim.purl)].append(claim)
    return kept, renamed


def renamed_ends(relationships: Iterable[Relationship], renamed: Mapping[str, str]) -> list[Relationship]:
    """Relationships between the packages' final purls."""
    return [
        Relationship(renamed.get(r.source, r.source), r.kind, renamed.get(r.target, r.target)) for r in relationships
    ]


def _is_claim(package: Package) -> bool:
    return package.technique == "attestation" or package.cataloger == "elf-note"


def _key(purl: str) -> tuple[str, ...]:
    """Without qualifiers; for a distribution's package without its namespace too."""
    bare = purl.partition("?")[0].partition("#")[0]
    type_ = bare[4:].partition("/")[0]
    return (type_, bare.rpartition("/")[2]) if type_ in _SYSTEM else (bare,)


def _same(claim: Package, candidates: list[Package]) -> Package | None:
    arch = _ARCH.search(claim.purl)
    for candidate in sorted(candidates, key=lambda p: p.purl):
        theirs = _ARCH.search(candidate.purl)
        if not arch or not theirs or arch[1] == theirs[1]:
            return candidate
    return None


def _folded(claim: Package, target: Package) -> Package:
    extra = claim.extra
    if not _is_claim(target):
        extra = tuple(("claim:confirmed-by", value) if key == _LEVEL else (key, value) for key, value in extra)
    return replace(
        claim,
        purl=target.purl,
        type=target.type,
        namespace=target.namespace,
        name=target.name,
        version=target.version,
        confidence=min(claim.confidence, target.confidence),
        extra=extra,
    )
