"""Files that only the whole image shows to be wanted: behind links, or under a directory that is a link.

A layer's first pass sees names as they stand in its tar. A database behind a symlink, or a hardlink whose first
name nobody asked for, is found here once the layers are stacked; the few layers concerned are read again for it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from sbomkit.image.image import Image
from sbomkit.layers.directory import read_files
from sbomkit.layers.reader import LayerReader
from sbomkit.layers.select import Matcher, Parser, literal_directory
from sbomkit.layers.tree import Directory, Leaf, Tree, is_file
from sbomkit.model.inventory import Issue

_MAX_FILES = 100_000
"""Files looked at below one linked directory."""


def read_late(image: Image, tree: Tree, matcher: Matcher, reader: LayerReader) -> list[Issue]:
    """Attach to the tree what its layers' first pass could not know; the issues met on the way."""
    wanted: dict[int, dict[str, dict[str, list[Parser]]]] = defaultdict(lambda: defaultdict(dict))
    places: dict[str, tuple[Leaf, int]] = {}
    for name, leaf, since, parsers in _missed(tree, matcher):
        layer, path = leaf.source
        places[name] = (leaf, since)
        known = wanted[layer][path].setdefault(name, [])
        known += [parser for parser in parsers if parser not in known]
    issues: list[Issue] = []
    for index, files in sorted(wanted.items()):
        by_path = {path: tuple(names.items()) for path, names in files.items()}
        if image.root is not None:
            facts, found = read_files(image.root, by_path)
        else:
            facts, found = reader.again(image.layers[index], by_path)
        issues += found
        for name in sorted(facts):
            leaf, since = places[name]
            tree.attach(name, Leaf(leaf.entry, since, leaf.source), facts[name])
    return issues


Missed = Iterator[tuple[str, Leaf, int, list[Parser]]]
"""Name to parse under, file, layer since which it has that name, parsers that have not seen it."""


def _missed(tree: Tree, matcher: Matcher) -> Missed:
    for path, leaf in [*tree.links.items(), *tree.moved.items()]:
        target = tree.resolve(path)
        if target and isinstance(target[1], Leaf) and is_file(target[1]):
            yield from _unseen(path, target[1], leaf.layer, matcher.match(path))
    for directory, parsers in _linked_directories(tree, matcher.parsers):
        yield from _below(tree, directory, matcher, parsers)


def _unseen(name: str, leaf: Leaf, since: int, parsers: Sequence[Parser]) -> Missed:
    missing = [parser for parser in parsers if parser.name not in leaf.facts]
    if missing:
        yield name, leaf, max(since, leaf.layer), missing


def _linked_directories(tree: Tree, parsers: Sequence[Parser]) -> Iterator[tuple[str, list[Parser]]]:
    """Directories that some glob names, which are there but by way of a link."""
    named: dict[str, list[Parser]] = defaultdict(list)
    for parser in parsers:
        for directory in {literal_directory(glob) for glob in parser.selects.globs} - {""}:
            named[directory].append(parser)
    for directory, wanting in sorted(named.items()):
        found = tree.resolve(directory)
        if found and found[0] != directory and isinstance(found[1], Directory):
            yield directory, wanting


def _below(tree: Tree, directory: str, matcher: Matcher, wanting: list[Parser]) -> Missed:
    found = tree.resolve(directory)
    pending = [(directory, found[1])] if found else []
    left = _MAX_FILES
    while pending and left:
        base, node = pending.pop()
        if isinstance(node, Directory):
            pending += [(f"{base}/{name}", child) for name, child in sorted(node.children.items())]
        elif isinstance(node, Leaf) and is_file(node):
            left -= 1
            yield from _unseen(base, node, node.layer, [p for p in matcher.match(base) if p in wanting])
