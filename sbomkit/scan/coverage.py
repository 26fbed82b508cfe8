"""How complete an inventory is, and why it is not: an empty answer is never silent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from sbomkit.layers.tree import Tree
from sbomkit.model.distro import Distro
from sbomkit.model.inventory import Coverage, CoverageStatus, EcosystemCoverage, Issue
from sbomkit.model.package import Package

_DATABASES = {
    "dpkg": ("debian", "ubuntu", "raspbian", "kali", "devuan"),
    "apk": ("alpine", "wolfi", "chainguard", "postmarketos"),
    "rpm": (
        "rhel", "fedora", "centos", "rocky", "almalinux", "ol", "amzn", "suse", "opensuse", "sles", "mariner",
        "azurelinux", "photon", "openeuler", "hummingbird",
    ),
    "alpm": ("arch", "archarm", "manjaro", "endeavouros", "cachyos"),
    "portage": ("gentoo", "flatcar"),
    "opkg": ("openwrt",),
    "nix": ("nixos",),
    "bottlerocket": ("bottlerocket",),
    "cos": ("cos",),
}  # fmt: skip
_ALSO = {"dpkg": "chisel"}
"""Another record in which the same distribution keeps its packages."""
_PLACES = {
    "dpkg": "/var/lib/dpkg/status or /var/lib/dpkg/status.d",
    "apk": "/lib/apk/db/installed or /usr/lib/apk/db/installed",
    "rpm": "/var/lib/rpm, /usr/lib/sysimage/rpm or /usr/share/rpm",
    "alpm": "/var/lib/pacman/local",
    "portage": "/var/db/pkg",
    "opkg": "/usr/lib/opkg/status or /var/lib/opkg/status",
    "nix": "/nix/store",
    "bottlerocket": "/usr/share/bottlerocket/application-inventory.json",
    "cos": "/etc/cos-package-info.json",
}


def coverage_of(packages: Iterable[Package], distro: Distro, issues: Sequence[Issue], tree: Tree) -> Coverage:
    """Full only where the distribution is known, its database was read, and nothing was unreadable."""
    found = Counter(p.cataloger for p in packages)
    broken: dict[str, list[Issue]] = {}
    for issue in issues:
        broken.setdefault(issue.cataloger, []).append(issue)
    ecosystems = [_ecosystem(name, found[name], broken.get(name, [])) for name in sorted({*found, *broken} - {""})]
    reasons = _distro_reasons(distro, found, tree)
    reasons += [f"{e.cataloger}: {reason}" for e in ecosystems for reason in e.reasons]
    if broken.get(""):
        reasons.append(_told(broken[""]))
    status: CoverageStatus = "none" if not found else "partial" if reasons else "full"
    if not found:
        reasons.insert(0, "no package was found")
    return Coverage(status, tuple(reasons), tuple(ecosystems))


def _ecosystem(name: str, packages: int, issues: list[Issue]) -> EcosystemCoverage:
    status: CoverageStatus = "full" if not issues else "partial" if packages else "none"
    return EcosystemCoverage(name, packages, status, (_told(issues),) if issues else ())


def _told(issues: list[Issue]) -> str:
    first = issues[0]
    more = f" (and {len(issues) - 1} more)" if len(issues) > 1 else ""
    return f"{first.path or 'the image'}: {first.reason}{more}"


def _distro_reasons(distro: Distro, found: Counter[str], tree: Tree) -> list[str]:
    if not any(True for _ in tree.walk()):
        return ["the image has no files"]
    named = distro.pretty_name or distro.id
    systems = [name for name in (*_DATABASES, *_ALSO.values()) if found[name]]
    if not named:
        if systems:
            return ["no os-release: the distribution is unknown, its packages' purls name a default vendor or none"]
        return ["no os-release and no package database: files that came without a record are not accounted for"]
    expected = next((db for id in distro.family for db, ids in _DATABASES.items() if id.split("-")[0] in ids), None)
    if expected is None:
        return [] if systems else [f"{named}: how this distribution records its packages is not known"]
    if found[expected] or found[_ALSO.get(expected, "")]:
        return []
    return [f"{named} records its packages in {_PLACES[expected]}, but there is no such database in the image"]
