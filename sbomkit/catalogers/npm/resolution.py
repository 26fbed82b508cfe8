"""What a module gets when it asks for a name: node's LOAD_NODE_MODULES, over the whole image at once.

https://nodejs.org/api/modules.html#all-together
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sbomkit.catalogers.base import View

_GLOBAL = ("usr/share/nodejs", "usr/lib/nodejs")
"""Where Debian's node looks last (NODE_PATH, compiled in)."""


class Resolution:
    """Each directory is looked into once, and names that nobody has cost nothing."""

    def __init__(self, view: View, purls: Mapping[str, str]) -> None:
        self._view = view
        self._purls = purls
        """By real path of the package.json."""
        self._names: dict[str, frozenset[str]] = {}
        self._visible: dict[str, tuple[str, ...]] = {"": (*self._modules(""), *_GLOBAL)}

    def find(self, directory: str, names: tuple[str, ...]) -> Iterator[str]:
        """The purls that a module in this (real) directory gets for these names, where there is one."""
        wanted = frozenset(names)
        for modules in self._look_up(directory):
            if not wanted:
                return
            found = set()
            for name in wanted & self._names_in(modules):
                place = f"{modules}/{name}/package.json"
                target = self._purls.get(place) or self._purls.get(self._view.resolve(place) or "")
                if target:
                    found.add(name)
                    yield target
            wanted -= found

    def _look_up(self, directory: str) -> tuple[str, ...]:
        """The node_modules directories that are seen from here, nearest first."""
        pending = []
        while directory not in self._visible:
            pending.append(directory)
            directory = directory.rpartition("/")[0]
        known = self._visible[directory]
        for below in reversed(pending):
            known = (*self._modules(below), *known)
            self._visible[below] = known
        return known

    def _modules(self, directory: str) -> Iterator[str]:
        place = f"{directory}/node_modules" if directory else "node_modules"
        if directory.rpartition("/")[2] != "node_modules" and self._names_in(place):
            yield place

    def _names_in(self, modules: str) -> frozenset[str]:
        """The names that a directory of packages has, `@scope/name` included."""
        names = self._names.get(modules)
        if names is None:
            names = self._names[modules] = frozenset(self._listed(modules))
        return names

    def _listed(self, modules: str) -> Iterator[str]:
        for name in self._view.children(modules):
            if name.startswith("@"):
                yield from (f"{name}/{inner}" for inner in self._view.children(f"{modules}/{name}"))
            else:
                yield name
