"""What makes two packages of two inventories the same one: type, full name and the qualifiers that name it.

`arch` and `distro` do not: an image for another machine, or of a distribution's next release, holds the same packages.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote

from sbomkit.model.package import Package

DISTRO_TYPES = frozenset({"alpm", "apk", "deb", "opkg", "rpm"})

# Qualifiers that name another thing and not only another build of it.
# https://github.com/package-url/purl-spec/tree/main/types-doc
_STABLE = {
    "conan": ("channel", "user"),
    "maven": ("classifier", "type"),
    "oci": ("repository_url",),
    "swid": ("tag_id",),
}
_DEFAULTS = {("maven", "type", "jar")}
_ARCHITECTURE = ("arch", "goos", "goarch", "platform", "os")
_TYPE_ALIASES = {"alpine": "apk", "go": "golang", "java": "maven", "python": "pypi", "rubygems": "gem", "dpkg": "deb"}
_CASELESS = frozenset({"apk", "bitbucket", "composer", "deb", "github", "golang", "hex", "npm", "nuget", "pypi"})
_VENDOR_ALIASES = {"rhel": "redhat", "sles": "suse", "opensuse-leap": "opensuse", "opensuse-tumbleweed": "opensuse"}
_PYPI_SEPARATORS = re.compile(r"[-_.]+")

Key = tuple[str, str, str]
"""Type, full name, stable qualifiers and subpath."""


@lru_cache(maxsize=65536)
def _qualifiers(purl: str) -> tuple[tuple[tuple[str, str], ...], str]:
    """The qualifiers and the subpath; name and version are the package's own fields."""
    rest, _, subpath = purl.partition("#")
    _, _, query = rest.partition("?")
    pairs = (part.partition("=") for part in query.split("&") if part)
    return tuple(sorted((key.lower(), unquote(value)) for key, _, value in pairs)), subpath.strip("/")


def has_purl(package: Package) -> bool:
    return package.purl.startswith("pkg:")


def identity(package: Package) -> str:
    """The purl; where there is none, what the package says of itself."""
    purl = package.purl
    if purl[:4] == "pkg:":
        return purl
    return f"{package.type}/{package.namespace}/{package.name}@{package.version}"


def type_of(package: Package) -> str:
    return _TYPE_ALIASES.get(package.type, package.type)


def name_of(package: Package) -> str:
    """The full name, so that it does not matter where a tool cuts it into namespace and name."""
    kind = type_of(package)
    name = package.name
    if kind in DISTRO_TYPES:
        vendor = vendor_of(package)
        name = f"{vendor}/{name}" if vendor else name
    elif package.namespace:
        name = f"{package.namespace}/{name}"
    if kind in _CASELESS:
        name = name.lower()
    return _PYPI_SEPARATORS.sub("-", name) if kind == "pypi" else name


def vendor_of(package: Package) -> str:
    vendor = package.namespace.lower()
    return _VENDOR_ALIASES.get(vendor, vendor)


def key_of(package: Package) -> Key:
    kind = type_of(package)
    if not has_purl(package):
        return kind, name_of(package), "no purl"
    if "?" not in package.purl and "#" not in package.purl:
        return kind, name_of(package), ""
    pairs, subpath = _qualifiers(package.purl)
    wanted = _STABLE.get(kind, ())
    stable = "&".join(
        f"{key}={value}" for key, value in pairs if key in wanted and value and (kind, key, value) not in _DEFAULTS
    )
    return kind, name_of(package), f"{stable}#{subpath}" if subpath else stable


def architecture_of(package: Package) -> str:
    if "?" not in package.purl:
        return ""
    pairs, _ = _qualifiers(package.purl)
    return "/".join(value for key, value in pairs if key in _ARCHITECTURE and value)


def version_of(package: Package) -> str:
    """The version as its ecosystem orders it: with rpm's epoch from the purl's qualifiers, without Go's `v`."""
    version = package.version
    kind = type_of(package)
    if kind == "rpm" and ":" not in version and "epoch=" in package.purl:
        epoch = dict(_qualifiers(package.purl)[0]).get("epoch", "")
        return f"{epoch}:{version}" if epoch and epoch != "0" else version
    if kind == "rpm":
        return version.removeprefix("0:")
    if kind == "golang":
        return version.removeprefix("v")
    return version


def full_name(package: Package) -> str:
    """For people: the name in its ecosystem's words."""
    if type_of(package) in DISTRO_TYPES or not package.namespace:
        return package.name
    return f"{package.namespace}{':' if type_of(package) == 'maven' else '/'}{package.name}"
