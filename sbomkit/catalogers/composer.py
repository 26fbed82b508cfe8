"""PHP packages that Composer installed.

Format: vendor/composer/installed.json, a list (Composer 1) or an object with `packages` (Composer 2);
https://getcomposer.org/doc/04-schema.md
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sbomkit.catalogers.base import Cataloger, Fact, LayerFile, Package, ParseError, Selector
from sbomkit.catalogers.reading.edges import Needs, packages_and_edges
from sbomkit.catalogers.reading.values import entries, json_value, kept, mapping, text, texts
from sbomkit.model import purl
from sbomkit.model.package import License


def parse(file: LayerFile) -> Iterable[Fact]:
    value = json_value(file.read())
    development = set(texts(mapping(value).get("dev-package-names")))
    listed = value if isinstance(value, list) else mapping(value).get("packages")
    if not isinstance(listed, list):
        raise ParseError("no list of Composer packages")
    bad = 0
    for item in listed:
        name, version = text(mapping(item).get("name")), text(mapping(item).get("version"))
        if not name or not version:
            bad += 1
            continue
        yield from _facts(mapping(item), name, version, name in development)
    if bad:
        raise ParseError(f"{bad} package(s) without a name or version")


def _facts(item: dict[str, object], full: str, version: str, development: bool) -> Iterator[Fact]:
    namespace, _, name = full.rpartition("/")
    url = purl.make("composer", name, version, namespace=namespace)
    authors = [text(mapping(author).get("name")) for author in entries(item.get("authors"))]
    reference = text(mapping(item.get("source")).get("reference")) or text(mapping(item.get("dist")).get("reference"))
    yield Package(
        url,
        "composer",
        name,
        version,
        namespace=namespace,
        cataloger="composer",
        licenses=tuple(License(value) for value in texts(item.get("license"))),
        supplier=", ".join(author for author in authors if author),
        homepage=text(item.get("homepage")),
        description=text(item.get("description")),
        extra=kept(
            composer_type=text(item.get("type")),
            composer_reference=reference,
            composer_dev="true" if development else "",
        ),
    )
    needs = sorted(name for name in mapping(item.get("require")) if "/" in name)
    if needs:
        yield Needs(url, tuple(needs))


CATALOGER = Cataloger(
    name="composer",
    version=1,
    selects=Selector(globs=("**/composer/installed.json",)),
    parse=parse,
    assemble=packages_and_edges,
    ecosystem="PHP packages (Composer)",
)
