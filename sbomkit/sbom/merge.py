"""Several inventories as one: the platforms of an image, or a service made of several images.

A package is the same where its purl is, and no hash contradicts: then the places, licences and CPEs of all are joined.
Where hashes contradict, both stay, the second under its purl with a `#` and its hash; that is an issue, not a choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

from sbomkit.errors import UsageError
from sbomkit.model.distro import Distro
from sbomkit.model.inventory import Coverage, CoverageStatus, Inventory, Issue, Subject
from sbomkit.model.package import Package, Relationship
from sbomkit.sbom.identity import oci_purl

_WORST: tuple[CoverageStatus, ...] = ("full", "partial", "none")


def merge(inventories: Sequence[Inventory], name: str, *, shape: Literal["flat", "hierarchical"] = "flat") -> Inventory:
    """One inventory of all. `hierarchical`: each subject becomes a package that contains its own. Raises UsageError."""
    if not inventories:
        raise UsageError("nothing to merge", hint="Name at least one document.")
    packages: dict[str, Package] = {}
    relationships: set[Relationship] = set()
    issues: list[Issue] = []
    subjects: set[str] = set()
    for inventory in inventories:
        renamed = _add(inventory, packages, issues)
        relationships |= {
            Relationship(renamed.get(r.source, r.source), r.kind, renamed.get(r.target, r.target))
            for r in inventory.relationships
        }
        if shape == "hierarchical":
            own = _subject_package(inventory, subjects | packages.keys())
            subjects.add(own.purl)
            packages[own.purl] = own
            held = {renamed.get(package.purl, package.purl) for package in inventory.packages}
            relationships |= {Relationship(own.purl, "contains", purl) for purl in held}
        issues += [replace(issue, reason=f"{inventory.subject.name}: {issue.reason}") for issue in inventory.issues]
    distros = {inventory.distro for inventory in inventories}
    return Inventory(
        _subject(inventories, name),
        tuple(packages[purl] for purl in sorted(packages)),
        tuple(sorted(relationships)),
        distros.pop() if len(distros) == 1 else Distro(),
        _coverage(inventories),
        tuple(sorted(set(issues))),
    )


def _subject(inventories: Sequence[Inventory], name: str) -> Subject:
    """The whole: it has no digest of its own, and a platform or a time only where all agree."""
    platforms = {inventory.subject.platform for inventory in inventories}
    return Subject(
        name,
        inventories[0].subject.kind if len({i.subject.kind for i in inventories}) == 1 else "filesystem",
        platform=platforms.pop() if len(platforms) == 1 else "",
        created=max(inventory.subject.created for inventory in inventories),
    )


def _add(inventory: Inventory, packages: dict[str, Package], issues: list[Issue]) -> dict[str, str]:
    """Its packages among the others; gives the purls that had to be told apart."""
    renamed: dict[str, str] = {}
    for package in inventory.packages:
        known = packages.get(package.purl)
        if known is None:
            packages[package.purl] = package
        elif _contradict(known, package):
            digest = min(str(digest) for digest in package.hashes)
            purl = f"{package.purl.partition('#')[0]}#{digest.replace(':', '-')}"
            packages[purl] = replace(package, purl=purl)
            renamed[package.purl] = purl
            issues.append(Issue("", f"{package.purl} has other hashes in {inventory.subject.name}; both are kept"))
        else:
            packages[package.purl] = _joined(known, package)
    return renamed


def _contradict(one: Package, two: Package) -> bool:
    """Whether both have a hash of the same kind, and not one of them in common."""
    kinds = {digest.algorithm for digest in one.hashes} & {digest.algorithm for digest in two.hashes}
    return bool(kinds) and not set(one.hashes) & set(two.hashes)


def _joined(one: Package, two: Package) -> Package:
    return replace(
        one,
        licenses=tuple(dict.fromkeys(one.licenses + two.licenses)),
        locations=tuple(sorted(set(one.locations + two.locations))),
        hashes=tuple(dict.fromkeys(one.hashes + two.hashes)),
        cpes=tuple(dict.fromkeys(one.cpes + two.cpes)),
        introduced_by=one.introduced_by if one.introduced_by == two.introduced_by else "",
        supplier=one.supplier or two.supplier,
        homepage=one.homepage or two.homepage,
        description=one.description or two.description,
        confidence=max(one.confidence, two.confidence),
        extra=one.extra if one.extra == two.extra else tuple(sorted({**dict(two.extra), **dict(one.extra)}.items())),
    )


def _subject_package(inventory: Inventory, taken: set[str]) -> Package:
    """An image as a package of the whole, under its purl where it has one, else under its name."""
    subject = inventory.subject
    reference = oci_purl(subject) or f"image:{subject.name}"
    purl, number = reference, 2
    while purl in taken:
        purl, number = f"{reference}#{number}", number + 1
    return Package(
        purl,
        "oci" if purl.startswith("pkg:") else "",
        subject.name,
        subject.version,
        kind="container" if subject.kind == "container" else "file",
        hashes=() if subject.digest is None else (subject.digest,),
        extra=(("oci:platform", subject.platform),) if subject.platform else (),
    )


def _coverage(inventories: Sequence[Inventory]) -> Coverage:
    """No better than the worst, unless some say nothing and others do: then it is partial."""
    statuses = {inventory.coverage.status for inventory in inventories}
    worst = max(statuses, key=_WORST.index)
    status: CoverageStatus = "partial" if worst == "none" and len(statuses) > 1 else worst
    reasons = [f"{i.subject.name}: {reason}" for i in inventories for reason in i.coverage.reasons]
    reasons += [
        f"{i.subject.name}: {e.cataloger}: {e.status}: {reason}"
        for i in inventories
        for e in i.coverage.ecosystems
        for reason in e.reasons
    ]
    return Coverage(status, tuple(dict.fromkeys(reasons)))
