"""Python's installed distributions: dist-info, egg-info and eggs, in every site directory of the image."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from sbomkit.catalogers.base import (
    Cataloger,
    Fact,
    Finding,
    Issue,
    LayerFile,
    Ownership,
    Package,
    Seen,
    Selector,
    View,
    located,
)
from sbomkit.catalogers.python.edges import Distribution, edges
from sbomkit.catalogers.python.installed import (
    DirectUrl,
    Files,
    Installer,
    VirtualEnvironment,
    members_of_egg,
    parse_direct_url,
    parse_installed_files,
    parse_installer,
    parse_pyvenv,
    parse_record,
)
from sbomkit.catalogers.python.markers import normalised
from sbomkit.catalogers.python.metadata import Metadata, Requires, parse_metadata, parse_requires, stated_licenses
from sbomkit.catalogers.python.visibility import Sites
from sbomkit.model import purl
from sbomkit.model.digest import Digest
from sbomkit.model.package import License

_PARSERS: Mapping[str, Callable[[bytes], Fact]] = {
    "METADATA": parse_metadata,
    "PKG-INFO": parse_metadata,
    "RECORD": parse_record,
    "installed-files.txt": parse_installed_files,
    "requires.txt": parse_requires,
    "INSTALLER": parse_installer,
    "direct_url.json": parse_direct_url,
    "pyvenv.cfg": parse_pyvenv,
}
_GLOBS = (
    *(f"**/*.dist-info/{name}" for name in ("METADATA", "RECORD", "INSTALLER", "direct_url.json")),
    *(f"**/*.egg-info/{name}" for name in ("PKG-INFO", "installed-files.txt", "requires.txt")),
    *(f"**/*.egg/EGG-INFO/{name}" for name in ("PKG-INFO", "requires.txt")),
    "**/*.egg-info",
    "**/*.egg",
    "**/pyvenv.cfg",
)


def parse(file: LayerFile) -> Iterator[Fact]:
    """One fact; which kind, the file's name says. Raises ParseError."""
    name = file.path.rpartition("/")[2]
    if name.endswith(".egg"):
        with file.open() as stream:
            members = members_of_egg(stream)
        if members is not None:
            metadata = parse_metadata(members[0])
            yield replace(metadata, requires=metadata.requires or parse_requires(members[1]).requires)
        return
    yield _PARSERS.get(name, parse_metadata)(file.read())


@dataclass(frozen=True, slots=True)
class _Beside:
    """What stands in a metadata directory beside the metadata."""

    files: Mapping[str, Files] = field(default_factory=dict)
    installers: Mapping[str, str] = field(default_factory=dict)
    urls: Mapping[str, DirectUrl] = field(default_factory=dict)
    requires: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def assemble(view: View) -> Iterator[Finding]:
    """Packages, their files, and the edges that their Requires-Dist mean in the image's own Python."""
    beside = _Beside(
        files={_directory(seen.path): seen.fact for seen in view.facts(Files)},
        installers={_directory(seen.path): seen.fact.name for seen in view.facts(Installer)},
        urls={_directory(seen.path): seen.fact for seen in view.facts(DirectUrl)},
        requires={_directory(seen.path): seen.fact.requires for seen in view.facts(Requires)},
    )
    sites = Sites(view, {_directory(seen.path): seen.fact.system_packages for seen in view.facts(VirtualEnvironment)})
    distributions: list[Distribution] = []
    for seen in view.facts(Metadata):
        info, directory = _place(seen.path)
        try:
            package = located(_package(seen.fact, _extra(seen, info, beside, view), beside.urls.get(info)), seen)
        except ValueError as error:
            yield Issue("/" + seen.path, f"{seen.fact.name!r}: {error}", seen.layer, "python")
            continue
        yield package
        if info in beside.files:
            paths = _absolute(beside.files[info], info, directory)
            if paths:
                yield Ownership(package.purl, paths)
        requires = seen.fact.requires or beside.requires.get(info, ())
        distributions.append(Distribution(package.purl, normalised(seen.fact.name), sites.of(directory), requires))
    yield from edges(distributions)


def _directory(path: str) -> str:
    return path.rpartition("/")[0]


def _place(path: str) -> tuple[str, str]:
    """The metadata directory ("" where the metadata is one file), and the directory that Python looks into."""
    directory, _, name = path.rpartition("/")
    if name not in ("METADATA", "PKG-INFO"):
        return "", directory
    if directory.endswith("/EGG-INFO") or directory == "EGG-INFO":
        return directory, _directory(_directory(directory))
    return directory, _directory(directory)


def _extra(seen: Seen[Metadata], info: str, beside: _Beside, view: View) -> dict[str, str]:
    url = beside.urls.get(info)
    requested = bool(info) and view.entry(f"{info}/REQUESTED") is not None
    return {
        "python:direct-url": url.url if url else "",
        "python:editable": "true" if url and url.editable else "",
        "python:installer": beside.installers.get(info, ""),
        "python:requested": "true" if requested else "",
        "python:requires-python": seen.fact.requires_python,
        "python:revision": url.revision if url else "",
    }


def _package(metadata: Metadata, extra: Mapping[str, str], url: DirectUrl | None) -> Package:
    """Raises ValueError for a name that no purl can hold."""
    return Package(
        purl=purl.make("pypi", normalised(metadata.name), metadata.version),
        type="pypi",
        name=metadata.name,
        version=metadata.version,
        cataloger="python",
        licenses=tuple(License(value, text=text) for value, text in stated_licenses(metadata)),
        supplier=metadata.supplier,
        homepage=metadata.homepage,
        description=metadata.summary,
        hashes=tuple(_digests(url)) if url else (),
        extra=tuple(sorted((key, value) for key, value in extra.items() if value)),
    )


def _digests(url: DirectUrl) -> Iterator[Digest]:
    for text in url.hashes:
        try:
            yield Digest.parse(text.lower())
        except ValueError:
            continue


def _absolute(files: Files, info: str, directory: str) -> tuple[str, ...]:
    """Where the recorded files are; each once, in the record's order."""
    base = "/" + (directory if files.beside_info else info)
    out: dict[str, None] = {}
    for path, _ in files.files:
        plain = path[0] != "/" and "./" not in path and "//" not in path
        out[f"{base}/{path}" if plain and base != "/" else posixpath.normpath(posixpath.join(base, path))] = None
    return tuple(out)


CATALOGER = Cataloger(
    name="python",
    version=1,
    selects=Selector(globs=_GLOBS, max_size=16 << 20),
    parse=parse,
    assemble=assemble,
    ecosystem="Python packages",
)
