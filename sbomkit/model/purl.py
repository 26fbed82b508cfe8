"""The one place where package URLs are built.

https://github.com/package-url/purl-spec
"""

from __future__ import annotations

from collections.abc import Mapping

from packageurl import PackageURL

from sbomkit.model.distro import Distro

_VENDOR = {
    "rhel": "redhat",
    "sles": "suse",
    "sled": "suse",
    "opensuse-leap": "opensuse",
    "opensuse-tumbleweed": "opensuse",
}
_DEFAULT_VENDOR = {"deb": "debian", "apk": "alpine"}


def make(
    type: str,
    name: str,
    version: str = "",
    *,
    namespace: str = "",
    qualifiers: Mapping[str, str] | None = None,
    subpath: str = "",
) -> str:
    """The canonical purl. Raises ValueError where there is no name, or none that a purl can hold."""
    if not name.strip("/").strip():  # packageurl strips blanks itself, and then has no name
        raise ValueError(f"{name!r} is not a name that a purl can hold")
    kept = {key: value for key, value in (qualifiers or {}).items() if value}
    return PackageURL(type, namespace or None, name, version or None, kept or None, subpath or None).to_string()


def vendor(type: str, distro: Distro) -> str:
    """The namespace of a distribution's packages: the vendor as scanners know it, even without os-release."""
    return _VENDOR.get(distro.id, distro.id) or _DEFAULT_VENDOR.get(type, "")


def make_distro_package(
    type: str, name: str, version: str, distro: Distro, *, arch: str = "", upstream: str = "", epoch: str = ""
) -> str:
    """The purl of a distribution's package (deb, apk, rpm, alpm, ...).

    `upstream` is the source package, `name` or `name@version`, given only when it differs;
    `epoch` is rpm's (deb's epoch is part of its version).
    """
    qualifiers = {"arch": arch, "distro": distro.qualifier, "epoch": epoch, "upstream": upstream}
    return make(type, name, version, namespace=vendor(type, distro), qualifiers=qualifiers)
