"""Node's packages as they are installed: every `package.json` that stands where a package stands."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import replace

from sbomkit.catalogers.base import Cataloger, Finding, Issue, Package, Relationship, Selector, View, located
from sbomkit.catalogers.npm.manifest import LOCK, InstallLock, Manifest, is_package, parse
from sbomkit.catalogers.npm.resolution import Resolution
from sbomkit.model import purl
from sbomkit.model.digest import Digest
from sbomkit.model.package import License


def assemble(view: View) -> Iterator[Finding]:
    """Packages, with where they were downloaded from, and the edges that node would follow."""
    locked = _locked(view)
    found: dict[str, tuple[Package, Manifest]] = {}
    for seen in view.facts(Manifest):
        if not is_package(seen.path):
            continue
        directory = seen.path.rpartition("/")[0]
        version, resolved, integrity = locked.get(directory, ("", "", ""))
        manifest = seen.fact
        if version == manifest.version:
            manifest = replace(
                manifest, resolved=manifest.resolved or resolved, integrity=manifest.integrity or integrity
            )
        try:
            package = _package(manifest, "/node_modules/" in f"/{seen.path}")
        except ValueError as error:
            yield Issue("/" + seen.path, str(error), seen.layer, "npm")
            continue
        package = located(package, seen)
        found[seen.path] = package, manifest
        yield package
    yield from _edges(found, view)


def _locked(view: View) -> dict[str, tuple[str, str, str]]:
    """What the install records say, by the package's directory."""
    out: dict[str, tuple[str, str, str]] = {}
    for seen in view.facts(InstallLock):
        above = seen.path.removesuffix(LOCK).removesuffix("/").rpartition("/")[0]
        for path, *told in seen.fact.packages:
            out[f"{above}/{path}" if above else path] = (told[0], told[1], told[2])
    return out


def _package(manifest: Manifest, installed: bool) -> Package:
    """Raises ValueError for a name that is none in npm."""
    scope, slash, name = manifest.name.rpartition("/")
    if not name or (slash and (len(scope) < 2 or not scope.startswith("@") or "/" in scope)):
        raise ValueError(f"{manifest.name!r} is not a name of an npm package")
    extra = {
        "npm:private": "true" if manifest.private else "",
        "npm:repository": manifest.repository,
        "npm:resolved": manifest.resolved,
    }
    return Package(
        purl=purl.make("npm", name, manifest.version, namespace=scope),
        type="npm",
        name=name,
        version=manifest.version,
        namespace=scope,
        kind="application" if manifest.private and not installed else "library",
        cataloger="npm",
        licenses=tuple(License(value) for value in manifest.licenses),
        supplier=manifest.supplier,
        homepage=manifest.homepage,
        description=manifest.description,
        hashes=tuple(_digests(manifest.integrity)),
        extra=tuple(sorted((key, value) for key, value in extra.items() if value)),
    )


def _digests(integrity: str) -> Iterator[Digest]:
    """https://www.w3.org/TR/SRI/ : hashes of the tarball; what cannot be read is no hash."""
    for word in integrity.split():
        algorithm, _, value = word.partition("?")[0].partition("-")
        try:
            yield Digest(algorithm, base64.b64decode(value, validate=True).hex())
        except ValueError:  # binascii.Error is one
            continue


def _edges(found: Mapping[str, tuple[Package, Manifest]], view: View) -> Iterator[Relationship]:
    resolution = Resolution(view, {path: package.purl for path, (package, _) in found.items()})
    edges: set[tuple[str, str]] = set()
    for path, (package, manifest) in found.items():
        for target in resolution.find(path.rpartition("/")[0], manifest.dependencies):
            edges.add((package.purl, target))
    for source, target in sorted(edges):
        if source != target:
            yield Relationship(source, "depends-on", target)


CATALOGER = Cataloger(
    name="npm",
    version=1,
    selects=Selector(globs=("**/package.json", "**/node_modules/.package-lock.json"), max_size=16 << 20),
    parse=parse,
    assemble=assemble,
    ecosystem="npm packages",
)
