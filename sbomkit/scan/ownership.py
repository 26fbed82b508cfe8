"""Who installed whom: packages whose files belong to another package. A relation; only guesses give way to records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sbomkit.catalogers.base import Ownership
from sbomkit.layers.tree import Tree
from sbomkit.model.package import Package, Relationship

_SYSTEM = frozenset(("deb", "apk", "rpm", "alpm"))
"""Only these own other packages' files; a wheel that lists its own metadata owns nobody."""
_GUESSING = "runtimes"
"""The cataloger of programs without records."""


def owners(
    records: Iterable[Ownership], tree: Tree, paths: Iterable[str], *, languages: bool = False
) -> dict[str, str]:
    """For each of the paths (absolute, real) the purl of the system package that recorded it.

    With `languages` also those of languages' packages, where no system package claims the file.
    """
    wanted = set(paths)
    names = {path.rpartition("/")[2] for path in wanted}
    found: dict[str, str] = {}
    ranked = [(record.purl[4:].partition("/")[0] not in _SYSTEM, record) for record in records]
    for language, record in sorted(ranked, key=lambda item: item[0]):
        if language and not languages:
            break
        for path in record.paths:
            if path in wanted:
                found.setdefault(path, record.purl)
            elif path.rpartition("/")[2] in names:
                for follow in (True, False):  # /lib/x, where /lib is a link to usr/lib; x may have become a link
                    real = tree.resolve(path, follow_last=follow)
                    if real and "/" + real[0] in wanted:
                        found.setdefault("/" + real[0], record.purl)
    return found


def settle_ownership(
    packages: Mapping[str, Package], records: Iterable[Ownership], tree: Tree
) -> tuple[dict[str, Package], list[Relationship]]:
    """The packages, and who owns whom.

    What was guessed from a program's bytes is left out where a system package's record owns every such file: the
    record names the program and its version already. One copy that nobody owns keeps it.
    """
    owner_of = _owner_of(packages, records, tree)
    kept = {
        purl: package
        for purl, package in packages.items()
        if package.cataloger != _GUESSING or any(where.path not in owner_of for where in package.locations)
    }
    return kept, list(_relations(kept, owner_of))


def _owner_of(packages: Mapping[str, Package], records: Iterable[Ownership], tree: Tree) -> dict[str, str]:
    language = [p for p in packages.values() if p.type not in _SYSTEM]
    return owners(records, tree, (where.path for p in language for where in p.locations))


def _relations(packages: Mapping[str, Package], owner_of: Mapping[str, str]) -> Iterator[Relationship]:
    for package in packages.values():
        if package.type in _SYSTEM:
            continue
        for owner in sorted({owner_of[where.path] for where in package.locations if where.path in owner_of}):
            yield Relationship(package.purl, "owned-by", owner)
