"""How a package hangs on the root: direct or transitive, and along which shortest path."""

from __future__ import annotations

from collections import deque

from sbomkit.diff.identity import full_name, identity
from sbomkit.diff.types import Reach
from sbomkit.model.inventory import Inventory
from sbomkit.model.package import Package

LONGEST = 24
"""Names shown of one path; of a longer one the first and the last."""


def targets_of(inventory: Inventory) -> dict[str, list[str]]:
    """For each reference what it depends on; a thing that depends on itself says nothing."""
    found: dict[str, list[str]] = {}
    for edge in inventory.relationships:
        if edge.kind == "depends-on" and edge.source != edge.target:
            found.setdefault(edge.source, []).append(edge.target)
    return found


class Graph:
    """The `depends-on` edges of one inventory, walked once from the roots, breadth first."""

    def __init__(self, inventory: Inventory, targets: dict[str, list[str]]) -> None:
        self.packages: dict[str, Package] = {identity(package): package for package in inventory.packages}
        self.root_name = inventory.subject.name or "root"
        self.targets = targets
        self._parent: dict[str, str] = {}
        self._depth: dict[str, int] = {}
        self._root: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._walk()

    def _roots(self) -> list[str]:
        """References that are no package (the subject itself), and packages that need others and that nobody needs.

        A subject that points at every package is only a list of contents, and says nothing of who needs whom.
        """
        needed = {target for source, targets in self.targets.items() if source in self.packages for target in targets}
        tops = {source for source in self.targets if source in self.packages and source not in needed}
        subjects = {source for source in self.targets if source not in self.packages and source not in needed}
        flat = {
            subject
            for subject in subjects
            if needed and len(self.packages.keys() & set(self.targets[subject])) == len(self.packages)
        }
        subjects -= flat
        below = {target for subject in subjects for target in self.targets[subject]}
        return sorted(subjects | (tops - below))

    def _walk(self) -> None:
        roots = self._roots()
        depths, parents, tops = dict.fromkeys(roots, 0), self._parent, {root: root for root in roots}
        queue = deque(roots)
        while queue:
            source = queue.popleft()
            targets = self.targets.get(source)
            if not targets:
                continue
            depth, top = depths[source] + 1, tops[source]
            for target in sorted(targets) if len(targets) > 1 else targets:
                if target not in depths:
                    depths[target], parents[target], tops[target] = depth, source, top
                    queue.append(target)
        self._depth, self._root = depths, tops

    def reach(self, package: Package | None) -> Reach:
        if package is None:
            return Reach()
        ref = identity(package)
        depth = self._depth.get(ref)
        if depth is None:
            return Reach()
        if depth == 0:
            return Reach("root", (full_name(package),))
        names: list[str] = []
        at = ref
        while at in self._parent and len(names) < LONGEST - 2:
            names.append(self.name(at))
            at = self._parent[at]
        if at in self._parent:
            names.append("…")
            return Reach("transitive", (self.name(self._root[ref]), *reversed(names)))
        names.append(self.name(at))
        return Reach("direct" if depth == 1 else "transitive", tuple(reversed(names)))

    def name(self, ref: str) -> str:
        known = self._names.get(ref)
        if known is None:
            package = self.packages.get(ref)
            known = self._names[ref] = full_name(package) if package is not None else self.root_name
        return known
