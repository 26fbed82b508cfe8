"""A `package.json`, read as leniently as npm does: old packages break every rule.

https://docs.npmjs.com/cli/configuring-npm/package-json
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from sbomkit.catalogers.addresses import without_secrets
from sbomkit.catalogers.base import Fact, LayerFile, ParseError
from sbomkit.catalogers.json_object import load_object

MAX_MANIFEST = 4 << 20
"""Bytes of a package.json; parsed JSON takes up to twenty times as much memory."""
LOCK = ".package-lock.json"

_DEPENDENCIES = ("dependencies", "optionalDependencies", "peerDependencies")


@dataclass(frozen=True, slots=True)
class Manifest:
    """A package.json with a name and a version; whether it is an installed package, its place decides."""

    name: str
    version: str
    licenses: tuple[str, ...] = ()
    supplier: str = ""
    homepage: str = ""
    description: str = ""
    private: bool = False
    repository: str = ""
    resolved: str = ""
    integrity: str = ""
    """Subresource integrity of the tarball: `sha512-BASE64`, several separated by spaces."""
    dependencies: tuple[str, ...] = ()
    """Names of what it wants at run time: needed, optional and peer."""

    @property
    def identity(self) -> str:
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class InstallLock:
    """npm's own record (`node_modules/.package-lock.json`) of where each package came from."""

    packages: tuple[tuple[str, str, str, str], ...]
    """Path relative to the directory that holds node_modules; version, resolved, integrity ("" where unknown)."""

    @property
    def identity(self) -> str:
        return ""


def parse(file: LayerFile) -> Iterator[Fact]:
    """A manifest or a lock, told apart by the name. Raises ParseError where JSON was promised and is not there."""
    if file.path.endswith(LOCK):
        yield _lock(load_object(file.read()))
        return
    if file.size > MAX_MANIFEST:
        raise ParseError(f"a package.json of {file.size} bytes; at most {MAX_MANIFEST} are read")
    try:
        content = load_object(file.read())
    except ParseError:
        if is_package(file.path):
            raise
        return  # packages ship broken manifests as data for their tests
    manifest = _manifest(content)
    if manifest is not None:
        yield manifest


def _manifest(content: Mapping[str, object]) -> Manifest | None:
    name, version = _text(content.get("name")), _text(content.get("version"))
    if not name or not version:
        return None
    dist = content.get("dist")
    dist = dist if isinstance(dist, dict) else {}
    wanted: set[str] = set()
    for key in _DEPENDENCIES:
        names = content.get(key)
        if isinstance(names, dict):
            wanted.update(names)
    return Manifest(
        name=name,
        version=version,
        licenses=tuple(dict.fromkeys([*_licenses(content.get("license")), *_licenses(content.get("licenses"))])),
        supplier=_first_person(content),
        homepage=_text(content.get("homepage")),
        description=_text(content.get("description")),
        private=content.get("private") is True,
        repository=_address(content.get("repository")),
        resolved=without_secrets(_text(content.get("_resolved")) or _text(dist.get("tarball"))),
        integrity=_text(content.get("_integrity")) or _text(dist.get("integrity")),
        dependencies=tuple(sorted(wanted)),
    )


def _lock(content: Mapping[str, object]) -> InstallLock:
    packages = content.get("packages")
    if not isinstance(packages, dict):
        raise ParseError("no packages in npm's install record")
    return InstallLock(
        tuple(
            (
                path,
                _text(entry.get("version")),
                without_secrets(_text(entry.get("resolved"))),
                _text(entry.get("integrity")),
            )
            for path, entry in packages.items()
            if isinstance(entry, dict)
        )
    )


def _text(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _licenses(value: object) -> Iterator[str]:
    """npm's own form is an SPDX expression; objects and arrays of objects are how it was once."""
    for item in value if isinstance(value, list) else (value,):
        if isinstance(item, dict):
            item = next((item[key] for key in ("type", "name", "url") if _text(item.get(key))), None)
        if text := _text(item):
            yield text


def _first_person(content: Mapping[str, object]) -> str:
    """Whom the package is from: `Name <mail>` of the author, or of the first maintainer or contributor."""
    for key in ("author", "maintainers", "contributors"):
        value = content.get(key)
        for person in value if isinstance(value, list) else (value,):
            if isinstance(person, dict):
                mail = _text(person.get("email"))
                text = " ".join(filter(None, (_text(person.get("name")), f"<{mail}>" if mail else "")))
            else:
                text = _text(person).partition(" (")[0].strip()
            if text:
                return text
    return ""


def _address(value: object) -> str:
    return without_secrets(_text(value.get("url") if isinstance(value, dict) else value))


def is_package(path: str) -> bool:
    """Outside of node_modules any manifest may be one; inside, only NAME/package.json and @SCOPE/NAME/package.json."""
    _, inside, rest = f"/{path}".rpartition("/node_modules/")
    if not inside:
        return True
    parts = rest.split("/")
    return len(parts) == (3 if parts[0].startswith("@") else 2) and not parts[0].startswith(".")
