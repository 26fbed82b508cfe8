"""Who installed whom: packages whose own files belong to another package. A relation, never a reason to drop one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from sbomkit.catalogers.base import Ownership
from sbomkit.layers.tree import Tree
from sbomkit.model.package import Package, Relationship

_SYSTEM = frozenset(("deb", "apk", "rpm", "alpm"))
"""Only these own other packages' files; a wheel that lists its own metadata owns nobody."""


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


def owned_by(packages: Mapping[str, Package], records: Iterable[Ownership], tree: Tree) -> Iterator[Relationship]:
    """`owned-by` for each package all of whose places belong to one other package."""
    language = [p for p in packages.values() if p.type not in _SYSTEM]
    owner_of = owners(records, tree, (where.path for p in language for where in p.locations))
    for package in language:
        for owner in sorted({owner_of[where.path] for where in package.locations if where.path in owner_of}):
            yield Relationship(package.purl, "owned-by", owner)
