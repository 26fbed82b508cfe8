"""The dependency graph as documents need it: no dangling ends, and everything reachable from the root.

The root depends on the packages that nothing else depends on. A group of packages that depend on each other in a ring,
with nothing outside leading in, would be lost that way; one of the ring, always the same, stands in for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sbomkit.model.inventory import Inventory

Edges = dict[str, list[str]]


@dataclass(frozen=True, slots=True)
class Graph:
    """Relationships by kind, with both ends known. Keys and values are purls; the root has its own three lists."""

    depends_on: Edges
    owned_by: Edges
    contains: Edges
    roots: list[str]
    """What the root depends on directly, sorted."""
    dangling: int
    """How many relationships were left out because an end is not in the inventory."""


def resolve(inventory: Inventory) -> Graph:
    """The relationships of an inventory between packages that it has."""
    known = dict.fromkeys(package.purl for package in inventory.packages)
    kinds: dict[str, Edges] = {"depends-on": {}, "owned-by": {}, "contains": {}}
    dangling = 0
    for relationship in inventory.relationships:
        source, target = relationship.source, relationship.target
        if source in known and target in known:
            if source != target:
                kinds[relationship.kind].setdefault(source, []).append(target)
        elif not (target in known and source in ("", inventory.subject.name)):
            dangling += 1
    for edges in kinds.values():
        for source, targets in edges.items():
            if len(targets) > 1:
                edges[source] = sorted(dict.fromkeys(targets))
    depends_on = kinds["depends-on"]
    return Graph(depends_on, kinds["owned-by"], kinds["contains"], top_level(known, depends_on), dangling)


def top_level(nodes: Iterable[str], edges: Mapping[str, list[str]]) -> list[str]:
    """The fewest nodes from which all are reachable, sorted: those nothing leads to, and one of each closed ring."""
    ordered = sorted(nodes)
    inner = {target for targets in edges.values() for target in targets}
    tops = [node for node in ordered if node not in inner]
    seen: set[str] = set()
    _reach(tops, edges, seen)
    left = [node for node in ordered if node not in seen]
    if left:
        # Of the nodes of a graph, the one that a depth-first walk finishes last lies in a group nothing leads into.
        for node in reversed(_finish_order(left, edges)):
            if node not in seen:
                tops.append(node)
                _reach([node], edges, seen)
    return sorted(tops)


def _reach(starts: Iterable[str], edges: Mapping[str, list[str]], seen: set[str]) -> None:
    stack = [start for start in starts if start not in seen]
    seen.update(stack)
    while stack:
        for target in edges.get(stack.pop(), ()):
            if target not in seen:
                seen.add(target)
                stack.append(target)


def _finish_order(nodes: list[str], edges: Mapping[str, list[str]]) -> list[str]:
    """The nodes in the order in which a depth-first walk is done with them. No recursion: chains may be long."""
    order: list[str] = []
    started: set[str] = set()
    for first in nodes:
        if first in started:
            continue
        started.add(first)
        stack = [(first, iter(edges.get(first, ())))]
        while stack:
            node, targets = stack[-1]
            for target in targets:
                if target not in started:
                    started.add(target)
                    stack.append((target, iter(edges.get(target, ()))))
                    break
            else:
                stack.pop()
                order.append(node)
    return order
