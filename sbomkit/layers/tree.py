"""Stacking: layer records applied bottom first give the tree that a container sees.

Semantics are those of containerd's apply (https://github.com/containerd/containerd/blob/main/pkg/archive/tar.go)
and of the OCI image specification (https://github.com/opencontainers/image-spec/blob/main/layer.md):
whiteouts concern lower layers only, whatever their place in the tar; a parent that is a symlink in a lower layer
is followed; an entry replaces what was at its path unless both are directories.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from sbomkit.layers.record import DIRECTORY, FILE, HARDLINK, SYMLINK, Entry, Facts, LayerRecord

MAX_LINKS = 40
"""Symlinks followed for one path; the kernel's own limit."""

_IMPLIED = Entry("", DIRECTORY, 0o755, 0, 0, 0)
Origins = Mapping[tuple[str, str], int]
"""(parser, fact identity) -> index of the layer since which the file at this path says so without a gap."""

_NO_FACTS: Facts = {}
_NO_ORIGINS: Origins = {}
"""Shared by the many files that nobody parsed; never written to."""


class Leaf:
    """Anything but a directory."""

    __slots__ = ("_source", "entry", "facts", "layer", "origins")

    def __init__(self, entry: Entry, layer: int, source: tuple[int, str] | None = None) -> None:
        self.entry = entry
        self.layer = layer
        self._source = source
        self.facts: Facts = _NO_FACTS
        self.origins: Origins = _NO_ORIGINS

    @property
    def source(self) -> tuple[int, str]:
        """Layer index and path in that layer's tar where the content stands (another name, for a hardlink)."""
        return self._source or (self.layer, self.entry.path)


class Directory:
    __slots__ = ("children", "entry", "layer")

    def __init__(self, entry: Entry, layer: int) -> None:
        self.entry = entry
        self.layer = layer
        self.children: dict[str, Leaf | Directory] = {}


Node = Leaf | Directory


class Tree:
    """The merged file system, with the facts that stand in it."""

    def __init__(self) -> None:
        self.root = Directory(_IMPLIED, 0)
        self.with_facts: dict[str, Leaf] = {}
        """Visible files that some parser learned from, by real path."""
        self.moved: dict[str, Leaf] = {}
        """Files that a layer wrote through a symlinked directory: by real path, which is not the tar's."""
        self.links: dict[str, Leaf] = {}
        """Visible symlinks and hardlinks, by real path."""
        self._gone: dict[str, Origins] = {}
        self._parents: dict[str, tuple[str, Directory]] = {}

    def apply(self, index: int, record: LayerRecord) -> None:
        """Put a layer on top."""
        self._gone, self._parents = {}, {}
        for path in record.whiteouts:
            self._remove(path)
        for path in record.opaques:
            found = self.resolve(path)
            if found and isinstance(found[1], Directory):
                self._forget(found[0], found[1])
                found[1].children.clear()
        self._parents = {}
        for entry in record.entries:
            self._insert(index, entry, record.facts.get(entry.path))

    def resolve(self, path: str, *, follow_last: bool = True) -> tuple[str, Node] | None:
        """The real path of a name and what is there, as the kernel would find it; None where nothing is."""
        pending = path.split("/")[::-1]
        names: list[str] = []
        nodes: list[Directory] = [self.root]
        links = 0
        while pending:
            name = pending.pop()
            if name in ("", "."):
                continue
            if name == "..":
                if names:
                    names.pop()
                    nodes.pop()
                continue
            node = nodes[-1].children.get(name)
            if node is None:
                return None
            if isinstance(node, Directory):
                names.append(name)
                nodes.append(node)
                continue
            if node.entry.kind == SYMLINK and (follow_last or any(p not in ("", ".") for p in pending)):
                links += 1
                if links > MAX_LINKS or len(node.entry.link) > 4096:
                    return None
                if node.entry.link.startswith("/"):
                    names, nodes = [], [self.root]
                pending += node.entry.link.split("/")[::-1]
                continue
            if any(p not in ("", ".") for p in pending):
                return None
            return "/".join([*names, name]), node
        return "/".join(names), nodes[-1]

    def walk(self) -> Iterator[tuple[str, Node]]:
        """Everything visible, directories before their contents, in no particular order."""
        stack: list[tuple[str, Directory]] = [("", self.root)]
        while stack:
            base, directory = stack.pop()
            for name, node in directory.children.items():
                path = f"{base}/{name}" if base else name
                yield path, node
                if isinstance(node, Directory):
                    stack.append((path, node))

    def _insert(self, index: int, entry: Entry, facts: Facts | None) -> None:
        base, _, name = entry.path.rpartition("/")
        if not name:
            return
        real, parent = self._parents.get(base) or self._parent(base, index)
        old = parent.children.get(name)
        path = f"{real}/{name}" if real else name
        if entry.kind == DIRECTORY:
            if isinstance(old, Directory):
                old.entry, old.layer = entry, index
                return
            if old is not None:
                self._drop(parent, name, path, old)
            parent.children[name] = Directory(entry, index)
            return
        leaf = self._leaf(index, entry)
        if old is not None:
            self._drop(parent, name, path, old)
        parent.children[name] = leaf
        if path != entry.path:
            self.moved[path] = leaf
        if entry.kind in (SYMLINK, HARDLINK):
            self.links[path] = leaf
        if facts:
            self.attach(path, leaf, facts)
        elif leaf.facts:  # a hardlink to a file that was parsed
            self.with_facts[path] = leaf

    def _leaf(self, index: int, entry: Entry) -> Leaf:
        if entry.kind != HARDLINK:
            return Leaf(entry, index)
        target = self.resolve(entry.link, follow_last=False)
        if not target or not isinstance(target[1], Leaf):
            return Leaf(entry, index)
        there = target[1]
        leaf = Leaf(there.entry._replace(path=entry.path), index, there.source)
        leaf.facts = there.facts
        leaf.origins = dict.fromkeys(there.origins, index)
        return leaf

    def attach(self, path: str, leaf: Leaf, facts: Facts) -> None:
        """Facts learned from the file at this real path; what its older version said already keeps its origin."""
        before = self._gone.get(path, {})
        origins = dict(leaf.origins)
        for parser, learned in facts.items():
            for fact in learned:
                key = (parser, fact.identity)
                origins[key] = before.get(key, leaf.layer)
        leaf.facts = {**leaf.facts, **facts}
        leaf.origins = origins
        self.with_facts[path] = leaf

    def _parent(self, base: str, index: int) -> tuple[str, Directory]:
        """The directory that a tar's parent path means, made where it is missing; cached for the layer."""
        if not base:
            return "", self.root
        found = self.resolve(base)
        place = (found[0], found[1]) if found and isinstance(found[1], Directory) else self._make(base, index)
        self._parents[base] = place
        return place

    def _make(self, base: str, index: int) -> tuple[str, Directory]:
        """Make the missing directories of a path, links followed; a file in the way is replaced."""
        real, place = "", self.root
        for name in base.split("/"):
            path = f"{real}/{name}" if real else name
            node = place.children.get(name)
            if isinstance(node, Leaf):
                found = self.resolve(path) if node.entry.kind == SYMLINK else None
                if found and isinstance(found[1], Directory):
                    real, place = found[0], found[1]
                    continue
                self._drop(place, name, path, node)
            if not isinstance(node, Directory):
                node = Directory(_IMPLIED._replace(path=path), index)
                place.children[name] = node
            real, place = path, node
        return real, place

    def _remove(self, path: str) -> None:
        base, _, name = path.rpartition("/")
        found = self.resolve(base)
        if found and isinstance(found[1], Directory):
            node = found[1].children.get(name)
            if node is not None:
                self._drop(found[1], name, f"{found[0]}/{name}" if found[0] else name, node)

    def _drop(self, parent: Directory, name: str, path: str, node: Node) -> None:
        del parent.children[name]
        self._forget(path, node)
        if isinstance(node, Directory) or node.entry.kind == SYMLINK:
            self._parents = {}  # some cached parent may lead through it

    def _forget(self, path: str, node: Node) -> None:
        """Take what is at and below a path out of the side tables, remembering origins while this layer is applied."""
        stack = [(path, node)]
        while stack:
            at, gone = stack.pop()
            if isinstance(gone, Directory):
                stack += [(f"{at}/{name}" if at else name, child) for name, child in gone.children.items()]
                continue
            self.moved.pop(at, None)
            self.links.pop(at, None)
            if self.with_facts.pop(at, None) is not None:
                self._gone[at] = gone.origins


def is_file(node: Node) -> bool:
    return isinstance(node, Leaf) and node.entry.kind == FILE
