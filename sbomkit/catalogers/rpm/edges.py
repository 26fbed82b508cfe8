"""Which installed package depends on which: requirements matched with what the others provide."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Sequence

from sbomkit.catalogers.rpm.installed import Installed
from sbomkit.catalogers.rpm.rich import needed

MAX_PROVIDERS = 16
"""Of one capability. Where more provide it, the first by name stand for all: the requirement means none in particular,
and hostile databases must not make the edges grow with the square of the packages."""

_MAX_KNOWN = 64
"""Providers of one capability that are compared at all."""

Resolve = Callable[[str], str | None]


class Providers:
    """Who provides what: declared capabilities first, then files.

    rpm does not record by which of several providers a requirement was met, and any of them would do; so all of them
    count. But where exactly one version is asked for, those that provide it in that version go before the others:
    two kernels side by side each depend on their own modules.
    """

    def __init__(self, packages: Sequence[Installed], resolve: Resolve) -> None:
        """`resolve` gives a directory's real path in the image (no leading slash), None where there is none."""
        self._packages = packages
        self._resolve = resolve
        self._by_name: dict[str, list[tuple[int, str]]] = {}
        for index, package in enumerate(packages):
            self._add(package.name, index, package.evr)
            for name, version in package.provides:
                if name != package.name:
                    self._add(name, index, version)
        self._by_file: dict[str, list[int]] = self._files()

    def find(self, name: str, version: str = "") -> list[int]:
        """The packages that provide it, by their place; none for what no package provides."""
        found = self._by_name.get(name, [])
        if version and len(found) > 1:
            found = [item for item in found if _is_version(item[1], version)] or found
        places = list(dict.fromkeys(index for index, _ in found))
        return (places or self._by_file.get(name, []))[:MAX_PROVIDERS]

    def _add(self, name: str, index: int, version: str) -> None:
        known = self._by_name.setdefault(name, [])
        if len(known) < _MAX_KNOWN:
            known.append((index, version))

    def _files(self) -> dict[str, list[int]]:
        """The providers of the paths that are required at all; a path may be required through a linked directory."""
        wanted: dict[str, list[str]] = {}
        for package in self._packages:
            for name, _ in package.requires:
                for path in _paths(name):
                    if path not in wanted:
                        wanted[path] = []
        spellings: dict[str, list[str]] = {}
        for path in wanted:
            for spelling in {path, self._real(path)}:
                spellings.setdefault(spelling, []).append(path)
        owners: dict[str, list[int]] = {}
        for index, package in enumerate(self._packages if spellings else ()):
            for path in package.files.paths():
                if path in spellings:
                    for name in spellings[path]:
                        owners.setdefault(name, []).append(index)
        return {name: sorted(set(places)) for name, places in owners.items()}

    def _real(self, path: str) -> str:
        directory, name = posixpath.split(path)
        real = self._resolve(directory)
        return path if real is None else posixpath.join("/", real, name)


def edges(packages: Sequence[Installed], resolve: Resolve) -> Iterator[tuple[int, int]]:
    """Pairs (who depends, on whom) by their place, each once, never on itself. Order the packages beforehand."""
    providers = Providers(packages, resolve)
    for index, package in enumerate(packages):
        targets: set[int] = set()
        for name, version in dict.fromkeys(package.requires):
            if name.startswith("("):
                for need in needed(name, lambda part: bool(providers.find(part))):
                    targets.update(providers.find(*need))
            elif not name.startswith("rpmlib("):
                targets.update(providers.find(name, version))
        targets.discard(index)
        yield from ((index, target) for target in sorted(targets))


def _paths(requirement: str) -> list[str]:
    if requirement.startswith("/"):
        return [requirement]
    if not requirement.startswith("("):
        return []
    return [word for word in requirement.replace("(", " ").replace(")", " ").split() if word.startswith("/")]


def _is_version(provided: str, wanted: str) -> bool:
    """Equal as texts, where a missing release or epoch in the wanted one matches any."""
    if ":" not in wanted:
        provided = provided.rpartition(":")[2]
    return provided == wanted or provided.startswith(wanted + "-")
