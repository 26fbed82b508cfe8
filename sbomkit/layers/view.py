"""What a cataloger sees when an image is assembled: the facts that are visible, and the tree they stand in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sbomkit.layers.record import Entry
from sbomkit.layers.select import Fact
from sbomkit.layers.tree import Directory, Tree
from sbomkit.model.distro import Distro

F_co = TypeVar("F_co", bound=Fact, covariant=True)
F = TypeVar("F", bound=Fact)


@dataclass(frozen=True, slots=True)
class Seen(Generic[F_co]):
    """A visible fact and where it stands."""

    path: str
    """Relative to the root, real (no links in it)."""
    layer: str
    """diffID of the layer this version of the file comes from; "" without layers."""
    introduced: str
    """diffID of the layer since which the file at this path says the same thing without a gap."""
    fact: F_co


class View:
    """The image as one cataloger sees it: only the facts that its own parser learned."""

    def __init__(self, tree: Tree, diff_ids: Sequence[str], parser: str, distro: Distro) -> None:
        self.distro = distro
        self._tree = tree
        self._diff_ids = diff_ids
        self._parser = parser

    def facts(self, kind: type[F]) -> Iterator[Seen[F]]:
        """Visible facts of this type, by path, in the order they stand in their file."""
        for path in sorted(self._tree.with_facts):
            leaf = self._tree.with_facts[path]
            for fact in leaf.facts.get(self._parser, ()):
                if isinstance(fact, kind):
                    since = leaf.origins.get((self._parser, fact.identity), leaf.layer)
                    yield Seen(path, self._diff_ids[leaf.layer], self._diff_ids[since], fact)

    def resolve(self, path: str) -> str | None:
        """The real path of a name (leading slash or not), links followed within the image; None where nothing is."""
        found = self._tree.resolve(path)
        return found[0] if found else None

    def entry(self, path: str) -> Entry | None:
        """What is at this path, links followed; its mode, size and owner."""
        found = self._tree.resolve(path)
        return found[1].entry if found else None

    def children(self, path: str) -> tuple[str, ...]:
        """The names in a directory, sorted; none where it is not one."""
        found = self._tree.resolve(path)
        return tuple(sorted(found[1].children)) if found and isinstance(found[1], Directory) else ()

    def layer_of(self, path: str) -> str:
        """diffID of the layer that put this file or directory there last; "" where there are no layers."""
        found = self._tree.resolve(path)
        return self._diff_ids[found[1].layer] if found else ""
