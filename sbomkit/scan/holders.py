"""Which package a file belongs to: by its record of files, or because it lies in the package's own directory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from sbomkit.model.package import Package
from sbomkit.scan.ownership import owners
from sbomkit.scan.scan import Examined

_MODULES = "/node_modules/"
_ARCHIVES = (".jar", ".war", ".ear", ".egg", ".hpi")


class Holders:
    """The owners of some files of one image."""

    def __init__(self, image: Examined, paths: Iterable[str]) -> None:
        """`paths`: absolute and real; others are not looked for."""
        packages = {package.purl: package for package in image.inventory.packages}
        recorded = owners(image.ownership, image.tree, paths, languages=True)
        self._by_path = {path: packages[purl] for path, purl in recorded.items() if purl in packages}
        self._by_directory: dict[str, Package] = {}
        places = Counter(where.path for package in packages.values() for where in package.locations)
        for package in packages.values():
            for where in package.locations:
                if package.type == "npm" and _MODULES in where.path and where.path.endswith("/package.json"):
                    self._by_directory.setdefault(where.path.rpartition("/")[0], package)
                elif places[where.path] == 1 and _is_the_file(package, where.path):
                    self._by_path.setdefault(where.path, package)

    def of(self, path: str) -> Package | None:
        known = self._by_path.get(path)
        if known is not None or _MODULES not in path:
            return known
        while _MODULES in path:
            path = path.rpartition("/")[0]
            known = self._by_directory.get(path)
            if known is not None:
                return known
            if path.endswith("/node_modules"):  # an inner one belongs to the package around it only by its packages
                return None
        return None


def _is_the_file(package: Package, path: str) -> bool:
    """A program or an archive is the package itself; a manifest or a database only tells of it."""
    return package.technique == "binary-analysis" or path.endswith(_ARCHIVES)


def same_package(old: Package | None, new: Package | None) -> bool:
    """The same package in the same version, as far as its record tells; built again it is not the same."""
    if old is None or new is None or _core(old) != _core(new):
        return False
    if _build(old) != _build(new):
        return False
    return not (old.hashes and new.hashes) or set(old.hashes) == set(new.hashes)


def _build(package: Package) -> list[tuple[str, str]]:
    """What tells one build of a version from the next."""
    return [pair for pair in package.extra if pair[0] in ("apk:checksum", "apk:commit", "rpm:buildTime")]


def _core(package: Package) -> str:
    """Type, namespace, name and version: the distribution's own version may move on without the package's."""
    return package.purl.partition("?")[0]
