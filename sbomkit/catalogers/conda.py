"""Conda packages of every environment, the base one included.

Format: conda-meta/NAME-VERSION-BUILD.json;
https://docs.conda.io/projects/conda/en/stable/dev-guide/specs/ (repodata records, with `files`)
"""

from __future__ import annotations

from collections.abc import Iterable

from sbomkit.catalogers.base import Cataloger, Fact, LayerFile, Package, ParseError, Selector
from sbomkit.catalogers.reading.edges import Needs, Owns, packages_and_edges
from sbomkit.catalogers.reading.values import json_value, kept, mapping, text, texts
from sbomkit.model import purl
from sbomkit.model.digest import Digest
from sbomkit.model.package import License


def parse(file: LayerFile) -> Iterable[Fact]:
    record = mapping(json_value(file.read()))
    name, version, build = (text(record.get(key)) for key in ("name", "version", "build"))
    if not name or not version:
        raise ParseError("a conda package without a name or version")
    channel = text(record.get("channel"))
    subdir = text(record.get("subdir"))
    file_name = text(record.get("fn")) or text(record.get("url")).rpartition("/")[2]
    packed = "conda" if file_name.endswith(".conda") else "tar.bz2" if file_name.endswith(".tar.bz2") else ""
    short = channel.rstrip("/").removesuffix(f"/{subdir}") if subdir else channel.rstrip("/")
    qualifiers = {"build": build, "channel": short.rpartition("/")[2], "subdir": subdir, "type": packed}
    url = purl.make("conda", name, version, qualifiers=qualifiers)
    license = text(record.get("license"))
    yield Package(
        url,
        "conda",
        name,
        version,
        cataloger="conda",
        licenses=(License(license),) if license else (),
        hashes=tuple(_digests(record)),
        extra=kept(conda_build=build, conda_channel=channel, conda_subdir=subdir, conda_file=file_name),
    )
    needs = {word.split()[0] for word in texts(record.get("depends")) if not word.startswith("_")}
    if needs:
        yield Needs(url, tuple(sorted(needs)))
    prefix = file.path.rpartition("/conda-meta/")[0]
    yield Owns(url, tuple(f"/{prefix}/{path}" if prefix else f"/{path}" for path in texts(record.get("files"))))


def _digests(record: dict[str, object]) -> Iterable[Digest]:
    """Of the package's archive, as its channel states them."""
    for algorithm in ("md5", "sha256"):
        try:
            yield Digest(algorithm, text(record.get(algorithm)).lower())
        except ValueError:
            continue


CATALOGER = Cataloger(
    name="conda",
    version=1,
    selects=Selector(globs=("**/conda-meta/*.json",)),
    parse=parse,
    assemble=packages_and_edges,
    ecosystem="Conda packages",
)
