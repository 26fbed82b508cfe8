"""Installed R packages: DESCRIPTION files with a `Built` field.

Format: https://cran.r-project.org/doc/manuals/r-release/R-exts.html#The-DESCRIPTION-file (Debian control fields)
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from sbomkit.catalogers.base import Cataloger, Fact, LayerFile, Package, ParseError, Selector
from sbomkit.catalogers.reading.edges import Needs, packages_and_edges
from sbomkit.catalogers.reading.text import control_fields
from sbomkit.catalogers.reading.values import kept
from sbomkit.model import purl
from sbomkit.model.package import License

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9.]*")


def parse(file: LayerFile) -> Iterable[Fact]:
    fields = control_fields(file.read().decode(errors="replace"))
    if "built" not in fields or "package" not in fields:
        return  # some other DESCRIPTION, or a source package
    name, version = fields["package"], fields.get("version", "")
    if not version:
        raise ParseError("an R package without a version")
    bioconductor = "biocviews" in fields or "bioconductor" in fields.get("repository", "").lower()
    type_ = "bioconductor" if bioconductor else "cran"
    license = re.sub(r"\s*[+|]\s*file LICEN[CS]E\Z", "", fields.get("license", ""))
    url = purl.make(type_, name, version)
    yield Package(
        url,
        type_,
        name,
        version,
        cataloger="r",
        licenses=(License(license),) if license else (),
        supplier=fields.get("maintainer", ""),
        homepage=fields.get("url", "").partition(",")[0].partition(" ")[0],
        description=fields.get("title", ""),
        extra=kept(
            r_built=fields["built"].partition(";")[0],
            r_repository=fields.get("repository", ""),
            r_priority=fields.get("priority", ""),
        ),
    )
    needs: set[str] = set()
    for key in ("depends", "imports", "linkingto"):
        needs.update(m[0] for part in fields.get(key, "").split(",") if (m := _NAME.match(part.strip())))
    if needs - {"R"}:
        yield Needs(url, tuple(sorted(needs - {"R"})))


CATALOGER = Cataloger(
    name="r",
    version=1,
    selects=Selector(globs=("**/DESCRIPTION",), max_size=1 << 20),
    parse=parse,
    assemble=packages_and_edges,
    ecosystem="R packages",
)
